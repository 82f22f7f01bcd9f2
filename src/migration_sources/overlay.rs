//! Kustomizations that include a file, and the namespace and the names that they give to its objects.

use super::deployer::Deployer;
use super::{SourceReport, value_path};
use apim_keyless_manifest::normalized;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Fields with the resources of a kustomization.
pub(super) const RESOURCES: [&str; 3] = ["resources", "bases", "components"];

/// A kustomization that is built: no other one includes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Overlay {
    /// Its folder.
    pub folder: PathBuf,
    /// The namespace that it, or a kustomization that it includes, gives to the objects.
    pub namespace: Option<String>,
    /// What it, and the kustomizations that it includes, put before the names of the objects.
    pub prefix: String,
    /// What they put after the names.
    pub suffix: String,
    /// The object of Flux or Argo CD that deploys what is built, by its index in the input.
    pub deployer: Option<usize>,
    /// The namespace that it gives to objects that name none.
    pub default_namespace: Option<String>,
}

impl Overlay {
    /// The name that an object of this name gets.
    pub fn named(&self, name: &str) -> String {
        format!("{}{name}{}", self.prefix, self.suffix)
    }

    /// The same with what a kustomization around it says; its namespace wins.
    pub(super) fn within(&self, folder: &Path, kustomization: &Value) -> Self {
        let text = |field: &str| kustomization.get(field).and_then(Value::as_str);
        Self {
            folder: folder.to_owned(),
            namespace: text("namespace").map(str::to_owned).or_else(|| self.namespace.clone()),
            prefix: format!("{}{}", text("namePrefix").unwrap_or_default(), self.prefix),
            suffix: format!("{}{}", self.suffix, text("nameSuffix").unwrap_or_default()),
            ..self.clone()
        }
    }

    /// The same as it is deployed; the namespace of what deploys it wins.
    fn by(&self, folder: &Path, deployer: &Deployer) -> Self {
        Self {
            folder: folder.to_owned(),
            namespace: deployer.namespace.clone().or_else(|| self.namespace.clone()),
            prefix: format!("{}{}", deployer.prefix, self.prefix),
            suffix: format!("{}{}", self.suffix, deployer.suffix),
            deployer: Some(deployer.object),
            default_namespace: deployer.default_namespace.clone(),
        }
    }

    /// An object with the name and the namespace that it gets.
    pub(super) fn applied_to(&self, object: &Value) -> Value {
        let mut new = object.clone();
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(name) = text("/metadata/name") {
            value_path::set(&mut new, &["metadata", "name"], Value::from(self.named(name)));
        }
        if let Some(namespace) = self.namespace_of(text("/metadata/namespace")) {
            value_path::set(&mut new, &["metadata", "namespace"], Value::from(namespace));
        }
        new
    }

    /// The gateways and the Secrets of a report with the names that they get. A Secret that no file has keeps its name.
    pub(super) fn named_in<At: Clone>(&self, report: &SourceReport<At>) -> SourceReport<At> {
        let mut new = report.clone();
        for gateway in &mut new.gateways {
            gateway.namespace = self.namespace_of(gateway.namespace.as_deref());
            gateway.service_account = self.named(&gateway.service_account);
        }
        for secret in &mut new.delete {
            secret.namespace = self.namespace_of(secret.namespace.as_deref());
        }
        new
    }

    /// The namespace of an object of the input: `None` if nothing says it.
    pub fn namespace_of(&self, own: Option<&str>) -> Option<String> {
        let given = || self.namespace.as_deref();
        given().or(own).or(self.default_namespace.as_deref()).map(str::to_owned)
    }
}

/// The kustomizations of the input, and what includes what.
#[derive(Debug, Default)]
pub struct Kustomizations<'k> {
    all: Vec<(&'k str, &'k Value)>,
    /// The folder of each of them.
    folders: Vec<PathBuf>,
    /// The index of each folder.
    by_folder: HashMap<PathBuf, usize>,
    /// By a file or folder: the indices of the kustomizations that include it.
    including: HashMap<PathBuf, Vec<usize>>,
    /// What deploys folders, by the last name of its path.
    deployers: HashMap<PathBuf, Vec<Deployer>>,
}

impl<'k> Kustomizations<'k> {
    /// Of kustomizations, each with its file.
    pub fn new(all: Vec<(&'k str, &'k Value)>) -> Self {
        let folders: Vec<PathBuf> = all.iter().map(|(file, _)| folder_of(file)).collect();
        let mut including: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (index, ((_, value), folder)) in all.iter().zip(&folders).enumerate() {
            let entries = RESOURCES.iter().filter_map(|field| value.get(*field)?.as_array()).flatten();
            let entries = entries.filter_map(Value::as_str).map(|entry| normalized(&folder.join(entry)));
            for entry in entries.collect::<BTreeSet<PathBuf>>() {
                including.entry(entry).or_default().push(index);
            }
        }
        let by_folder = folders.iter().cloned().enumerate().map(|(index, folder)| (folder, index)).collect();
        Self { all, folders, by_folder, including, deployers: HashMap::new() }
    }

    /// The same with the objects of Flux and Argo CD that deploy folders.
    #[must_use]
    pub fn deployed_by(mut self, deployers: impl IntoIterator<Item = Deployer>) -> Self {
        for deployer in deployers {
            let name = if deployer.is_templated() { PathBuf::from(TEMPLATED) } else { last_name(&deployer.path) };
            self.deployers.entry(name).or_default().push(deployer);
        }
        self
    }

    /// The files and values of the kustomizations.
    pub fn iter(&self) -> impl Iterator<Item = (&'k str, &'k Value)> {
        self.all.iter().copied()
    }

    /// The built kustomizations that include a file. Of several namespaces on the way to the file, that of the outermost
    /// kustomization wins.
    pub fn overlays_of(&self, file: &str) -> BTreeSet<Overlay> {
        let file = Overlay { folder: normalized(Path::new(file)), ..Overlay::default() };
        let mut found = self.walk(file.clone()).found;
        // no kustomization includes it
        found.remove(&file);
        found
    }

    /// The built kustomizations that include the kustomization in this file, or itself if none does.
    pub fn overlays_of_kustomization(&self, file: &str) -> BTreeSet<Overlay> {
        let own = self.all.iter().filter(|(known, _)| *known == file);
        own.flat_map(|(_, value)| self.walk(Overlay::default().within(&folder_of(file), value)).found).collect()
    }

    /// The ways in which a file is deployed; none if no kustomization includes it, and neither Flux nor Argo CD deploys it.
    pub fn deployments_of(&self, file: &str) -> BTreeSet<Overlay> {
        let overlays = self.overlays_of(file);
        if !overlays.is_empty() {
            return overlays.iter().flat_map(|overlay| self.deployments(overlay)).collect();
        }
        let folder = folder_of(file);
        let own = Overlay { folder: folder.clone(), ..Overlay::default() };
        let deployers = self.deployers_of(&folder);
        // a folder with a kustomization is built as that says
        let deployers = deployers.filter(|(folder, _)| !self.by_folder.contains_key(*folder));
        deployers.map(|(folder, deployer)| self.deployed(&own, folder, deployer)).collect()
    }

    /// The ways in which the kustomization in this file is deployed.
    pub fn deployments_of_kustomization(&self, file: &str) -> BTreeSet<Overlay> {
        let overlays = self.overlays_of_kustomization(file);
        overlays.iter().flat_map(|overlay| self.deployments(overlay)).collect()
    }

    /// The ways in which a built kustomization is deployed: as it is, if neither Flux nor Argo CD deploys it.
    fn deployments(&self, overlay: &Overlay) -> BTreeSet<Overlay> {
        let deployers = self.deployers_of(&overlay.folder);
        let found: BTreeSet<Overlay> =
            deployers.map(|(_, deployer)| self.deployed(overlay, &overlay.folder, deployer)).collect();
        if found.is_empty() { BTreeSet::from([overlay.clone()]) } else { found }
    }

    /// An overlay as it is deployed, with what the components say that the deployer adds.
    fn deployed(&self, overlay: &Overlay, folder: &Path, deployer: &Deployer) -> Overlay {
        let components = self.folders.iter().zip(&self.all).filter(|(folder, _)| deployer.adds(folder));
        let built = components.fold(overlay.clone(), |overlay, (folder, (_, value))| overlay.within(folder, value));
        built.by(folder, deployer)
    }

    /// The indices of the objects that add the kustomization in this file as a component.
    pub fn deployers_with_component(&self, file: &str) -> BTreeSet<usize> {
        let folder = folder_of(file);
        let deployers = self.deployers.values().flatten();
        deployers.filter(|deployer| deployer.adds(&folder)).map(|deployer| deployer.object).collect()
    }

    /// What deploys a folder, each with the folder that it names.
    fn deployers_of<'f>(&'f self, folder: &'f Path) -> impl Iterator<Item = (&'f Path, &'f Deployer)> {
        let ancestors = folder.ancestors().take_while(|_| !self.deployers.is_empty());
        ancestors.flat_map(move |outer| {
            let templated = self.deployers.get(Path::new(TEMPLATED)).into_iter().flatten();
            let named = self.deployers.get(&last_name(outer)).into_iter().flatten().chain(templated);
            let is_built = outer != folder && self.by_folder.contains_key(outer);
            named
                .filter(move |deployer| {
                    let is_in = outer == folder || (deployer.is_recursive && !is_built);
                    is_in && deployer.is_of(outer)
                })
                .map(move |deployer| (outer, deployer))
        })
    }

    /// The components of a kustomization in this folder, which change all its objects, with their folders.
    fn components<'c>(&'c self, folder: &'c Path, value: &'c Value) -> impl Iterator<Item = (&'c PathBuf, &'c Value)> {
        let entries = value.get("components").and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(move |entry| {
            let component = normalized(&folder.join(entry.as_str()?));
            let index = *self.by_folder.get(&component)?;
            Some((self.folders.get(index)?, self.all.get(index)?.1))
        })
    }

    /// Follows what includes a file or a kustomization, each folder with each namespace and each addition to the names once.
    fn walk(&self, start: Overlay) -> Walk {
        let mut walk = Walk::default();
        let (mut seen, mut left) = (BTreeSet::new(), vec![start]);
        let mut names: HashMap<(PathBuf, Option<String>), usize> = HashMap::new();
        while let Some(inner) = left.pop() {
            let known = names.entry((inner.folder.clone(), inner.namespace.clone())).or_default();
            if *known == MAX_NAMES || !seen.insert(inner.clone()) {
                continue;
            }
            *known += 1;
            let outer = self.including.get(&inner.folder);
            walk.steps += outer.map_or(1, Vec::len);
            match outer {
                None => _ = walk.found.insert(inner),
                Some(outer) => left.extend(outer.iter().filter_map(|index| {
                    let ((_, value), folder) = (self.all.get(*index)?, self.folders.get(*index)?);
                    let components =
                        self.components(folder, value).filter(|(component, _)| **component != inner.folder);
                    let changed = components.fold(inner.clone(), |inner, (_, value)| inner.within(folder, value));
                    // in a cycle, names would grow for ever
                    Some(changed.within(folder, value))
                        .filter(|outer| outer.prefix.len() + outer.suffix.len() <= MAX_NAME)
                })),
            }
        }
        if walk.found.is_empty() {
            // a cycle has no outermost kustomization, and Kustomize builds none of them
            let mut folders = BTreeSet::new();
            walk.found = seen.into_iter().filter(|overlay| folders.insert(overlay.folder.clone())).collect();
        }
        walk
    }
}

/// The key of what deploys folders whose names a template makes; no folder has this name.
const TEMPLATED: &str = "{}";

fn last_name(path: &Path) -> PathBuf {
    path.file_name().map(PathBuf::from).unwrap_or_default()
}

/// What following the inclusions found.
#[derive(Debug, Default)]
struct Walk {
    found: BTreeSet<Overlay>,
    /// The number of inclusions that were looked at.
    steps: usize,
}

/// The most additions to names that are followed in one folder and namespace: layers of prefixes can have any number.
const MAX_NAMES: usize = 64;
/// Longest name of an object in Kubernetes.
const MAX_NAME: usize = 253;

/// The names of the Secrets that a kustomization generates, and whether each gets the hash of its content at its end.
pub fn generated_secrets(kustomization: &Value) -> impl Iterator<Item = (&str, bool)> {
    let is_hash_disabled = |options: Option<&Value>| {
        options.and_then(|options| options.get("disableNameSuffixHash")).and_then(Value::as_bool).unwrap_or_default()
    };
    let is_plain = is_hash_disabled(kustomization.get("generatorOptions"));
    let generators = kustomization.get("secretGenerator").and_then(Value::as_array).into_iter().flatten();
    generators.filter_map(move |generator| {
        let has_hash = !is_plain && !is_hash_disabled(generator.get("options"));
        Some((generator.get("name")?.as_str()?, has_hash))
    })
}

fn folder_of(file: &str) -> PathBuf {
    normalized(Path::new(file).parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_outermost_namespace_wins() {
        let (base, team) = (
            json!({"namespace": "base", "resources": ["deployment.yaml"]}),
            json!({"resources": ["../base"], "namespace": "team"}),
        );
        let (production, test) =
            (json!({"bases": ["../../team"], "namespace": "production"}), json!({"resources": ["../../team"]}));
        let kustomizations = Kustomizations::new(vec![
            ("k/base/kustomization.yaml", &base),
            ("k/team/kustomization.yaml", &team),
            ("k/overlays/production/kustomization.yaml", &production),
            ("k/overlays/test/kustomization.yaml", &test),
        ]);
        let found = kustomizations.overlays_of("./k/base/deployment.yaml");
        let namespaces: Vec<_> = found.iter().map(|overlay| overlay.namespace.as_deref()).collect();
        assert_eq!(namespaces, [Some("production"), Some("team")]);
        assert_eq!(found.first().unwrap().folder, Path::new("k/overlays/production"));
        assert!(kustomizations.overlays_of("k/base/other.yaml").is_empty());
    }

    #[test]
    fn names_get_what_each_kustomization_adds() {
        let base = json!({"resources": ["deployment.yaml"], "namePrefix": "apim-"});
        let eu = json!({
            "resources": ["../base"], "namespace": "prod", "namePrefix": "eu-", "nameSuffix": "-v2",
            "secretGenerator": [{"name": "a"}, {"name": "b", "options": {"disableNameSuffixHash": true}}],
        });
        let kustomizations =
            Kustomizations::new(vec![("k/base/kustomization.yaml", &base), ("k/eu/kustomization.yaml", &eu)]);
        let of_file = kustomizations.overlays_of("k/base/deployment.yaml");
        assert_eq!(of_file.first().unwrap().named("shop"), "eu-apim-shop-v2");
        assert_eq!(kustomizations.overlays_of_kustomization("k/base/kustomization.yaml"), of_file);
        let own = kustomizations.overlays_of_kustomization("k/eu/kustomization.yaml");
        assert_eq!(own.first().unwrap().named("token"), "eu-token-v2");
        let with_component = json!({"resources": ["../base"], "components": ["../c"], "namePrefix": "eu-"});
        let component = json!({"kind": "Component", "namePrefix": "c-", "namespace": "shop"});
        let kustomizations = Kustomizations::new(vec![
            ("k/base/kustomization.yaml", &base),
            ("k/c/kustomization.yaml", &component),
            ("k/eu/kustomization.yaml", &with_component),
        ]);
        let found = kustomizations.overlays_of("k/base/deployment.yaml");
        let overlay = found.first().unwrap();
        assert_eq!((overlay.named("shop").as_str(), overlay.namespace.as_deref()), ("eu-c-apim-shop", Some("shop")));
        assert_eq!(generated_secrets(&eu).collect::<Vec<_>>(), [("a", true), ("b", false)]);
    }

    /// Layers of two folders each, of which each includes both folders of the layer below it.
    fn layers(count: usize) -> Vec<(String, Value)> {
        let base = ("k/0-a/kustomization.yaml".to_owned(), json!({"resources": ["deployment.yaml"]}));
        let layer = |layer: usize| {
            let below = if layer == 1 {
                vec!["../0-a".to_owned()]
            } else {
                ["a", "b"].map(|name| format!("../{}-{name}", layer - 1)).to_vec()
            };
            ["a", "b"].map(|name| (format!("k/{layer}-{name}/kustomization.yaml"), json!({"resources": below})))
        };
        std::iter::once(base).chain((1..=count).flat_map(layer)).collect()
    }

    #[test]
    fn many_ways_to_a_file_cost_as_much_as_their_folders() {
        let steps = |count: usize| {
            let layers = layers(count);
            let kustomizations =
                Kustomizations::new(layers.iter().map(|(file, value)| (file.as_str(), value)).collect());
            let file = Overlay { folder: "k/0-a/deployment.yaml".into(), ..Overlay::default() };
            let walk = kustomizations.walk(file);
            assert_eq!(walk.found.len(), 2, "the two of the last layer");
            walk.steps
        };
        // with 2^40 ways the test would not end
        assert!(steps(40) <= 3 * steps(20), "{} {}", steps(40), steps(20));
        // each way has a name of its own
        let mut layers = layers(30);
        for (file, value) in &mut layers {
            value["namePrefix"] = json!(file.get(2..5));
        }
        let kustomizations = Kustomizations::new(layers.iter().map(|(file, value)| (file.as_str(), value)).collect());
        let walk = kustomizations.walk(Overlay { folder: "k/0-a/deployment.yaml".into(), ..Overlay::default() });
        assert!(walk.steps <= 61 * 2 * MAX_NAMES, "{}", walk.steps);
        let folders: BTreeSet<&Path> = walk.found.iter().map(|overlay| overlay.folder.as_path()).collect();
        assert_eq!(folders.len(), 2, "each folder is found");
    }

    #[test]
    fn a_cycle_ends() {
        let (a, b) = (
            json!({"resources": ["../b", "deployment.yaml"], "namePrefix": "a-", "namespace": "shop"}),
            json!({"resources": ["../a"]}),
        );
        let kustomizations = Kustomizations::new(vec![("k/a/kustomization.yaml", &a), ("k/b/kustomization.yaml", &b)]);
        let found = kustomizations.overlays_of("k/a/deployment.yaml");
        let folders: Vec<&Path> = found.iter().map(|overlay| overlay.folder.as_path()).collect();
        assert_eq!(folders, [Path::new("k/a"), Path::new("k/b")]);
        assert!(found.iter().all(|overlay| overlay.namespace.as_deref() == Some("shop")));
    }
}

//! Kustomizations that include a file, and the namespace and the names that they give to its objects.

use apim_keyless_manifest::normalized;
use serde_json::Value;
use std::collections::BTreeSet;
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
        }
    }
}

/// The built kustomizations that include a file. `kustomizations` are files and their values. Of several namespaces on the
/// way to the file, that of the outermost kustomization wins.
pub fn overlays_of(file: &str, kustomizations: &[(&str, &Value)]) -> BTreeSet<Overlay> {
    let mut found = BTreeSet::new();
    let file = Overlay { folder: normalized(Path::new(file)), ..Overlay::default() };
    add_overlays(&file, kustomizations, &mut BTreeSet::new(), &mut found);
    // no kustomization includes it
    found.remove(&file);
    found
}

/// The built kustomizations that include the kustomization in this file, or itself if none does.
pub fn overlays_of_kustomization(file: &str, kustomizations: &[(&str, &Value)]) -> BTreeSet<Overlay> {
    let mut found = BTreeSet::new();
    for (_, value) in kustomizations.iter().filter(|(known, _)| *known == file) {
        let own = Overlay::default().within(&folder_of(file), value);
        add_overlays(&own, kustomizations, &mut BTreeSet::new(), &mut found);
    }
    found
}

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

fn add_overlays(
    inner: &Overlay,
    kustomizations: &[(&str, &Value)],
    visited: &mut BTreeSet<PathBuf>,
    found: &mut BTreeSet<Overlay>,
) {
    let mut is_outermost = true;
    for (file, value) in kustomizations {
        let folder = folder_of(file);
        let mut entries = RESOURCES.iter().filter_map(|field| value.get(*field)?.as_array()).flatten();
        let is_included =
            entries.any(|entry| entry.as_str().is_some_and(|entry| normalized(&folder.join(entry)) == inner.folder));
        if is_included && visited.insert(folder.clone()) {
            is_outermost = false;
            add_overlays(&inner.within(&folder, value), kustomizations, visited, found);
            visited.remove(&folder);
        }
    }
    if is_outermost {
        found.insert(inner.clone());
    }
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
        let kustomizations = [
            ("k/base/kustomization.yaml", &base),
            ("k/team/kustomization.yaml", &team),
            ("k/overlays/production/kustomization.yaml", &production),
            ("k/overlays/test/kustomization.yaml", &test),
        ];
        let found = overlays_of("./k/base/deployment.yaml", &kustomizations);
        let namespaces: Vec<_> = found.iter().map(|overlay| overlay.namespace.as_deref()).collect();
        assert_eq!(namespaces, [Some("production"), Some("team")]);
        assert_eq!(found.first().unwrap().folder, Path::new("k/overlays/production"));
        assert!(overlays_of("k/base/other.yaml", &kustomizations).is_empty());
    }

    #[test]
    fn names_get_what_each_kustomization_adds() {
        let base = json!({"resources": ["deployment.yaml"], "namePrefix": "apim-"});
        let eu = json!({
            "resources": ["../base"], "namespace": "prod", "namePrefix": "eu-", "nameSuffix": "-v2",
            "secretGenerator": [{"name": "a"}, {"name": "b", "options": {"disableNameSuffixHash": true}}],
        });
        let kustomizations = [("k/base/kustomization.yaml", &base), ("k/eu/kustomization.yaml", &eu)];
        let of_file = overlays_of("k/base/deployment.yaml", &kustomizations);
        assert_eq!(of_file.first().unwrap().named("shop"), "eu-apim-shop-v2");
        assert_eq!(overlays_of_kustomization("k/base/kustomization.yaml", &kustomizations), of_file);
        let own = overlays_of_kustomization("k/eu/kustomization.yaml", &kustomizations);
        assert_eq!(own.first().unwrap().named("token"), "eu-token-v2");
        assert_eq!(generated_secrets(&eu).collect::<Vec<_>>(), [("a", true), ("b", false)]);
    }
}

//! Objects of Flux and Argo CD that deploy the manifests in a folder, and the namespace and the names that they give to them.

use apim_keyless_manifest::normalized;
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// What stands for a namespace that a template makes.
const UNKNOWN_NAMESPACE: &str = "NAMESPACE";

/// What deploys the manifests in a folder: a `Kustomization` of Flux, or a source of an application of Argo CD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployer {
    /// The index of the object in the input.
    pub object: usize,
    /// The folder, from the root of a repository, which is not known.
    pub(super) path: PathBuf,
    /// Whether it deploys the folders in this folder, too, if no kustomization says something else.
    pub(super) is_recursive: bool,
    /// The namespace of all objects.
    pub(super) namespace: Option<String>,
    /// The namespace of those that name none.
    pub(super) default_namespace: Option<String>,
    pub(super) prefix: String,
    pub(super) suffix: String,
    /// The folders of components that it adds, from the root of the repository.
    components: Vec<PathBuf>,
}

impl Deployer {
    /// What the object with this index deploys.
    pub fn of_object(index: usize, object: &Value) -> Vec<Self> {
        let text = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        match (text("/apiVersion").split('/').next().unwrap_or_default(), text("/kind")) {
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => vec![Self::of_flux(index, object)],
            ("argoproj.io", "Application") => Self::of_argo(index, object.pointer("/spec")),
            ("argoproj.io", "ApplicationSet") => Self::of_argo(index, object.pointer("/spec/template/spec")),
            _ => Vec::new(),
        }
    }

    /// <https://fluxcd.io/flux/components/kustomize/kustomizations/>
    fn of_flux(object: usize, kustomization: &Value) -> Self {
        let spec = kustomization.get("spec").unwrap_or(&Value::Null);
        let path = folder(text(spec, "path").unwrap_or_default());
        Self {
            object,
            components: components(&path, spec),
            path,
            is_recursive: true,
            namespace: namespace(spec, "targetNamespace"),
            default_namespace: None,
            prefix: text(spec, "namePrefix").unwrap_or_default().to_owned(),
            suffix: text(spec, "nameSuffix").unwrap_or_default().to_owned(),
        }
    }

    /// <https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml>
    fn of_argo(object: usize, spec: Option<&Value>) -> Vec<Self> {
        let Some(spec) = spec else { return Vec::new() };
        let listed = spec.get("sources").and_then(Value::as_array).into_iter().flatten();
        let sources = spec.get("source").into_iter().chain(listed);
        let default_namespace = spec.get("destination").and_then(|destination| namespace(destination, "namespace"));
        let deployer = |source: &Value| {
            let path = text(source, "path")?;
            let kustomize = source.get("kustomize").unwrap_or(&Value::Null);
            let path = folder(path);
            Some(Self {
                object,
                components: components(&path, kustomize),
                path,
                is_recursive: source.pointer("/directory/recurse").and_then(Value::as_bool).unwrap_or_default(),
                namespace: namespace(kustomize, "namespace"),
                default_namespace: default_namespace.clone(),
                prefix: text(kustomize, "namePrefix").unwrap_or_default().to_owned(),
                suffix: text(kustomize, "nameSuffix").unwrap_or_default().to_owned(),
            })
        };
        sources.filter_map(deployer).collect()
    }

    /// Whether this folder has one of its components.
    pub(super) fn adds(&self, folder: &Path) -> bool {
        self.components.iter().any(|component| folder.ends_with(component))
    }

    /// Its components that are in none of these folders.
    pub fn components_outside<'d>(&'d self, folders: &'d [&Path]) -> impl Iterator<Item = &'d Path> {
        let components = self.components.iter().map(PathBuf::as_path);
        components.filter(|component| !folders.iter().any(|folder| folder.ends_with(component)))
    }

    /// Whether a template makes a part of its path.
    pub(super) fn is_templated(&self) -> bool {
        self.path.to_string_lossy().contains("{{")
    }

    /// Whether this is its folder. What a template makes can be each name.
    pub(super) fn is_of(&self, folder: &Path) -> bool {
        if self.path.as_os_str().is_empty() {
            return folder == self.path;
        }
        let is_template = |name: &Component<'_>| name.as_os_str().to_string_lossy().contains("{{");
        // `{{path}}` alone can be any folder
        if self.path.components().all(|name| is_template(&name)) {
            return false;
        }
        let mut folders = folder.components().rev();
        self.path.components().rev().all(|own| folders.next().is_some_and(|name| name == own || is_template(&own)))
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str().filter(|text| !text.is_empty())
}

fn folder(path: &str) -> PathBuf {
    normalized(Path::new(path.trim_start_matches('/')))
}

/// The folders of components in this folder, which a component can leave.
fn components(path: &Path, value: &Value) -> Vec<PathBuf> {
    let entries = value.get("components").and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| Some(normalized(&path.join(entry.as_str()?)))).collect()
}

/// A namespace; what a template makes is not known.
fn namespace(value: &Value, key: &str) -> Option<String> {
    let name = text(value, key)?;
    Some(if name.contains(['{', '$']) { UNKNOWN_NAMESPACE } else { name }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flux_and_argo_name_a_folder_and_a_namespace() {
        let flux = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "spec": {
            "path": "./apps/prod", "targetNamespace": "shop", "namePrefix": "eu-", "components": ["../../key"],
        }});
        let [deployer] = Deployer::of_object(3, &flux).try_into().unwrap();
        assert_eq!((deployer.object, deployer.namespace.as_deref()), (3, Some("shop")));
        assert!(deployer.adds(Path::new("repository/key")) && !deployer.adds(Path::new("apps/prod")));
        assert!(deployer.is_of(Path::new("repository/apps/prod")) && !deployer.is_of(Path::new("apps")));
        let spec = json!({"destination": {"namespace": "{{ .name }}"}, "sources": [
            {"chart": "redis"},
            {"path": "k", "kustomize": {"namespace": "shop", "nameSuffix": "-v2"}, "directory": {"recurse": true}},
        ]});
        let set = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationSet", "spec": {"template": {"spec": spec}}});
        let [deployer] = Deployer::of_object(0, &set).try_into().unwrap();
        assert!(deployer.is_recursive);
        assert_eq!((deployer.namespace.as_deref(), deployer.suffix.as_str()), (Some("shop"), "-v2"));
        assert_eq!(deployer.default_namespace.as_deref(), Some(UNKNOWN_NAMESPACE));
        let root =
            json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": {"source": {"path": "."}}});
        let [deployer] = Deployer::of_object(0, &root).try_into().unwrap();
        assert!(deployer.is_of(Path::new("")) && !deployer.is_of(Path::new("apps")));
    }
}

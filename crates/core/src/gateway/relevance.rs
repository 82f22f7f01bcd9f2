//! What an object can have to do with a gateway, as far as the object alone shows: of thousands of objects, most have
//! nothing to do with one, and need not be kept as a whole until all others are known.

use super::{Gateway, Images, KubernetesObject, ObjectView, RelatedObjects, Workload};
use serde_json::Value;
use std::collections::BTreeSet;

/// The annotation in which `kubectl apply` keeps what was applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What an object can have to do with a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relevance {
    /// It is evaluated, or small.
    Evaluated,
    /// A workload that is a gateway's only if one of these `ConfigMap`s, which it takes as a whole, holds a setting.
    ByConfigMaps(BTreeSet<String>),
    /// A `ConfigMap` without any setting: it matters only if a gateway refers to it, or if it is expected.
    IfReferenced,
}

/// Removes what no rule reads, and what can be most of an object from a cluster: its status, its field managers and the
/// copy that kubectl keeps of it.
pub fn remove_unread(object: &mut Value) {
    let Value::Object(members) = object else { return };
    members.remove("status");
    if let Some(Value::Object(metadata)) = members.get_mut("metadata") {
        metadata.remove("managedFields");
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            annotations.remove(LAST_APPLIED);
        }
    }
}

impl KubernetesObject<'_> {
    /// What it can have to do with a gateway.
    pub fn relevance(&self, images: &Images) -> Relevance {
        match &self.view {
            ObjectView::Workload(workload) => {
                let is_certain = Gateway::recognize(self, images, &RelatedObjects::default()).is_some();
                if is_certain || workload.exceeded_list().is_some() {
                    Relevance::Evaluated
                } else {
                    Relevance::ByConfigMaps(whole_config_maps(workload))
                }
            }
            ObjectView::ConfigMap(config_map) if !config_map.has_read_entries() => Relevance::IfReferenced,
            ObjectView::ConfigMap(_)
            | ObjectView::Namespace(_)
            | ObjectView::Service(_)
            | ObjectView::ServiceAccount(_) => Relevance::Evaluated,
        }
    }

    /// The names of the `ConfigMap`s that the containers of a workload refer to.
    pub fn referenced_config_maps(&self) -> BTreeSet<String> {
        let Some(workload) = self.workload() else { return BTreeSet::new() };
        let mut names = whole_config_maps(workload);
        for container in workload.containers() {
            let sources = container.env.iter().filter_map(|variable| variable.value_from.as_ref());
            names.extend(sources.filter_map(|source| Some(source.config_map_key_ref.as_ref()?.name.clone())));
        }
        names
    }
}

fn whole_config_maps(workload: &Workload) -> BTreeSet<String> {
    let sources = |container: super::Container<'_>| {
        let references = container.env_from.iter().filter_map(|source| source.config_map_ref.as_ref());
        references.map(|reference| reference.name.clone()).collect::<Vec<_>>()
    };
    workload.containers().into_iter().flat_map(sources).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relevance(json: &str) -> Relevance {
        KubernetesObject::recognize(json, "default").unwrap().unwrap().relevance(&Images::default())
    }

    fn pod(container: &str) -> Relevance {
        relevance(&format!(
            r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a",{container}}}]}}}}"#
        ))
    }

    #[test]
    fn a_workload_is_kept_if_it_shows_itself_a_gateway() {
        for container in [
            r#""image":"mcr.microsoft.com/azure-api-management/gateway:2.11.1""#,
            r#""env":[{"name":"config.service.auth","value":"workloadIdentity"}]"#,
            r#""env":[{"name":"CONFIG__SERVICE__ENDPOINT","valueFrom":{"secretKeyRef":{"name":"a","key":"b"}}}]"#,
            r#""envFrom":[{"prefix":"config.service.","secretRef":{"name":"a"}}]"#,
        ] {
            assert_eq!(pod(container), Relevance::Evaluated, "{container}");
        }
        let names = ["b".to_owned()].into();
        assert_eq!(pod(r#""image":"a","envFrom":[{"configMapRef":{"name":"b"}}]"#), Relevance::ByConfigMaps(names));
        assert_eq!(pod(r#""image":"a""#), Relevance::ByConfigMaps(BTreeSet::new()));
    }

    #[test]
    fn a_config_map_is_kept_if_a_rule_reads_a_key_of_it() {
        for (data, expected) in [
            (r#"{"config.service.auth":"a"}"#, Relevance::Evaluated),
            (r#"{"service.auth":"a"}"#, Relevance::Evaluated),
            (r#"{"a":"b"}"#, Relevance::IfReferenced),
        ] {
            let json = format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","data":{data}}}"#);
            assert_eq!(relevance(&json), expected, "{data}");
        }
    }
}

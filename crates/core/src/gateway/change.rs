//! Compares the evaluated part of an object before and after an update.
//!
//! An update that leaves the evaluated part alone is neither mutated nor denied, only warned about: a mutation would
//! roll the Pods of a running gateway unexpectedly, and a denial would stop its scaling, status updates or deletion.

use super::{
    Container, EnvValue, Environment, Kind, KubernetesObject, ObjectView, RelatedObjects, Setting, Workload, well_known,
};
use jsonptr::{Pointer, PointerBuf};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The part of an object that a review creates or changes. Findings outside it are only warnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The whole object: it is new, or its evaluated part changed.
    Everything,
    /// Nothing: the update leaves the evaluated part alone.
    Nothing,
    /// Of a Pod: its evaluated labels and annotations, and the containers that were added or changed. Its other fields
    /// cannot change after creation.
    Pod {
        /// Whether an evaluated label or annotation changed.
        metadata: bool,
        /// JSON pointers to the containers that were added or changed.
        containers: BTreeSet<PointerBuf>,
    },
}

impl Change {
    /// The part that an update from `old` to `new` changes.
    pub fn between(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> Self {
        match (&old.view, &new.view) {
            (ObjectView::ConfigMap(old), ObjectView::ConfigMap(new)) => Self::everything_if(
                !old.settings().eq(new.settings()) || !old.binary_settings().eq(new.binary_settings()),
            ),
            (ObjectView::ServiceAccount(_), ObjectView::ServiceAccount(_)) => {
                Self::everything_if(evaluated_metadata_differs(old, new))
            }
            (ObjectView::Workload(old_workload), ObjectView::Workload(new_workload))
                if old_workload.kind == Kind::Pod && new_workload.kind == Kind::Pod =>
            {
                Self::Pod {
                    metadata: evaluated_metadata_differs(old, new),
                    containers: changed_containers(old_workload, new_workload),
                }
            }
            (ObjectView::Workload(old_workload), ObjectView::Workload(new_workload)) => Self::everything_if(
                evaluated_metadata_differs(old, new)
                    || !has_same_template(old, new)
                    || old_workload.kind != new_workload.kind,
            ),
            _ => Self::Everything,
        }
    }

    /// Returns true if `pointer` is in the changed part, so that a finding there can be fixed or denied; otherwise it
    /// is only a warning.
    pub fn touches(&self, pointer: &Pointer) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Pod { metadata, containers } => {
                let in_a_container = pointer.as_str().split('/').nth(2).is_some_and(|list| list.ends_with("ontainers"));
                let container = || PointerBuf::from_tokens(pointer.tokens().take(3));
                if in_a_container { containers.contains(&container()) } else { *metadata }
            }
        }
    }

    fn everything_if(changed: bool) -> Self {
        if changed { Self::Everything } else { Self::Nothing }
    }
}

fn evaluated_metadata_differs(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> bool {
    let (old, new) = (old.metadata(), new.metadata());
    !well_known::evaluated_entries(&old.labels).eq(well_known::evaluated_entries(&new.labels))
        || !well_known::evaluated_entries(&old.annotations).eq(well_known::evaluated_entries(&new.annotations))
}

/// Returns true if both have the same pod template. Fields that no rule reads count too: a change of any field rolls
/// the Pods.
///
/// Compares the JSON texts: one API server writes both, so equal templates have equal texts. A comparison of parsed
/// values needs a hundred times the memory.
fn has_same_template(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> bool {
    old.template_json() == new.template_json()
}

fn changed_containers(old: &Workload, new: &Workload) -> BTreeSet<PointerBuf> {
    let (containers, no_related) = (old.containers(), RelatedObjects::default());
    // names are unique except in a forged review; duplicates are compared in order, which keeps the cost linear
    let mut by_name: HashMap<_, VecDeque<_>> = HashMap::new();
    for container in &containers {
        by_name.entry((container.list, container.name)).or_default().push_back(container);
    }
    let same = |one: &Container<'_>, other: &Container<'_>| {
        one.image == other.image
            && one.env == other.env
            && one.env_from == other.env_from
            && one.volume_mounts == other.volume_mounts
            && settings(one, old, &no_related) == settings(other, new, &no_related)
    };
    let mut changed = BTreeSet::new();
    for container in new.containers() {
        let before = by_name.get_mut(&(container.list, container.name)).and_then(VecDeque::pop_front);
        if !before.is_some_and(|before| same(before, &container)) {
            changed.insert(container.at());
        }
    }
    changed
}

/// The settings of a container from its own Pod alone: `env[].valueFrom.fieldRef` can name an annotation, which can
/// change.
fn settings<'a>(
    container: &Container<'a>,
    workload: &'a Workload,
    related: &'a RelatedObjects,
) -> Vec<(Setting, EnvValue<'a>)> {
    let environment = Environment::of(container, workload, related);
    environment.settings().map(|(setting, variable)| (setting, variable.value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(old: &str, new: &str) -> Change {
        let object = |json: &str| KubernetesObject::recognize(json.to_owned(), "default").unwrap().unwrap();
        Change::between(&object(old), &object(new))
    }

    #[test]
    fn a_config_map_changes_only_by_its_settings() {
        let with = |data: &str| format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","data":{data}}}"#);
        let old = with(r#"{"config.service.auth":"key","telemetry.logs.std.level":"info"}"#);
        assert_eq!(
            change(&old, &with(r#"{"config.service.auth":"key","telemetry.logs.std.level":"warn"}"#)),
            Change::Nothing
        );
        assert_eq!(change(&old, &with(r#"{"config.service.auth":"other"}"#)), Change::Everything);
        assert_eq!(
            change(&old, &with(r#"{"CONFIG__SERVICE__AUTH":"key","telemetry.logs.std.level":"info"}"#)),
            Change::Everything
        );
        let binary = r#"{"apiVersion":"v1","kind":"ConfigMap","binaryData":{"config.service.auth":"a2V5"}}"#;
        assert_eq!(change(&with("{}"), binary), Change::Everything);
    }

    #[test]
    fn a_workload_changes_by_its_template_and_evaluated_keys() {
        let with = |labels: &str, replicas: u8, image: &str| {
            format!(
                r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"labels":{labels}}},"spec":{{"replicas":{replicas},"template":{{"spec":{{"containers":[{{"name":"a","image":"{image}"}}]}}}}}}}}"#
            )
        };
        let old = with("{}", 1, "a");
        assert_eq!(change(&old, &with(r#"{"team":"orders"}"#, 3, "a")), Change::Nothing);
        assert_eq!(change(&old, &with("{}", 1, "b")), Change::Everything);
        assert_eq!(change(&old, &with(r#"{"apim-keyless.dev/gateway":"true"}"#, 1, "a")), Change::Everything);
    }

    #[test]
    fn containers_of_a_pod_with_the_same_name_are_compared_in_order() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"a"},{"name":"a","image":"b"}]}}"#;
        assert_eq!(change(pod, pod), Change::Pod { metadata: false, containers: BTreeSet::new() });
        let Change::Pod { containers, .. } = change(pod, &pod.replace(r#""image":"b""#, r#""image":"c""#)) else {
            unreachable!()
        };
        assert_eq!(containers, BTreeSet::from([PointerBuf::parse("/spec/containers/1").unwrap()]));
    }

    #[test]
    fn only_the_added_container_of_a_pod_changes() {
        let with = |extra: &str| {
            format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a","image":"a"}}]{extra}}}}}"#)
        };
        let change = change(&with(""), &with(r#","ephemeralContainers":[{"name":"debugger","image":"busybox"}]"#));
        assert!(change.touches(Pointer::from_static("/spec/ephemeralContainers/0/image")));
        assert!(!change.touches(Pointer::from_static("/spec/containers/0/image")));
        assert!(!change.touches(Pointer::from_static("/metadata/labels")));
    }
}

//! What an update touches of the part of an object that is judged.
//!
//! An update that leaves the judged part alone is left alone: it must not roll the Pods of a running gateway behind
//! its owner's back, nor stop its scaling, its status or its deletion.

use super::{
    Container, EnvValue, Environment, Kind, KubernetesObject, ObjectView, RelatedObjects, Setting, Workload, well_known,
};
use jsonptr::{Pointer, PointerBuf};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// How much of an object is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All of it: it is new, or its judged part was touched.
    Everything,
    /// Nothing: an update that leaves the judged part alone.
    Nothing,
    /// Of a Pod, whose other fields can't change: its identity keys, and the containers that were added or changed.
    OfPod {
        /// Were labels or annotations of azure-workload-identity touched?
        identity: bool,
        /// Where the added and changed containers stand.
        containers: BTreeSet<PointerBuf>,
    },
}

impl Change {
    /// What an update from `old` to `new` touches.
    pub fn between(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> Self {
        match (&old.view, &new.view) {
            (ObjectView::ConfigMap(old), ObjectView::ConfigMap(new)) => Self::everything_if(
                !old.settings().eq(new.settings()) || !old.binary_settings().eq(new.binary_settings()),
            ),
            (ObjectView::ServiceAccount(_), ObjectView::ServiceAccount(_)) => {
                Self::everything_if(keys_differ(old, new))
            }
            (ObjectView::Workload(of_old), ObjectView::Workload(of_new))
                if of_old.kind == Kind::Pod && of_new.kind == Kind::Pod =>
            {
                Self::OfPod { identity: keys_differ(old, new), containers: changed_containers(of_old, of_new) }
            }
            (ObjectView::Workload(of_old), ObjectView::Workload(of_new)) => {
                Self::everything_if(keys_differ(old, new) || !has_template_of(old, new) || of_old.kind != of_new.kind)
            }
            _ => Self::Everything,
        }
    }

    /// Is what stands at `place` judged, or only remarked on?
    pub fn touches(&self, place: &Pointer) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::OfPod { identity, containers } => {
                let in_a_container = place.as_str().split('/').nth(2).is_some_and(|list| list.ends_with("ontainers"));
                let container = || PointerBuf::from_tokens(place.tokens().take(3));
                if in_a_container { containers.contains(&container()) } else { *identity }
            }
        }
    }

    fn everything_if(touched: bool) -> Self {
        if touched { Self::Everything } else { Self::Nothing }
    }
}

fn keys_differ(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> bool {
    let (old, new) = (old.metadata(), new.metadata());
    !well_known::evaluated_keys(&old.labels).eq(well_known::evaluated_keys(&new.labels))
        || !well_known::evaluated_keys(&old.annotations).eq(well_known::evaluated_keys(&new.annotations))
}

/// Is the pod template the same in both, fields that no rule reads included? Whoever changes one of them rolls the Pods.
///
/// One API server writes both, so that equal ones are equal texts; to compare them as values would cost a hundred times the
/// memory.
fn has_template_of(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> bool {
    old.template() == new.template()
}

fn changed_containers(old: &Workload, new: &Workload) -> BTreeSet<PointerBuf> {
    let (containers, unseen) = (old.containers(), RelatedObjects::default());
    // a name is there once; several, which only a forged review has, are compared in order, so that none takes long
    let mut by_name: HashMap<_, VecDeque<_>> = HashMap::new();
    for container in &containers {
        by_name.entry((container.list, container.name)).or_default().push_back(container);
    }
    let same = |one: &Container<'_>, other: &Container<'_>| {
        one.image == other.image
            && one.env == other.env
            && one.env_from == other.env_from
            && one.volume_mounts == other.volume_mounts
            && settings(one, old, &unseen) == settings(other, new, &unseen)
    };
    let mut changed = BTreeSet::new();
    for container in new.containers() {
        let was = by_name.get_mut(&(container.list, container.name)).and_then(VecDeque::pop_front);
        if !was.is_some_and(|was| same(was, &container)) {
            changed.insert(container.at());
        }
    }
    changed
}

/// The settings of a container as its own Pod makes them: `env` may point at an annotation, which can change.
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
    fn of_a_config_map_only_settings_count() {
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
    fn of_a_workload_the_template_and_its_judged_keys_count() {
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
    fn of_a_pod_containers_of_one_name_are_compared_in_order() {
        let pod = r#"{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","image":"a"},{"name":"a","image":"b"}]}}"#;
        assert_eq!(change(pod, pod), Change::OfPod { identity: false, containers: BTreeSet::new() });
        let Change::OfPod { containers, .. } = change(pod, &pod.replace(r#""image":"b""#, r#""image":"c""#)) else {
            unreachable!()
        };
        assert_eq!(containers, BTreeSet::from([PointerBuf::parse("/spec/containers/1").unwrap()]));
    }

    #[test]
    fn of_a_pod_only_what_was_added_is_judged() {
        let with = |extra: &str| {
            format!(r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a","image":"a"}}]{extra}}}}}"#)
        };
        let change = change(&with(""), &with(r#","ephemeralContainers":[{"name":"debugger","image":"busybox"}]"#));
        assert!(change.touches(Pointer::from_static("/spec/ephemeralContainers/0/image")));
        assert!(!change.touches(Pointer::from_static("/spec/containers/0/image")));
        assert!(!change.touches(Pointer::from_static("/metadata/labels")));
    }
}

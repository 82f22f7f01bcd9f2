//! Compares the evaluated part of an object before and after an update.
//!
//! An update that leaves the evaluated part alone is neither mutated nor denied, only warned about: a mutation would
//! roll the Pods of a running gateway unexpectedly, and a denial would stop its scaling, status updates or deletion.

use super::{Container, Kind, KubernetesObject, ObjectView, Workload, well_known};
use jsonptr::{Pointer, PointerBuf};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The part of an object that a review creates or changes. Findings outside it are only warnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The whole object: it is new, or its evaluated part changed.
    Everything,
    /// Nothing: the update leaves the evaluated part alone.
    Nothing,
    /// Of a Pod: its evaluated labels and annotations, and the containers that were added or changed, with the image
    /// volumes that they mount. Its other fields cannot change after creation.
    Pod {
        /// Whether an evaluated label or annotation changed.
        metadata: bool,
        /// JSON pointers to the containers that were added or changed, and to the image volumes that these mount.
        containers: BTreeSet<PointerBuf>,
    },
}

impl Change {
    /// The part that an update from `old` to `new` changes.
    pub fn between(old: &KubernetesObject<'_>, new: &KubernetesObject<'_>) -> Self {
        match (&old.view, &new.view) {
            (ObjectView::ConfigMap(old), ObjectView::ConfigMap(new)) => {
                Self::everything_if(!old.has_same_settings(new))
            }
            (ObjectView::ServiceAccount(_), ObjectView::ServiceAccount(_)) => {
                Self::everything_if(evaluated_metadata_differs(old, new))
            }
            (ObjectView::Service(of_old), ObjectView::Service(of_new)) => {
                Self::everything_if(evaluated_metadata_differs(old, new) || of_old.selector() != of_new.selector())
            }
            (ObjectView::Workload(old_workload), ObjectView::Workload(new_workload))
                if old_workload.kind == Kind::Pod && new_workload.kind == Kind::Pod =>
            {
                // a container that is not read may have changed
                if [old_workload, new_workload].iter().any(|workload| workload.exceeded_list().is_some()) {
                    return Self::Everything;
                }
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
                let list = pointer.as_str().split('/').nth(2).unwrap_or_default();
                let element = || PointerBuf::from_tokens(pointer.tokens().take(3));
                match list {
                    "" => *metadata || !containers.is_empty(),
                    list if list.ends_with("ontainers") || list == "volumes" => containers.contains(&element()),
                    _ => *metadata,
                }
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
    let containers = old.containers();
    let (old_images, new_images) = (image_volumes(old), image_volumes(new));
    // names are unique except in a forged review; duplicates are compared in order, which keeps the cost linear
    let mut by_name: HashMap<_, VecDeque<_>> = HashMap::new();
    for container in &containers {
        by_name.entry((container.list, container.name)).or_default().push_back(container);
    }
    let same = |one: &Container<'_>, other: &Container<'_>| {
        let images = mounted(one, &old_images).map(|(_, name)| name);
        one.image == other.image
            && one.env == other.env
            && one.env_from == other.env_from
            && one.volume_mounts == other.volume_mounts
            && one.has_same_commands(other)
            && images.eq(mounted(other, &new_images).map(|(_, name)| name))
            && fields(one, old).eq(fields(other, new))
    };
    let mut changed = BTreeSet::new();
    for container in new.containers() {
        let before = by_name.get_mut(&(container.list, container.name)).and_then(VecDeque::pop_front);
        if !before.is_some_and(|before| same(before, &container)) {
            changed.insert(container.at());
            let volumes = mounted(&container, &new_images);
            changed.extend(volumes.map(|(index, _)| new.pointer_to(["spec", "volumes", &index.to_string()])));
        }
    }
    changed
}

/// The index and the image of each image volume, by name.
fn image_volumes(workload: &Workload) -> HashMap<&str, (usize, &str)> {
    let volumes = workload.volumes().iter().enumerate();
    let images = volumes
        .filter_map(|(index, volume)| Some((volume.name.as_str(), (index, volume.image.as_ref()?.reference.as_str()))));
    images.collect()
}

/// The image volumes that a container mounts, in the order of its mounts.
fn mounted<'a>(
    container: &Container<'a>,
    image_volumes: &HashMap<&str, (usize, &'a str)>,
) -> impl Iterator<Item = (usize, &'a str)> {
    container.volume_mounts.iter().filter_map(|mount| image_volumes.get(mount.name.as_str()).copied())
}

/// The values of the labels and annotations that the `env` of a container takes by `fieldRef`: they can change, and the
/// container reads them when it starts again.
fn fields<'a>(container: &Container<'a>, pod: &'a Workload) -> impl Iterator<Item = Option<&'a str>> {
    let sources = container.env.iter().filter_map(|variable| variable.value_from.as_ref()?.field_ref.as_ref());
    sources.map(|field| pod.label_or_annotation(&field.field_path))
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

    #[test]
    fn a_changed_command_changes_a_container_of_a_pod() {
        let with = |fields: &str| {
            format!(
                r#"{{"apiVersion":"v1","kind":"Pod","spec":{{"containers":[{{"name":"a","image":"a"{fields}}}]}}}}"#
            )
        };
        for fields in [
            r#","command":["a"]"#,
            r#","args":["a"]"#,
            r#","lifecycle":{"preStop":{"exec":{"command":["a"]}}}"#,
            r#","lifecycle":{"postStart":{"exec":{"command":["a"]}}}"#,
            r#","livenessProbe":{"exec":{"command":["a"]}}"#,
            r#","readinessProbe":{"exec":{"command":["a"]}}"#,
            r#","startupProbe":{"exec":{"command":["a"]}}"#,
        ] {
            let change_of_field = change(&with(""), &with(fields));
            assert!(change_of_field.touches(Pointer::from_static("/spec/containers/0/args")), "{fields}");
            assert!(!change(&with(fields), &with(fields)).touches(Pointer::from_static("/spec/containers/0/args")));
        }
    }

    #[test]
    fn an_image_volume_of_a_pod_changes_only_with_a_container_that_mounts_it() {
        let with = |labels: &str, extra: &str| {
            let volumes = r#"[{"name":"data"},{"name":"gateway","image":{"reference":"a"}}]"#;
            format!(
                r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"labels":{labels}}},"spec":{{"volumes":{volumes},"containers":[{{"name":"a"}}]{extra}}}}}"#
            )
        };
        let debugger = |volume: &str| {
            format!(r#","ephemeralContainers":[{{"name":"debugger","volumeMounts":[{{"name":"{volume}"}}]}}]"#)
        };
        let old = with("{}", "");
        let at = Pointer::from_static("/spec/volumes/1/image/reference");
        assert!(change(&old, &with("{}", &debugger("gateway"))).touches(at));
        assert!(!change(&old, &with("{}", &debugger("data"))).touches(at));
        assert!(!change(&old, &with(r#"{"apim-keyless.dev/gateway":"true"}"#, "")).touches(at));
    }

    #[test]
    fn a_service_changes_by_its_evaluated_keys_and_its_selector() {
        let with = |metadata: &str, spec: &str| {
            format!(r#"{{"apiVersion":"v1","kind":"Service","metadata":{{{metadata}}},"spec":{{{spec}}}}}"#)
        };
        let selector = r#""selector":{"app":"a"}"#;
        let old = with("", selector);
        let unrelated = with(r#""labels":{"team":"orders"}"#, r#""selector":{"app":"a"},"type":"NodePort""#);
        assert_eq!(change(&old, &unrelated), Change::Nothing);
        for key in ["azure.workload.identity/use", "app.kubernetes.io/component"] {
            assert_eq!(change(&old, &with(&format!(r#""labels":{{"{key}":"a"}}"#), selector)), Change::Everything);
            assert_eq!(change(&old, &with(&format!(r#""annotations":{{"{key}":"a"}}"#), selector)), Change::Everything);
        }
        assert_eq!(change(&old, &with("", r#""selector":{"app":"b"}"#)), Change::Everything);
    }
}

//! Live objects that another tool applies again: their source has to change, or the tool restores the key.

use super::files::Declined;
use super::reading::{SourceObject, Sources, located};
use apim_keyless_core::migration::Migration;
use serde_json::Value;

/// Where a tool writes what it applied, and what that is. Only objects in a cluster have these marks.
const MARKS: [(&str, &str, &str); 5] = [
    ("annotations", "meta.helm.sh/release-name", "Helm release"),
    ("labels", "helm.toolkit.fluxcd.io/name", "HelmRelease"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("annotations", "objectset.rio.cattle.io/id", "Fleet bundle"),
];

/// The gateways that would change, and whose workload another tool applies.
pub(super) fn declined(sources: &Sources, migration: &Migration) -> Vec<Declined> {
    let changed = migration.gateways.iter().filter(|gateway| gateway.is_changed);
    let declined = changed.filter_map(|gateway| {
        let source = sources.objects.get(gateway.index)?;
        let (map, key, tool, name) = applied_by(source)?;
        let message = format!(
            "not migrated: {}: change the source of {} instead: {tool} \"{name}\" applied this object, and would apply it \
             with the key again. Give that source to this command, or remove {key} here if nothing applies the object any more",
            located(&source.place, &format!("/metadata/{map}/{}", key.replace('/', "~1"))),
            gateway.object,
        );
        Some(Declined { gateway: gateway.object.clone(), message, by_hand: Vec::new() })
    });
    declined.collect()
}

/// The member of the metadata, the tool, and the name of what applied an object.
fn applied_by(source: &SourceObject) -> Option<(&'static str, &'static str, &'static str, String)> {
    MARKS.iter().find_map(|(map, key, tool)| {
        let name = source.value.get("metadata")?.get(*map)?.get(*key).and_then(Value::as_str)?;
        // Argo CD adds the object behind a colon
        let name = name.split(':').next().unwrap_or_default().to_owned();
        Some((*map, *key, *tool, name))
    })
}

//! Says of what migrations left why nothing needs it, and what to do.

use crate::cluster::{Leftovers, OldRevision};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::Obsolete;
use apim_keyless_report::Leftover;

/// The leftovers of a cluster.
pub(super) fn of(found: &Leftovers, cluster: Option<&str>) -> Vec<Leftover> {
    let leftover =
        |object: ObjectReference, message: String| Leftover { cluster: cluster.map(str::to_owned), object, message };
    let revisions = found.revisions.iter().map(|revision| leftover(revision.object.clone(), of_revision(revision)));
    let obsolete = found.obsolete.iter().map(|obsolete| {
        let Obsolete { kind, namespace, name, .. } = obsolete.clone();
        let api_version = if kind == "Secret" { "v1" } else { "" }.to_owned();
        leftover(ObjectReference { api_version, kind, namespace, name }, of_obsolete(obsolete, found.secrets_exist))
    });
    revisions.chain(obsolete).collect()
}

fn of_revision(revision: &OldRevision) -> String {
    let OldRevision { owner, secrets, .. } = revision;
    let secrets: Vec<String> = secrets.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "delete it, or set a lower revisionHistoryLimit: it is an earlier revision of {owner} that takes the auth setting \
         from Secret {}, and kubectl rollout undo would bring it back",
        secrets.join(", ")
    )
}

fn of_obsolete(obsolete: &Obsolete, secrets_exist: bool) -> String {
    match obsolete.kind.as_str() {
        "Secret" if secrets_exist => "delete it: only earlier revisions name it".to_owned(),
        "Secret" => "delete it if it still exists: only earlier revisions name it (--secrets looks whether it exists)"
            .to_owned(),
        "CronJob" => "delete it: it renews a key in a Secret that only earlier revisions name".to_owned(),
        _ => "delete it: it fills a Secret that only earlier revisions name".to_owned(),
    }
}

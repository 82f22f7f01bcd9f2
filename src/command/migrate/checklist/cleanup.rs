//! The last steps: what is deleted and revoked after the rollout.

use super::{Checklist, Steps};
use crate::command::migrate::other_sources::OtherPlan;
use crate::command::migrate::reading::located;
use crate::migration_sources::NoteKind;
use crate::plan::{API_VERSION, percent_encoded};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::migration::{MigratedGateway, Obsolete};
use apim_keyless_core::policy::{shell_quoted, shell_word};
use serde_json::json;
use std::collections::BTreeSet;

impl Checklist<'_> {
    /// The steps after the rollout. What could not be read can use the same Secrets and keys: then none is named.
    pub(super) fn clean_up(&self, steps: &mut Steps) {
        let unread = self.sources.failures.iter().chain(&self.planned.changed_meanwhile);
        let unread: Vec<&String> = unread.collect();
        if unread.is_empty() {
            self.delete(steps);
            self.revoke(steps);
            return;
        }
        steps.step("Delete no Secret and revoke no key yet");
        steps.line("What could not be read can use the same Secrets and keys. Correct it:");
        for failure in unread {
            steps.line(&format!("- {failure}"));
        }
        steps.line("Then print these steps again, with --checklist and the files as they were before.");
    }

    fn has_obsolete(&self) -> bool {
        !self.planned.migration.obsolete.is_empty()
            || self.commands(|report| &report.delete).next().is_some()
            || self.after_rollout().next().is_some()
    }

    /// What a person removes from the other sources after the rollout.
    fn after_rollout(&self) -> impl Iterator<Item = String> {
        let notes = self.planned.other.plans.iter().flat_map(|plan| &plan.report.notes);
        notes.filter(|note| note.kind == NoteKind::AfterRollout).map(|note| format!("- {}: {}", note.at, note.message))
    }

    fn delete(&self, steps: &mut Steps) {
        if !self.has_obsolete() {
            return;
        }
        steps.step("After the rollout, delete what nothing needs any more, in the cluster and in the files");
        steps.line("Keep what another gateway uses, in another file or another cluster.");
        for obsolete in &self.planned.migration.obsolete {
            if let Some(user) = self.open.user_of_secret(&obsolete.namespace, &obsolete.name) {
                steps.line(&format!("- keep {} \"{}\": {user} still uses it", obsolete.kind, obsolete.name));
                continue;
            }
            if obsolete.is_of_unknown_content {
                self.look_at(obsolete, steps);
                continue;
            }
            for line in self.deployed.deletions(obsolete) {
                steps.line(&line);
            }
        }
        for command in self.commands(|report| &report.delete) {
            steps.line(&format!("  {command}"));
        }
        for line in self.after_rollout() {
            steps.line(&line);
        }
        let mut last = None;
        let known = self.planned.migration.obsolete.iter().filter(|obsolete| !obsolete.is_of_unknown_content);
        let in_files = known.filter_map(|obsolete| {
            let source = self.sources.objects.get(obsolete.input?)?;
            // the file stays open for the next object of it
            last = source.place.open();
            let is_used = self.open.user_of_secret(&obsolete.namespace, &obsolete.name).is_some();
            (!is_used).then(|| format!("- {}: {} \"{}\"", located(&source.place, ""), obsolete.kind, obsolete.name))
        });
        for line in in_files {
            steps.line(&line);
        }
    }

    /// How to see whether a Secret holds only the key.
    fn look_at(&self, obsolete: &Obsolete, steps: &mut Steps) {
        let Obsolete { kind, name, .. } = obsolete;
        if kind != "Secret" {
            steps.line(&format!("- keep {kind} \"{name}\" as long as the Secret that it fills"));
            return;
        }
        steps.line(&format!(
            "- keep Secret \"{name}\" if it has keys beside the auth key: it is not in the input, and the gateway took all \
             of them. This shows their names, without values:"
        ));
        for line in self.deployed.descriptions(obsolete) {
            steps.line(&line);
        }
    }

    fn revoke(&self, steps: &mut Steps) {
        let is_of_app = |gateway: &&MigratedGateway| gateway.from == Authentication::EntraApp;
        let gateways: Vec<&MigratedGateway> = self.planned.changed_gateways().collect();
        steps.step("Last, revoke the old keys and secrets: they still give access to the configuration");
        steps.line("Keep the keys of a gateway that is also deployed with a key in another file or another cluster.");
        let mut kept = BTreeSet::new();
        for gateway in &gateways {
            let old = self.sources.objects.get(gateway.index);
            let Some(user) = old.and_then(|old| self.open.user_of_keys(gateway, &old.value)) else { continue };
            for name in gateway.gateway_names.iter().filter(|name| kept.insert(name.as_str())) {
                steps.line(&format!("- keep the keys of gateway {name}: {user} still uses them"));
            }
        }
        let names: BTreeSet<&str> = gateways
            .iter()
            .filter(|gateway| gateway.from == Authentication::Key || gateway.from == Authentication::Unknown)
            .flat_map(|gateway| gateway.gateway_names.iter().map(String::as_str))
            .chain(self.other_gateways().filter_map(|gateway| gateway.gateway_name.as_deref()))
            .filter(|name| !kept.contains(name))
            .collect();
        for name in names {
            for key in ["primary", "secondary"] {
                let url = format!(
                    "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.ApiManagement/service/SERVICE/\
                     gateways/{}/regenerateKey?api-version={API_VERSION}",
                    percent_encoded(name)
                );
                let body = shell_quoted(&json!({"keyType": key}).to_string());
                steps.line(&format!("  az rest --method post --body {body} --url {}", shell_quoted(&url)));
            }
        }
        let old_apps = gateways.iter().copied().filter(is_of_app);
        let apps: BTreeSet<&str> = old_apps.filter_map(|gateway| gateway.old_client_id.as_deref()).collect();
        for client_id in apps.into_iter().map(shell_word) {
            steps.line(&format!("  az ad app credential list --id {client_id}"));
            steps.line(&format!("  az ad app credential delete --id {client_id} --key-id KEY_ID"));
        }
        let keys: Vec<String> = self
            .sources
            .objects
            .iter()
            .flat_map(|source| source.keys.iter().cloned())
            .chain(self.planned.other.plans.iter().flat_map(OtherPlan::keys))
            .collect();
        if !keys.is_empty() {
            steps.line("Keys in plain text were in these files, and stay in the history of Git:");
            for place in keys {
                steps.line(&format!("- {place}"));
            }
        }
    }
}

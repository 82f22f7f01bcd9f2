//! The last steps of a migration: what is deleted and revoked after the rollout, and what stays because something still needs
//! it. A gateway must never be left without a way to authenticate.

use super::{Checklist, Steps, shown};
use crate::command::migrate::deployed::Namespaces;
use crate::command::migrate::in_use;
use crate::command::migrate::other_sources::OtherPlan;
use crate::command::migrate::reading::located;
use crate::migration_sources::{NoteKind, ObsoleteSecret, SourceGateway};
use crate::plan::{API_VERSION, percent_encoded};
use apim_keyless_core::gateway::{Authentication, Images};
use apim_keyless_core::migration::{MigratedGateway, Obsolete, secrets_with_auth};
use apim_keyless_core::policy::{shell_quoted, shell_word};
use serde_json::json;
use std::collections::{BTreeSet, HashMap, HashSet};

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
            || self.planned.other.plans.iter().any(|plan| !plan.report.delete.is_empty())
            || self.after_rollout().next().is_some()
            || !self.taken_by_others().is_empty()
    }

    /// The Secrets of migrated gateways' keys that something else in the same namespace takes.
    fn taken_by_others(&self) -> BTreeSet<String> {
        let obsolete = self.planned.migration.obsolete.iter().filter(|obsolete| obsolete.kind == "Secret");
        let obsolete: HashSet<(&str, &str)> =
            obsolete.map(|secret| (secret.namespace.as_str(), secret.name.as_str())).collect();
        let is_obsolete = |namespace: &str, name: &str| obsolete.contains(&(namespace, name));
        let lines = self.planned.changed_gateways().flat_map(|gateway| {
            let namespace = gateway.object.namespace.as_str();
            let source = self.sources.objects.get(gateway.index);
            let secrets =
                source.and_then(|source| Some(secrets_with_auth(source.object.as_ref()?, &Images::default())));
            let kept = secrets.unwrap_or_default().into_iter().filter(move |name| !is_obsolete(namespace, name));
            kept.filter_map(move |name| {
                let user = self.user_of_deployed(&self.namespaces(&[gateway]), namespace, &name)?;
                Some(format!("- keep Secret \"{name}\"{}", still_used(&user)))
            })
        });
        lines.collect()
    }

    /// What a person removes from the other sources after the rollout.
    fn after_rollout(&self) -> impl Iterator<Item = String> {
        let plans = self.planned.other.plans.iter().filter(|plan| self.open_sources.place_of_source(plan).is_none());
        let notes = plans.flat_map(|plan| plan.report.notes.iter().map(move |note| (plan, note)));
        let notes = notes.filter(|(_, note)| note.kind == NoteKind::AfterRollout);
        notes.map(|(plan, note)| {
            let kept =
                plan.report.key_resources.iter().filter(|resource| resource.at == note.at).find_map(|resource| {
                    let names = [&resource.name, &resource.reference];
                    let user = names.into_iter().find_map(|name| self.users.user_of(&None, name))?;
                    Some(format!("- {}: keep resource {}{}", note.at, resource.reference, still_used(&user)))
                });
            kept.unwrap_or_else(|| format!("- {}: {}", note.at, note.message))
        })
    }

    fn delete(&self, steps: &mut Steps) {
        if !self.has_obsolete() {
            return;
        }
        steps.step("After the rollout, delete what nothing needs any more, in the cluster and in the files");
        steps.line("Keep what another gateway uses, in another file or another cluster.");
        let kept = self.why_each_is_kept();
        let mut printed = BTreeSet::new();
        let of_manifests = || self.planned.migration.obsolete.iter().zip(&kept);
        for (obsolete, why) in of_manifests() {
            let keep = |why: &String| vec![format!("- keep {} \"{}\"{why}", obsolete.kind, obsolete.name)];
            if why.is_none() && obsolete.is_of_unknown_content {
                self.look_at(obsolete, steps);
                continue;
            }
            if why.is_none() && obsolete.kind == "CronJob" {
                steps.line(&format!(
                    "- CronJob \"{}\" renews the key; delete it if it does nothing else:",
                    obsolete.name
                ));
            }
            let delete = || self.deployed.deletions(obsolete).into_iter().collect();
            for line in why.as_ref().map_or_else(delete, keep) {
                steps.line(&line);
                printed.insert(line);
            }
        }
        let plans = self.planned.other.plans.iter();
        let secrets = plans.flat_map(|plan| plan.report.delete.iter().map(move |secret| (plan, secret)));
        let mut seen = BTreeSet::new();
        for (plan, secret) in secrets.filter(|(_, secret)| seen.insert(*secret)) {
            let kept = self.why_secret_kept(plan, secret);
            let kept = kept.map(|why| format!("- keep Secret \"{}\"{why}", secret.name));
            let line = kept.unwrap_or_else(|| format!("  {secret}"));
            if printed.insert(line.clone()) {
                steps.line(&line);
            }
        }
        for line in self.taken_by_others().into_iter().chain(self.after_rollout()) {
            if printed.insert(line.clone()) {
                steps.line(&line);
            }
        }
        let mut opened = None;
        let is_known =
            |(obsolete, why): &(&Obsolete, &Option<String>)| why.is_none() && !obsolete.is_of_unknown_content;
        for (obsolete, _) in of_manifests().filter(is_known) {
            let Some(source) = obsolete.input.and_then(|index| self.sources.objects.get(index)) else { continue };
            // the file stays open for the next object of it
            _ = std::mem::replace(&mut opened, source.place.open());
            steps.line(&format!("- {}: {} \"{}\"", located(&source.place, ""), obsolete.kind, obsolete.name));
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
            "- keep Secret \"{name}\" if it has keys beside the auth key: the input does not say which keys it has. This shows \
             their names, without values:"
        ));
        for line in self.deployed.descriptions(obsolete) {
            steps.line(&line);
        }
    }

    /// Of each obsolete object why it stays: the end of a sentence. What fills or renews a Secret stays as long as any Secret
    /// of its namespace.
    fn why_each_is_kept(&self) -> Vec<Option<String>> {
        let mut users: HashMap<(&str, &str), Vec<&MigratedGateway>> = HashMap::new();
        for gateway in self.planned.changed_gateways() {
            let Some(old) = self.sources.objects.get(gateway.index) else { continue };
            for secret in in_use::secrets(&old.value) {
                users.entry((gateway.object.namespace.as_str(), secret)).or_default().push(gateway);
            }
        }
        let obsolete = &self.planned.migration.obsolete;
        let why: Vec<Option<String>> = obsolete
            .iter()
            .map(|object| {
                let users = users.get(&(object.namespace.as_str(), object.name.as_str()));
                (object.kind == "Secret")
                    .then(|| self.why_manifest_secret_kept(object, users.map_or(&[], Vec::as_slice)))?
            })
            .collect();
        let mut of_namespace: HashMap<&str, &String> = HashMap::new();
        for (object, why) in obsolete.iter().zip(&why) {
            if let Some(why) = why {
                of_namespace.entry(object.namespace.as_str()).or_insert(why);
            }
        }
        let of_filling = |object: &Obsolete| of_namespace.get(object.namespace.as_str()).copied().cloned();
        let each = obsolete.iter().zip(&why);
        each.map(|(object, why)| if object.kind == "Secret" { why.clone() } else { of_filling(object) }).collect()
    }

    fn why_manifest_secret_kept(&self, secret: &Obsolete, users: &[&MigratedGateway]) -> Option<String> {
        let name = secret.name.as_str();
        let namespaces = self.namespaces(users);
        if let Some(user) = self.user_of_deployed(&namespaces, &secret.namespace, name) {
            return Some(still_used(&user));
        }
        let place = users.iter().find_map(|gateway| self.open_sources.place_of_gateway(gateway));
        place.or_else(|| self.open_sources.place_of_name(name)).map(until)
    }

    fn why_secret_kept(&self, plan: &OtherPlan, secret: &ObsoleteSecret) -> Option<String> {
        if let Some(place) = self.open_sources.place_of_source(plan) {
            return Some(until(place));
        }
        let taker = self.user_of(secret);
        let place = || self.open_sources.place_of_name(&secret.name);
        let other_keys = || {
            let place = self.users.source_of_other_keys(&namespaces_of(secret), &secret.name)?;
            Some(format!(": {place} says that it can have other keys, too; remove only the key of the gateway"))
        };
        taker.map(|user| still_used(&user)).or_else(|| place().map(until)).or_else(other_keys)
    }

    fn revoke(&self, steps: &mut Steps) {
        let gateways: Vec<&MigratedGateway> = self.planned.changed_gateways().collect();
        steps.step("Last, revoke the old keys and secrets: they still give access to the configuration");
        steps.line("Keep the keys of a gateway that is also deployed with a key in another file or another cluster.");
        let length = steps.text.len();
        let (mut kept, mut names, mut apps) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut kept_apps = BTreeSet::new();
        for gateway in gateways {
            let client_id = gateway.old_client_id.as_deref().filter(|_| gateway.from == Authentication::EntraApp);
            if let Some(why) = self.why_keys_kept(gateway) {
                let new = gateway.gateway_names.iter().filter(|name| kept.insert(name.as_str()));
                new.for_each(|name| steps.line(&format!("- keep the keys of gateway {name}{why}")));
                kept_apps.extend(client_id);
            } else if matches!(gateway.from, Authentication::Key | Authentication::Unknown) {
                names.extend(gateway.gateway_names.iter().map(String::as_str));
            }
            apps.extend(client_id);
        }
        for plan in &self.planned.other.plans {
            let is_open = self.open_sources.place_of_source(plan).is_some();
            let old = plan.report.gateways.iter().filter(|gateway| gateway.from == Authentication::EntraApp);
            let old: BTreeSet<&str> = old.filter_map(|gateway| gateway.old_client_id.as_deref()).collect();
            kept_apps.extend(old.iter().copied().filter(|_| is_open));
            apps.extend(old);
        }
        for (plan, name) in self.names_of_other_gateways() {
            let place = self.open_sources.place_of_source(plan);
            let place = place.or_else(|| self.open_sources.place_of_name(name)).map(until);
            let taker = || self.taker_of_source(plan).map(|user| still_use_them(&user));
            let outside = || self.open_sources.outside(Some(name)).map(still_use_them);
            let other = || self.key_users.get(name).map(|place| still_use_them(place));
            match place.or_else(taker).or_else(outside).or_else(other) {
                Some(why) if kept.insert(name) => steps.line(&format!("- keep the keys of gateway {name}{why}")),
                Some(_) => {}
                None => _ = names.insert(name),
            }
        }
        for name in names.difference(&kept) {
            // what a tool fills in is not known
            regenerate(if name.contains(['$', '{']) { "GATEWAY" } else { name }, steps);
        }
        for client_id in apps.difference(&kept_apps).copied().map(shell_word) {
            steps.line(&format!("  az ad app credential list --id {client_id}"));
            steps.line(&format!("  az ad app credential delete --id {client_id} --key-id KEY_ID"));
        }
        if kept.is_empty() && names.is_empty() && apps.is_empty() {
            self.revoke_of_unnamed(steps);
        }
        self.keys_in_plain_text(steps);
        if steps.text.len() == length {
            steps.line("- nothing in the input had a key or a client secret");
        }
    }

    /// Of gateways whose names the input does not have. What is in capitals is not known.
    fn revoke_of_unnamed(&self, steps: &mut Steps) {
        let plans = self.planned.other.plans.iter();
        let is_unnamed = |gateway: &SourceGateway| {
            gateway.gateway_name.is_none()
                && !matches!(gateway.from, Authentication::EntraApp | Authentication::WorkloadIdentity)
        };
        let unnamed = plans.filter(|plan| plan.report.gateways.iter().any(is_unnamed));
        let mut is_free = false;
        for plan in unnamed.filter(|plan| plan.is_changed || plan.open_place().is_some()) {
            let open = self.open_sources.place_of_source(plan).map(until);
            // each key can be of a gateway without a name
            let other = || self.key_users.values().min().map(|place| still_use_them(place));
            let outside = || self.open_sources.outside(None).map(still_use_them).or_else(other);
            match open.or_else(|| self.taker_of_source(plan).map(|user| still_use_them(&user))).or_else(outside) {
                Some(why) => steps.line(&format!("- keep the keys of the gateway in {}{why}", shown(&plan.file))),
                None => is_free = true,
            }
        }
        if is_free {
            regenerate("GATEWAY", steps);
        }
    }

    /// What takes a Secret of a source beside its gateway.
    fn taker_of_source(&self, plan: &OtherPlan) -> Option<String> {
        let resources = plan.report.key_resources.iter().flat_map(|resource| [&resource.name, &resource.reference]);
        let mut names = plan.report.key_secrets.iter().chain(resources);
        let of_tool = || names.find_map(|name| self.users.user_of(&None, name));
        let of_chart = || {
            let mut gateways = plan.report.gateways.iter();
            gateways.find_map(|gateway| Some(self.user_of_chart_secret(gateway)?.1))
        };
        plan.report.delete.iter().find_map(|secret| self.user_of(secret)).or_else(of_tool).or_else(of_chart)
    }

    /// The Secret that Microsoft's chart makes for the release of a gateway, and what takes it beside the gateway.
    pub(super) fn user_of_chart_secret<'g>(&self, gateway: &'g SourceGateway) -> Option<(&'g str, String)> {
        let secret = gateway.chart_secret.as_deref()?;
        let namespaces = gateway.namespace.clone().map(|namespace| BTreeSet::from([namespace]));
        Some((secret, self.users.user_of(&namespaces, secret)?))
    }

    /// What takes a Secret of manifests, which can have another name in the cluster.
    fn user_of_deployed(&self, namespaces: &Namespaces, namespace: &str, secret: &str) -> Option<String> {
        self.deployed.names(namespace, secret).iter().find_map(|name| self.users.user_of(namespaces, name))
    }

    fn user_of(&self, secret: &ObsoleteSecret) -> Option<String> {
        self.users.user_of(&namespaces_of(secret), &secret.name)
    }

    /// The namespaces in which gateways are deployed.
    fn namespaces(&self, gateways: &[&MigratedGateway]) -> Namespaces {
        let each = gateways.iter().map(|gateway| self.deployed.namespaces(self.sources.objects.get(gateway.index)?));
        let all = each.collect::<Option<Vec<BTreeSet<String>>>>()?;
        // of none, nothing is known
        Some(all.into_iter().flatten().collect()).filter(|names: &BTreeSet<String>| !names.is_empty())
    }

    /// The names of the gateways of the other sources that change, or that a person has to change.
    fn names_of_other_gateways(&self) -> impl Iterator<Item = (&OtherPlan, &str)> {
        let plans = self.planned.other.plans.iter().filter(|plan| plan.is_changed || plan.open_place().is_some());
        plans.flat_map(|plan| {
            // an Entra app, or workload identity, needed no key of the gateway
            let had_key = |from| !matches!(from, Authentication::EntraApp | Authentication::WorkloadIdentity);
            let gateways = plan.report.gateways.iter().filter(move |gateway| had_key(gateway.from));
            let names = gateways.filter_map(|gateway| gateway.gateway_name.as_deref());
            names.map(move |name| (plan, name))
        })
    }

    /// Why the keys of a migrated gateway stay: the end of a sentence.
    fn why_keys_kept(&self, gateway: &MigratedGateway) -> Option<String> {
        let old = self.sources.objects.get(gateway.index)?;
        let still = |user: String| still_use_them(&user);
        let namespaces = self.namespaces(&[gateway]);
        let all = in_use::secrets(&old.value);
        let of_open = || all.iter().find_map(|secret| self.users.open_user_of(&namespaces, secret));
        let user = self.open.user_of_keys(gateway).or_else(of_open).map(ToString::to_string).map(still);
        let open = || self.open_sources.place_of_gateway(gateway).map(until);
        let outside = || {
            let names = gateway.gateway_names.iter().map(|name| Some(name.as_str()));
            let unnamed = gateway.gateway_names.is_empty().then_some(None);
            names.chain(unnamed).find_map(|name| self.open_sources.outside(name)).map(still_use_them)
        };
        let secrets = || {
            let known = secrets_with_auth(old.object.as_ref()?, &Images::default());
            // of an image with another name, each Secret can hold the key
            let user = |secret: &str| self.user_of_deployed(&namespaces, &gateway.object.namespace, secret);
            let each = || all.iter().find_map(|secret| user(secret));
            let of_known = || known.iter().find_map(|secret| user(secret));
            if known.is_empty() { each() } else { of_known() }
        };
        let other = || {
            let mut names = gateway.gateway_names.iter();
            let unnamed = || self.key_users.values().min().filter(|_| gateway.gateway_names.is_empty());
            let place = names.find_map(|name| self.key_users.get(name)).or_else(unnamed);
            place.map(|place| still_use_them(place))
        };
        user.or_else(open).or_else(outside).or_else(|| secrets().map(still)).or_else(other)
    }

    fn keys_in_plain_text(&self, steps: &mut Steps) {
        let in_objects = self.sources.objects.iter().flat_map(|source| source.keys.iter().cloned());
        let keys: Vec<String> = in_objects.chain(self.planned.other.plans.iter().flat_map(OtherPlan::keys)).collect();
        if !keys.is_empty() {
            steps.line("Keys in plain text were in these files, and stay in the history of Git:");
            for place in keys {
                steps.line(&format!("- {place}"));
            }
        }
    }
}

fn namespaces_of(secret: &ObsoleteSecret) -> Namespaces {
    secret.namespace.clone().map(|namespace| BTreeSet::from([namespace]))
}

fn still_used(user: &str) -> String {
    format!(": {user} still uses it")
}

fn still_use_them(user: &str) -> String {
    format!(": {user} still uses them")
}

fn until(place: &str) -> String {
    format!(" until {place} is changed (step 1)")
}

/// The commands that make new keys, so that the old ones are no longer accepted.
fn regenerate(gateway: &str, steps: &mut Steps) {
    for key in ["primary", "secondary"] {
        let url = format!(
            "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.ApiManagement/service/SERVICE/\
             gateways/{}/regenerateKey?api-version={API_VERSION}",
            percent_encoded(gateway)
        );
        let body = shell_quoted(&json!({"keyType": key}).to_string());
        steps.line(&format!("  az rest --method post --body {body} --url {}", shell_quoted(&url)));
    }
}

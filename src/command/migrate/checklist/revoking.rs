//! The last step of a migration: which keys and secrets are revoked, and which stay because something still uses them.

use super::cleanup::until;
use super::{Checklist, Steps, shown};
use crate::command::migrate::in_use;
use crate::command::migrate::other_sources::OtherPlan;
use crate::migration_sources::{ObsoleteSecret, SourceGateway};
use crate::plan::{API_VERSION, percent_encoded};
use apim_keyless_core::gateway::{Authentication, Images};
use apim_keyless_core::migration::{MigratedGateway, secrets_with_auth};
use apim_keyless_core::policy::{shell_quoted, shell_word};
use serde_json::json;
use std::collections::BTreeSet;

impl Checklist<'_> {
    pub(super) fn revoke(&self, steps: &mut Steps) {
        let gateways: Vec<&MigratedGateway> = self.planned.changed_gateways().collect();
        steps.step("Last, revoke the old keys and secrets: they still give access to the configuration");
        steps.line("Keep the keys of a gateway that is also deployed with a key in another file or another cluster.");
        let length = steps.text.len();
        let (mut kept, mut names) = (BTreeSet::new(), BTreeSet::new());
        let (mut apps, mut kept_apps) = self.apps_of_sources();
        for gateway in gateways {
            let app = gateway.old_client_id.as_ref().filter(|_| gateway.from == Authentication::EntraApp);
            let app = app.map(|client_id| client_id.to_lowercase());
            if let Some(why) = self.why_keys_kept(gateway) {
                let new = gateway.gateway_names.iter().filter(|name| kept.insert(name.as_str()));
                new.for_each(|name| steps.line(&format!("- keep the keys of gateway {name}{why}")));
                kept_apps.extend(app.clone());
            } else if matches!(gateway.from, Authentication::Key | Authentication::Unknown) {
                names.extend(gateway.gateway_names.iter().map(String::as_str));
            }
            apps.extend(app);
        }
        for (plan, name) in self.names_of_other_gateways() {
            match self.why_keys_of_source_kept(plan, name) {
                Some(why) if kept.insert(name) => steps.line(&format!("- keep the keys of gateway {name}{why}")),
                Some(_) => {}
                None => _ = names.insert(name),
            }
        }
        if names.difference(&kept).next().is_some() {
            steps.line("SERVICE is the API Management instance: the first part of the host of config.service.endpoint. A gateway");
            steps.line(
                "with several endpoints, such as of overlays, has keys in each instance: run the commands for each.",
            );
        }
        for name in names.difference(&kept) {
            // what a tool fills in is not known
            regenerate(if name.contains(['$', '{']) { "GATEWAY" } else { name }, steps);
        }
        self.revoke_apps(steps, &apps, kept_apps);
        if kept.is_empty() && names.is_empty() && apps.is_empty() {
            self.revoke_of_unnamed(steps);
        }
        self.keys_in_plain_text(steps);
        if steps.text.len() == length {
            steps.line("- nothing in the input had a key or a client secret");
        }
    }

    /// The client ids of the old Entra apps of sources that are no manifests, and those of them that are kept; in lower case.
    fn apps_of_sources(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut apps, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for plan in &self.planned.other.plans {
            let is_open = self.open_sources.place_of_source(plan).is_some();
            let old = plan.report.gateways.iter().filter(|gateway| gateway.from == Authentication::EntraApp);
            let old = old.filter_map(|gateway| gateway.old_client_id.as_deref()).map(str::to_lowercase);
            let old: BTreeSet<String> = old.collect();
            kept.extend(old.iter().filter(|_| is_open).cloned());
            apps.extend(old);
        }
        (apps, kept)
    }

    /// The commands that delete the client secrets of apps that nothing names any more.
    fn revoke_apps(&self, steps: &mut Steps, apps: &BTreeSet<String>, mut kept: BTreeSet<String>) {
        for (client_id, user) in in_use::users_of_apps(self.sources, self.planned, apps) {
            let why = still_use_them(&user);
            if kept.insert(client_id.clone()) {
                steps.line(&format!("- keep the client secrets of app {client_id}{why}"));
            }
        }
        for client_id in apps.difference(&kept).map(|client_id| shell_word(client_id)) {
            steps.line(&format!("  az ad app credential list --id {client_id}"));
            steps.line(&format!("  az ad app credential delete --id {client_id} --key-id KEY_ID"));
        }
    }

    /// Why the keys of the gateway of this name stay, which is that of a source: the end of a sentence.
    fn why_keys_of_source_kept(&self, plan: &OtherPlan, name: &str) -> Option<String> {
        let place = self.open_sources.place_of_source(plan);
        let place = place.or_else(|| self.open_sources.place_of_name(name)).map(until);
        let taker = || self.taker_of_source(plan).map(|user| still_use_them(&user));
        let outside = || self.open_sources.outside(Some(name)).map(still_use_them);
        let other = || self.key_users.get(&name.to_lowercase()).map(|place| still_use_them(place));
        let left = || self.open.user_of_name(name).map(|user| still_use_them(&user.to_string()));
        place.or_else(taker).or_else(outside).or_else(other).or_else(left)
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
            let place = names.find_map(|name| self.key_users.get(&name.to_lowercase())).or_else(unnamed);
            place.map(|place| still_use_them(place))
        };
        // a script that makes the same Secret in a namespace that is not known
        let scripted = || {
            let mut made = self.planned.other.plans.iter().flat_map(|plan| &plan.report.delete);
            let of_user = |secret: &ObsoleteSecret| {
                let is_own = secret.namespace.is_none() && all.contains(secret.name.as_str());
                is_own.then(|| self.user_of(secret)).flatten()
            };
            made.find_map(of_user).map(still)
        };
        user.or_else(open).or_else(outside).or_else(|| secrets().map(still)).or_else(other).or_else(scripted)
    }

    fn keys_in_plain_text(&self, steps: &mut Steps) {
        let in_objects = self.sources.objects.iter().flat_map(|source| source.keys.iter().cloned());
        let keys: Vec<String> = in_objects.chain(self.planned.other.plans.iter().flat_map(OtherPlan::keys)).collect();
        if !keys.is_empty() {
            steps.line("Keys in plain text were in these files, and stay in the history of Git:");
            for place in keys {
                steps.line(&format!("- {place}"));
            }
            if !self.planned.left().is_empty() {
                steps.line("Keep those of the gateways that are not migrated: they still use them.");
            }
        }
    }
}

fn still_use_them(user: &str) -> String {
    format!(": {user} still uses them")
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

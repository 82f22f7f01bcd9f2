//! What is deleted after the rollout, and what stays because something still needs it. A gateway must never be left without a
//! way to authenticate.

use super::{Checklist, Steps};
use crate::command::migrate::deployed::Namespaces;
use crate::command::migrate::fillers;
use crate::command::migrate::in_use;
use crate::command::migrate::other_sources::OtherPlan;
use crate::migration_sources::{NoteKind, ObsoleteSecret, words};
use apim_keyless_core::gateway::Images;
use apim_keyless_core::migration::{MigratedGateway, Obsolete, secrets_with_auth};
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
            || self.after_rollout(self.finished()).next().is_some()
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

    /// The sources of which a person has to change nothing.
    fn finished(&self) -> impl Iterator<Item = &OtherPlan> {
        self.planned.other.plans.iter().filter(|plan| self.open_sources.place_of_source(plan).is_none())
    }

    /// What a person removes from these sources after the rollout.
    pub(super) fn after_rollout<'p>(
        &'p self,
        plans: impl Iterator<Item = &'p OtherPlan>,
    ) -> impl Iterator<Item = String> {
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
        // the indices of what is deleted
        let mut removed = Vec::new();
        self.delete_of_manifests(steps, &mut removed);
        self.delete_of_sources(steps, &mut removed);
        for line in self.taken_by_others().into_iter().chain(self.after_rollout(self.finished())) {
            steps.line_once(&line);
        }
        for line in fillers::places(self.sources, &removed) {
            steps.line(&line);
        }
    }

    fn delete_of_manifests(&self, steps: &mut Steps, removed: &mut Vec<usize>) {
        let kept = self.why_each_is_kept();
        for (obsolete, why) in self.planned.migration.obsolete.iter().zip(&kept) {
            if let Some(why) = why {
                steps.line_once(&format!("- keep {} \"{}\"{why}", obsolete.kind, obsolete.name));
                continue;
            }
            if obsolete.is_of_unknown_content {
                self.look_at(obsolete, steps);
                continue;
            }
            if obsolete.kind == "CronJob" {
                steps.line(&format!(
                    "- CronJob \"{}\" renews the key; delete it if it does nothing else:",
                    obsolete.name
                ));
            }
            if obsolete.kind == "Secret" {
                let namespaces = Some(self.deployed.namespaces_of(obsolete));
                self.delete_fillers(&obsolete.name, &namespaces, steps, removed);
            }
            for line in self.deployed.deletions(obsolete) {
                steps.line_once(&line);
            }
            removed.extend(obsolete.input);
        }
    }

    /// The Secrets of sources that are no manifests.
    fn delete_of_sources(&self, steps: &mut Steps, removed: &mut Vec<usize>) {
        let plans = self.planned.other.plans.iter();
        let secrets = plans.flat_map(|plan| plan.report.delete.iter().map(move |secret| (plan, secret)));
        let mut seen = BTreeSet::new();
        for (plan, secret) in secrets.filter(|(_, secret)| seen.insert(*secret)) {
            if let Some(why) = self.why_secret_kept(plan, secret) {
                steps.line_once(&format!("- keep Secret \"{}\"{why}", secret.name));
                continue;
            }
            self.delete_fillers(&secret.name, &namespaces_of(secret), steps, removed);
            steps.line_once(&format!("  {secret}"));
        }
    }

    /// Adds the commands that delete what makes a Secret, before the Secret itself: it would make it again.
    fn delete_fillers(&self, secret: &str, namespaces: &Namespaces, steps: &mut Steps, removed: &mut Vec<usize>) {
        for filler in self.fillers.of_secret(secret, namespaces, &self.deployed) {
            removed.push(filler);
            for line in self.fillers.deletions(filler, &self.deployed) {
                steps.line_once(&line);
            }
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
        each.map(|(object, why)| match object.kind.as_str() {
            "Secret" => why.clone(),
            _ => of_filling(object).or_else(|| self.why_job_kept(object)),
        })
        .collect()
    }

    /// Why a job stays that renews the key: it also names a Secret that a gateway takes that is not migrated.
    fn why_job_kept(&self, job: &Obsolete) -> Option<String> {
        let source = self.sources.objects.get(job.input.filter(|_| job.kind == "CronJob")?)?;
        let text = source.value.to_string();
        let namespaces = self.deployed.namespaces(source);
        let user = words(&text).into_iter().find_map(|word| self.users.open_user_of(&namespaces, word))?;
        Some(still_used(&user.to_string()))
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

    /// What takes a Secret of manifests, which can have another name in the cluster.
    pub(super) fn user_of_deployed(&self, namespaces: &Namespaces, namespace: &str, secret: &str) -> Option<String> {
        self.deployed.names(namespace, secret).iter().find_map(|name| self.user_of_named(namespaces, name))
    }

    pub(super) fn user_of(&self, secret: &ObsoleteSecret) -> Option<String> {
        self.user_of_named(&namespaces_of(secret), &secret.name)
    }

    /// What takes a Secret of this name, or has its name.
    fn user_of_named(&self, namespaces: &Namespaces, name: &str) -> Option<String> {
        let user = self.users.user_of(namespaces, name);
        user.or_else(|| Some(format!("{}, which has its name, perhaps", self.users.mention_of(namespaces, name)?)))
    }

    /// The namespaces in which gateways are deployed.
    pub(super) fn namespaces(&self, gateways: &[&MigratedGateway]) -> Namespaces {
        let each = gateways.iter().map(|gateway| self.deployed.namespaces(self.sources.objects.get(gateway.index)?));
        let all = each.collect::<Option<Vec<BTreeSet<String>>>>()?;
        // of none, nothing is known
        Some(all.into_iter().flatten().collect()).filter(|names: &BTreeSet<String>| !names.is_empty())
    }
}

fn namespaces_of(secret: &ObsoleteSecret) -> Namespaces {
    secret.namespace.clone().map(|namespace| BTreeSet::from([namespace]))
}

fn still_used(user: &str) -> String {
    format!(": {user} still uses it")
}

pub(super) fn until(place: &str) -> String {
    format!(" until {place} is changed (step 1)")
}

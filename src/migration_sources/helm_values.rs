//! The values of Microsoft's chart: which of them change for workload identity.
//!
//! Facts about the chart: its values.yaml and templates, version 1.15.1, and the older versions of
//! github.com/Azure/api-management-self-hosted-gateway. With `gateway.auth.type: WorkloadIdentity` it creates a
//! `ServiceAccount` with the client id `gateway.auth.azureAd.app.id`, and needs `gateway.name`.
// longer than the guide: a plan changes each value with what the others were

use super::chart_values::{APP_ID, authentication, newer_tag, service_account_of, text_at};
use super::layers::ValueChanges;
use super::unread_method::other_settings;
use super::value_path::{self, ValuePath};
use super::{Note, NoteKind, SourceContext, SourceGateway, SourceReport};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, DEFAULT_SERVICE_ACCOUNT, TENANT_ID, USE};
use apim_keyless_core::gateway::{AuthMethod, Authentication, Cloud, EndpointForm, Setting, is_guid};
use apim_keyless_core::migration::{
    Fact, endpoint_of_gateway_host, endpoint_of_version_2, gateway_in_address, is_same_endpoint, names_in_keys,
};
use jsonptr::PointerBuf;
use serde_json::{Value, json};

/// The repository of the gateway's image; only the tag is compared.
pub(super) const IMAGE: &str = "mcr.microsoft.com/azure-api-management/gateway";
/// The values of `gateway.auth.type`, which the chart compares without case.
const AUTH_TYPES: [&str; 3] = ["GatewayToken", "AzureAdApp", WORKLOAD_IDENTITY_TYPE];
const WORKLOAD_IDENTITY_TYPE: &str = "WorkloadIdentity";

/// The release that has the values, as far as the source names it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Release<'r> {
    /// Its name.
    pub(super) name: Option<&'r str>,
    /// Its namespace.
    pub(super) namespace: Option<&'r str>,
    /// The alias of Microsoft's chart as a sub-chart: Helm then takes it as the name of the chart.
    pub(super) alias: Option<&'r str>,
}

/// What changes in the values of a release.
#[derive(Debug, Default)]
pub(super) struct ValuesPlan {
    /// The changes; none if a fact is missing.
    pub(super) changes: ValueChanges,
    /// What to know.
    pub(super) report: SourceReport<ValuePath>,
    /// Whether facts are missing.
    pub(super) is_missing_facts: bool,
}

/// Plans the migration of the merged values of one release of Microsoft's chart.
pub(super) fn plan(values: &Value, release: Release<'_>, context: SourceContext<'_>) -> ValuesPlan {
    let mut planner = ValuesPlanner::new(values, release, context);
    planner.run();
    planner.finish(values)
}

/// Plans the migration of values that only name the image: other values have the rest.
pub(super) fn plan_image(values: &Value, context: SourceContext<'_>) -> ValuesPlan {
    let mut planner = ValuesPlanner::new(values, Release::default(), context);
    planner.image();
    planner.finish(values)
}

/// Whether a mapping is values of Microsoft's chart.
pub(super) fn are_of_chart(values: &Value, context: SourceContext<'_>) -> bool {
    let text = |path: &[&str]| value_path::get(values, path).and_then(Value::as_str);
    let is_type = |name: &str| AUTH_TYPES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let auth = |key: &str| value_path::get(values, &["gateway", "auth", key]);
    text(&["gateway", "configuration", "uri"]).is_some()
        || text(&["gateway", "auth", "type"]).is_some_and(is_type)
        || auth("azureAd").is_some_and(|app| app.get("app").is_some() || app.get("tenant").is_some())
        || (text(&["gateway", "authKey"]).is_some() && text(&["gateway", "endpoint"]).is_some())
        || text(&["gateway", "auth", "key"]).is_some_and(|key| AuthMethod::of(Setting::Auth, key) == AuthMethod::Key)
        || text(&["image", "repository"]).is_some_and(|name| context.images.is_gateway(name))
            // another chart that installs the gateway has the settings themselves
            && other_settings(values).is_empty()
}

/// The JSON pointer of a path.
pub(super) fn pointer<'k>(path: impl IntoIterator<Item = &'k String>) -> PointerBuf {
    PointerBuf::from_tokens(path.into_iter().map(String::as_str))
}

/// Appends a report whose places become others.
pub(super) fn append<At, Old>(report: &mut SourceReport<At>, other: SourceReport<Old>, place: impl Fn(&Old) -> At) {
    report.gateways.extend(other.gateways);
    report.notes.extend(other.notes.into_iter().map(|note| Note {
        at: place(&note.at),
        kind: note.kind,
        message: note.message,
    }));
    report.apply.extend(other.apply);
    report.delete.extend(other.delete);
}

struct ValuesPlanner<'c> {
    values: Value,
    context: SourceContext<'c>,
    release: Release<'c>,
    report: SourceReport<ValuePath>,
    missing: bool,
    /// How the gateway authenticates with the old values.
    from: Authentication,
    /// The client id of its old Entra app.
    old_client_id: Option<String>,
}

impl<'c> ValuesPlanner<'c> {
    fn new(values: &Value, release: Release<'c>, context: SourceContext<'c>) -> Self {
        let from = authentication(values);
        let old_client_id = text_at(values, &APP_ID).filter(|id| from == Authentication::EntraApp && is_guid(id));
        let (values, report) = (values.clone(), SourceReport::default());
        Self { values, context, release, report, missing: false, from, old_client_id }
    }

    fn finish(mut self, old: &Value) -> ValuesPlan {
        let mut changes = ValueChanges::default();
        if self.missing {
            let is_known = |kind| matches!(kind, NoteKind::Missing(_) | NoteKind::Key | NoteKind::ClientSecret);
            self.report.notes.retain(|note| is_known(note.kind));
            self.report = SourceReport { notes: self.report.notes, ..SourceReport::default() };
        } else {
            changes = ValueChanges::between(old, &self.values);
        }
        if changes.is_empty() && !self.missing {
            self.report.notes.retain(|note| note.kind == NoteKind::Kept);
            self.report = SourceReport { notes: self.report.notes, ..SourceReport::default() };
        }
        ValuesPlan { changes, report: self.report, is_missing_facts: self.missing }
    }

    fn run(&mut self) {
        let key = self.remove_key();
        let endpoint = self.endpoint();
        self.client_id();
        self.name(key.as_deref(), endpoint.as_deref());
        self.tenant_id();
        self.remove_settings();
        if !self.has_identity() {
            self.set(&["gateway", "auth", "type"], json!(WORKLOAD_IDENTITY_TYPE));
        }
        self.secret();
        self.service_account();
        self.image();
    }

    /// Whether the gateway has workload identity already.
    fn has_identity(&self) -> bool {
        self.from == Authentication::WorkloadIdentity
    }

    fn kept(&mut self, path: &[&str], what: &str, flag: &str) {
        self.note(path, NoteKind::Kept, format!("the {what} of these values, which is not that of {flag}"));
    }

    fn text(&self, path: &[&str]) -> Option<String> {
        text_at(&self.values, path)
    }

    fn set(&mut self, path: &[&str], value: Value) {
        value_path::set(&mut self.values, path, value);
    }

    fn remove(&mut self, path: &[&str]) -> Option<Value> {
        value_path::remove(&mut self.values, path)
    }

    fn note(&mut self, path: &[&str], kind: NoteKind, message: impl Into<String>) {
        self.report.note(path.iter().map(ToString::to_string).collect(), kind, message);
    }

    fn missing(&mut self, path: &[&str], fact: Fact, message: &str) {
        self.missing = true;
        self.note(path, NoteKind::Missing(fact), message);
    }

    /// Removes the auth key, and returns it.
    fn remove_key(&mut self) -> Option<String> {
        let mut found = None;
        for path in [&["gateway", "auth", "key"][..], &["gateway", "authKey"]] {
            let key = self.remove(path);
            if let Some(key) = key.as_ref().and_then(Value::as_str).filter(|key| is_key(key)) {
                self.note(path, NoteKind::Key, KEY_MESSAGE);
                found = Some(key.to_owned());
            }
        }
        if let Some(secret) = self.remove(&["gateway", "auth", "azureAd", "app", "secret"])
            && secret.as_str().is_some_and(is_key)
        {
            let path = ["gateway", "auth", "azureAd", "app", "secret"];
            self.note(&path, NoteKind::ClientSecret, CLIENT_SECRET_MESSAGE);
        }
        found
    }

    /// Writes the endpoint in a form that can be used, and returns what was written. Values without an endpoint are an
    /// overlay of others.
    fn endpoint(&mut self) -> Option<String> {
        const PATH: [&str; 3] = ["gateway", "configuration", "uri"];
        // the name in charts older than 1.0.0
        let retired = self.remove(&["gateway", "endpoint"]).and_then(|text| text.as_str().map(str::to_owned));
        let written = self.text(&PATH).or(retired);
        if let Some(endpoint) = self.context.facts.endpoint.clone() {
            let usable = written.as_ref().filter(|written| EndpointForm::of(written) == EndpointForm::Usable);
            match usable.filter(|written| !is_same_endpoint(written, &endpoint)) {
                Some(_) if self.has_identity() => self.kept(&PATH, "gateway.configuration.uri", "--endpoint"),
                Some(_) => self.missing(&PATH, Fact::Consistency, OTHER_ENDPOINT),
                None => self.set(&PATH, json!(endpoint)),
            }
            return written.or(Some(endpoint));
        }
        let written = written?;
        if EndpointForm::of(&written) == EndpointForm::Retired {
            match endpoint_of_version_2(&written) {
                Some(endpoint) => self.set(&PATH, json!(endpoint)),
                None => self.missing(
                    &PATH,
                    Fact::Endpoint,
                    "Pass --endpoint, the configuration endpoint, such as NAME.configuration.azure-api.net: \
                     gateway.configuration.uri is an address of version 1, which was retired",
                ),
            }
        } else if let Some(endpoint) = endpoint_of_gateway_host(&written) {
            let message =
                format!("Check gateway.configuration.uri {endpoint}, a guess: the instance of the old endpoint");
            self.note(&PATH, NoteKind::Guess, message);
            self.set(&PATH, json!(endpoint));
        } else if self.text(&PATH).is_none() {
            self.set(&PATH, json!(written));
        }
        Some(written)
    }

    fn client_id(&mut self) {
        const ANNOTATION: [&str; 3] = ["serviceAccount", "annotations", CLIENT_ID];
        let written = self.text(&APP_ID).filter(|id| is_guid(id) || is_variable(id));
        let annotated = self.text(&ANNOTATION);
        let (stated, is_new) = (self.context.facts.client_id.clone(), self.context.facts.service_account.is_some());
        let is_other = |id: &Option<String>| {
            let id = id.as_ref().filter(|id| is_guid(id));
            id.zip(stated.as_ref()).is_some_and(|(id, stated)| !id.eq_ignore_ascii_case(stated))
        };
        // without a method these values are a part of others, which can have selected workload identity
        let stays = self.has_identity() || self.from == Authentication::None;
        let existing = written.clone().or(annotated.clone()).filter(|_| stays);
        if is_other(&existing) {
            self.kept(&APP_ID, "client id", "--client-id");
        } else if existing.is_none() && is_other(&annotated) && !is_new {
            return self.missing(&ANNOTATION, Fact::Consistency, OTHER_CLIENT_ID);
        } else if existing.is_none() && is_other(&written) {
            let message = "Check this client id, that of --client-id: it takes the place of that of the old Entra app";
            self.note(&APP_ID, NoteKind::Guess, message);
        }
        self.remove(&ANNOTATION);
        match existing.or(stated).or(written).or(annotated) {
            Some(id) => self.set(&APP_ID, json!(id)),
            None => self.missing(
                &APP_ID,
                Fact::ClientId,
                "Pass --client-id, the client id of the Entra app or the managed identity: the values do not have it",
            ),
        }
    }

    /// Sets the gateway's name. `key` and `endpoint` are what the values had; both can contain it.
    fn name(&mut self, key: Option<&str>, endpoint: Option<&str>) {
        const PATH: [&str; 2] = ["gateway", "name"];
        // the documented `--set gateway.name==NAME` adds an equals sign
        let written = self.text(&PATH).map(|name| name.trim_start_matches('=').to_owned());
        if let Some(name) = self.context.facts.gateway_name.clone().or(written) {
            return self.set(&PATH, json!(name));
        }
        let name = |key: &str| names_in_keys(key).first().map(|name| (*name).to_owned());
        let sources = [
            (endpoint.and_then(gateway_in_address), "the gateway in the old endpoint"),
            (key.and_then(name), "the gateway in the auth key"),
            // without an endpoint these are only a part of the values, and another part has the name
            (self.release.name.filter(|_| endpoint.is_some()).map(str::to_owned), "the name of the release"),
        ];
        let found = sources.into_iter().find_map(|(name, source)| Some((name?, source)));
        match found {
            None if endpoint.is_none() => self.note(&PATH, NoteKind::Guess, NAME_ELSEWHERE),
            Some((name, source)) => {
                self.note(&PATH, NoteKind::Guess, format!("Check gateway.name {name}, a guess: {source}"));
                self.set(&PATH, json!(name));
            }
            None => self.missing(
                &PATH,
                Fact::GatewayName,
                "Pass --gateway-name, the name of the gateway resource in API Management: the values do not have it",
            ),
        }
    }

    /// Moves the tenant id to the `ServiceAccount`: with workload identity the chart reads it nowhere else.
    fn tenant_id(&mut self) {
        const ANNOTATION: [&str; 3] = ["serviceAccount", "annotations", TENANT_ID];
        let written = self.remove(&["gateway", "auth", "azureAd", "tenant", "id"]);
        let written = written.as_ref().and_then(Value::as_str).filter(|id| is_guid(id) || is_variable(id));
        let annotated = self.text(&ANNOTATION).filter(|id| is_guid(id));
        let stated = self.context.facts.tenant_id.clone();
        if annotated.is_some() && stated.is_some() && annotated != stated {
            if self.has_identity() {
                self.kept(&ANNOTATION, "tenant id", "--tenant-id");
            } else {
                self.missing(&ANNOTATION, Fact::Consistency, OTHER_TENANT_ID);
            }
        } else if let Some(id) = stated.or(written.map(str::to_owned)) {
            self.set(&ANNOTATION, json!(id));
        }
        value_path::remove(&mut self.values, &value_path::parse("gateway.auth.azureAd.authority"));
    }

    /// Removes settings that contradict the ones that the chart writes, or repeat them.
    fn remove_settings(&mut self) {
        const ADDITIONAL: [&str; 3] = ["gateway", "configuration", "additional"];
        let additional = value_path::get(&self.values, &ADDITIONAL).and_then(Value::as_object);
        let keys: Vec<String> = additional.into_iter().flat_map(|members| members.keys().cloned()).collect();
        for key in &keys {
            let setting = Setting::of(key);
            let is_other = setting.is_some_and(|setting| {
                setting.is_config_service() && !matches!(setting, Setting::Endpoint | Setting::TokenAudience)
            });
            let path = ["gateway", "configuration", "additional", key];
            let removed = if is_other { self.remove(&path) } else { None };
            if removed.as_ref().and_then(Value::as_str).is_some_and(is_key_setting) {
                self.note(&path, NoteKind::Key, KEY_MESSAGE);
            }
        }
        // the chart writes this label itself; commonLabels would put it on every object, without quotes
        self.remove(&["serviceAccount", "labels", USE]);
        self.remove(&["commonLabels", USE]);
        let endpoint = self.text(&["gateway", "configuration", "uri"]);
        let cloud = endpoint.as_deref().and_then(Cloud::of_api_management).filter(|cloud| *cloud != Cloud::Public);
        let has_audience = keys.iter().any(|key| Setting::of(key) == Some(Setting::TokenAudience));
        if let Some(cloud) = cloud.filter(|_| !has_audience) {
            let name = Setting::TokenAudience.name();
            self.set(&["gateway", "configuration", "additional", name], json!(cloud.token_audience()));
        }
    }

    /// Lets the chart create no Secret, which would be empty, and reports one that held the key.
    fn secret(&mut self) {
        let existing = self.remove(&["secret", "existingSecretName"]);
        let existing = existing.as_ref().and_then(Value::as_str).filter(|name| !name.is_empty());
        if let Some(name) = existing {
            self.report.delete_secret(self.release.namespace, name);
        }
        if !self.has_identity() {
            self.set(&["secret", "createSecret"], json!(false));
        }
    }

    fn service_account(&mut self) {
        const NAME: [&str; 2] = ["serviceAccount", "name"];
        const CREATE: [&str; 2] = ["serviceAccount", "create"];
        let is_own = |name: &String| name != DEFAULT_SERVICE_ACCOUNT;
        let retired = self.text(&["serviceAccountName"]);
        let written = self.text(&NAME);
        if self.has_identity() {
            let stated = self.context.facts.service_account.as_ref();
            if stated.is_some() && stated != written.as_ref() {
                self.kept(&NAME, "ServiceAccount", "--service-account");
            }
        } else if let Some(name) = &self.context.facts.service_account {
            self.values.as_object_mut().and_then(|values| values.remove("serviceAccountName"));
            self.set(&NAME, json!(name));
        } else {
            // the default account belongs to every Pod of the namespace, and Helm cannot create it
            if written.as_ref().is_some_and(|name| !is_own(name)) {
                self.remove(&NAME);
            }
            if retired.is_some() {
                self.remove(&["serviceAccountName"]);
            }
            if let Some(name) = retired.filter(is_own).filter(|_| written.is_none()) {
                self.set(&NAME, json!(name));
                // older charts only named it: it exists, and the release does not own it
                let create = value_path::get(&self.values, &CREATE).cloned().unwrap_or(json!(false));
                self.set(&CREATE, create);
            }
            // without a name, the Pods would run under the default account
            let is_left_out = |create: &Value| *create == false || *create == "false";
            if self.text(&NAME).is_none() && value_path::get(&self.values, &CREATE).is_some_and(is_left_out) {
                self.set(&CREATE, json!(true));
            }
        }
        let (gateway, commands) = service_account_of(&self.values, self.release);
        self.report.apply.extend(commands);
        let (from, old_client_id) = (self.from, self.old_client_id.clone());
        self.report.gateways.push(SourceGateway { from, old_client_id, ..gateway });
    }

    /// Sets the tag of an image that is older than the first version with workload identity, or whose tag moves.
    fn image(&mut self) {
        const PATH: [&str; 2] = ["image", "tag"];
        let written = self.text(&PATH);
        let is_old = || written.as_ref().is_some_and(|tag| newer_tag(tag, self.context).is_some());
        if let Some(tag) = self.context.facts.image_tag.as_ref().filter(|_| !self.has_identity() || is_old()) {
            return self.set(&PATH, json!(tag));
        }
        let Some(tag) = written else { return };
        if let Some(newest) = newer_tag(&tag, self.context) {
            self.note(
                &PATH,
                NoteKind::Guess,
                format!("Check image.tag {newest}, a guess: set another with --image-tag"),
            );
            self.set(&PATH, json!(newest));
        }
    }
}

const OTHER_CLIENT_ID: &str = "Leave out --client-id for these values, or pass --service-account with a new name: their \
                               ServiceAccount has another client id";
const OTHER_TENANT_ID: &str = "Leave out --tenant-id for these values, or pass --service-account with a new name: their \
                               ServiceAccount has another tenant id";
const OTHER_ENDPOINT: &str = "Leave out --endpoint for these values, or change their gateway.configuration.uri first: it names \
                              another configuration API";
/// What to do about a name that these values do not have.
const NAME_ELSEWHERE: &str = "Check that gateway.name is the name of the gateway resource in API Management, in these values or \
                              in others of the release";
/// What to do about a key.
pub(super) const KEY_MESSAGE: &str =
    "Revoke this auth key after the rollout: it is in plain text, and everybody who can read the file can use it";
const CLIENT_SECRET_MESSAGE: &str =
    "Revoke this client secret after the rollout: it is in plain text, and everybody who can read the file can use it";

/// Whether a text that can only be a key is one, and not a placeholder or a reference to a secret store.
pub(super) fn is_key(text: &str) -> bool {
    AuthMethod::of(Setting::AuthKey, text) == AuthMethod::Key
}

fn is_key_setting(text: &str) -> bool {
    AuthMethod::of(Setting::Auth, text) == AuthMethod::Key
}

/// Whether a text stands for a value that a tool fills in; `<app-id>` of the documentation is for a person.
pub(super) fn is_variable(text: &str) -> bool {
    ["$", "{{", "#{", "%%"].iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration_sources::ValueMigration;
    use crate::migration_sources::helm_file::migrate_file;
    use crate::migration_sources::tests::deletions;
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::Facts;

    const CLIENT_ID_FACT: &str = "11111111-2222-3333-4444-555555555555";
    const TENANT: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

    fn facts() -> Facts {
        Facts { client_id: Some(CLIENT_ID_FACT.to_owned()), ..Facts::default() }
    }

    fn migrated(values: &Value, facts: &Facts) -> ValueMigration {
        let context = SourceContext { facts, images: &Images::default() };
        let migration = migrate_file("values.yaml", values, context).unwrap();
        if let Some(new) = &migration.value {
            let second = migrate_file("values.yaml", new, context).unwrap();
            assert_eq!((second.value, second.report), (None, SourceReport::default()), "{new}");
        }
        migration
    }

    #[track_caller]
    fn becomes(values: &Value, facts: &Facts, expected: &Value) -> ValueMigration {
        let migration = migrated(values, facts);
        assert_eq!(migration.value.as_ref(), Some(expected), "{:?}", migration.report);
        migration
    }

    #[test]
    fn a_key_becomes_workload_identity() {
        let values = json!({"gateway": {
            "configuration": {"uri": "contoso.configuration.azure-api.net"},
            "auth": {"key": "GatewayKey orders&202701010000&c2VjcmV0"},
        }});
        let expected = json!({
            "gateway": {
                "name": "orders",
                "configuration": {"uri": "contoso.configuration.azure-api.net"},
                "auth": {"type": "WorkloadIdentity", "azureAd": {"app": {"id": CLIENT_ID_FACT}}},
            },
            "secret": {"createSecret": false},
        });
        let migration = becomes(&values, &facts(), &expected);
        let kinds: Vec<NoteKind> = migration.report.notes.iter().map(|note| note.kind).collect();
        assert_eq!(kinds, [NoteKind::Key, NoteKind::Guess]);
        assert!(migration.report.notes.iter().all(|note| !note.message.contains("c2VjcmV0")));
        assert_eq!(migration.report.gateways[0].service_account, "RELEASE-azure-api-management-gateway");
        assert!(migration.report.apply[0].starts_with("helm upgrade RELEASE azure-api-management-gateway --repo "));
    }

    #[test]
    fn an_entra_app_keeps_its_id() {
        let mut values = json!({"gateway": {
            "name": "=orders",
            "configuration": {"uri": "https://contoso.management.azure-api.us/x", "additional": {"config.service.auth": "azureAdApp", "a": "b"}},
            "auth": {"type": "azureadapp", "azureAd": {"app": {"id": CLIENT_ID_FACT, "secret": "${SECRET}"}, "tenant": {"id": TENANT}}},
        }, "secret": {"createSecret": false, "existingSecretName": "app"}, "serviceAccount": {"labels": {USE: "true"}}});
        value_path::set(
            &mut values,
            &value_path::parse("gateway.auth.azureAd.authority"),
            json!("https://login.microsoftonline.us"),
        );
        let expected = json!({
            "gateway": {
                "name": "orders",
                "configuration": {"uri": "contoso.configuration.azure-api.us", "additional": {"a": "b", "config.service.auth.tokenAudience": "https://azure-api.us/configuration"}},
                "auth": {"type": "WorkloadIdentity", "azureAd": {"app": {"id": CLIENT_ID_FACT}}},
            },
            "secret": {"createSecret": false},
            "serviceAccount": {"annotations": {TENANT_ID: TENANT}},
        });
        let migration = becomes(&values, &Facts::default(), &expected);
        assert_eq!(deletions(&migration.report), ["kubectl delete -n NAMESPACE secret app"]);
    }

    #[test]
    fn values_of_the_first_charts_get_their_new_names() {
        let values = json!({"gateway": {
            "endpoint": "https://contoso.management.azure-api.net/subscriptions/s/gateways/orders?api-version=1",
            "authKey": "GatewayKey x",
        }, "image": {"tag": 2.5}, "serviceAccountName": "default"});
        let expected = json!({
            "gateway": {
                "name": "orders",
                "configuration": {"uri": "contoso.configuration.azure-api.net"},
                "auth": {"type": "WorkloadIdentity", "azureAd": {"app": {"id": CLIENT_ID_FACT}}},
            },
            "image": {"tag": "2.11.2"},
            "secret": {"createSecret": false},
        });
        becomes(&values, &facts(), &expected);
    }

    #[test]
    fn an_existing_account_gets_its_client_id_by_a_command() {
        let values =
            json!({"gateway": {"name": "orders", "auth": {"type": "GatewayToken"}}, "serviceAccountName": "orders"});
        let migration = migrated(&values, &facts());
        assert_eq!(migration.value.unwrap()["serviceAccount"], json!({"name": "orders", "create": false}));
        assert!(
            migration.report.apply.iter().any(|command| command.starts_with("kubectl annotate serviceaccount orders "))
        );
        let given =
            Facts { service_account: Some("given".to_owned()), image_tag: Some("2.12.2".to_owned()), ..facts() };
        let value = migrated(&values, &given).value.unwrap();
        assert_eq!((&value["serviceAccount"], &value["image"]), (&json!({"name": "given"}), &json!({"tag": "2.12.2"})));
    }

    #[test]
    fn values_of_sub_charts_are_found() {
        let values = json!({
            "apim": {"gateway": {"name": "a", "configuration": {"uri": "contoso.configuration.azure-api.net"}}},
            "azure-api-management-gateway": {"gateway": {"auth": {"key": "${TOKEN}"}}},
            "global": {"key": 1},
        });
        let migration = migrated(&values, &facts());
        let new = migration.value.unwrap();
        assert_eq!(new["apim"]["gateway"]["auth"]["type"], "WorkloadIdentity");
        assert_eq!(new["azure-api-management-gateway"]["gateway"]["auth"], new["apim"]["gateway"]["auth"]);
        assert!(migration.report.apply.iter().any(|command| command.starts_with("helm dependency update ")));
    }

    #[test]
    fn without_facts_nothing_changes() {
        let values = json!({"gateway": {"configuration": {"uri": "https://10.0.0.1.management.azure-api.net"}, "auth": {"key": "<token>"}}});
        let migration = migrated(&values, &Facts::default());
        let missing: Vec<NoteKind> = migration.report.notes.iter().map(|note| note.kind).collect();
        let facts = [Fact::Endpoint, Fact::ClientId, Fact::GatewayName].map(NoteKind::Missing);
        assert_eq!((migration.value, missing), (None, facts.to_vec()));
        // values without an endpoint are an overlay of those that have the name
        let overlay = json!({"gateway": {"auth": {"type": "GatewayToken"}}});
        assert!(migrated(&overlay, &super::tests::facts()).value.unwrap()["gateway"].get("name").is_none());
    }

    #[test]
    fn other_values_are_left_alone() {
        let facts = facts();
        let context = SourceContext { facts: &facts, images: &Images::default() };
        for values in [
            json!({"gateway": {"enabled": true, "auth": {"key": "a"}, "image": {"tag": "1"}}}),
            json!({"image": {"repository": "contoso/gateway", "tag": "1"}}),
            json!({"orders": {"accessToken": "SharedAccessSignature x&y&z"}}),
            json!([]),
        ] {
            assert_eq!(migrate_file("values.yaml", &values, context), None, "{values}");
        }
    }

    #[test]
    fn complete_values_stay() {
        let values = json!({"gateway": {
            "name": "orders", "configuration": {"uri": "contoso.configuration.azure-api.net"},
            "auth": {"type": "WorkloadIdentity", "azureAd": {"app": {"id": "${CLIENT_ID}"}}},
        }});
        assert_eq!(migrated(&values, &Facts::default()).value, None);
    }
}

//! The settings of one gateway container: what they are, and what they become.

use super::Facts;
use super::endpoint::{endpoint_of_gateway_host, endpoint_of_version_2, gateway_in_address, is_same_endpoint};
use crate::gateway::{
    Cloud, EndpointForm, EnvIndex, EnvValue, GatewayContainer, Setting, ValueSource, Variable, is_guid,
};
use crate::policy::{Expectations, NamespaceSetting};

/// Where a setting is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WrittenAt {
    /// In the container's main `ConfigMap`, under its own name.
    Main,
    /// In an element of `env`, by index.
    Variable(usize),
    /// In a new element of `env`: the main `ConfigMap` is also another gateway's.
    NewVariable,
    /// In a key of a `ConfigMap`.
    Key { config_map: String, key: String },
}

/// What becomes of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum SettingChange {
    /// It stays as it is.
    #[default]
    Kept,
    /// Nothing says what it has to be.
    Missing,
    /// It gets this text.
    Set { text: String, at: WrittenAt },
}

/// The settings of one container.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) endpoint: SettingChange,
    pub(super) gateway_name: SettingChange,
    pub(super) token_audience: SettingChange,
    /// The client id of an Entra app.
    pub(super) client_id: Option<String>,
    /// The tenant id of an Entra app.
    pub(super) tenant_id: Option<String>,
    /// The effective name of the gateway, if it is known.
    pub(super) known_name: Option<String>,
    /// The effective endpoint, if it is known.
    known_endpoint: Option<String>,
    /// Texts of the settings that are removed: one can be the path of a certificate.
    pub(super) removed_texts: Vec<String>,
}

/// What is known of a gateway beside its own settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'k> {
    pub(super) facts: &'k Facts,
    pub(super) expectations: &'k Expectations,
    /// The name of the workload.
    pub(super) workload: &'k str,
    /// The name of the gateway in its old key.
    pub(super) name_in_key: Option<&'k str>,
    /// Whether the name of the workload is one that the chart makes, which says nothing about the gateway.
    pub(super) is_of_chart: bool,
    /// Whether another gateway container takes the same `ConfigMap`.
    pub(super) is_shared: bool,
}

impl Settings {
    /// The settings of a container. Values that the input does not say are added to `guesses`.
    pub(super) fn of(container: &GatewayContainer<'_>, known: Known<'_>, guesses: &mut Vec<String>) -> Self {
        let old_endpoint = current(container, Setting::Endpoint);
        let endpoint = endpoint(old_endpoint, known.facts.endpoint.as_deref(), guesses);
        let old_text = old_endpoint.and_then(text_of);
        let new_text = match &endpoint {
            SettingChange::Set { text, .. } => Some(text.as_str()),
            _ => old_text,
        };
        let token_audience = token_audience(container, new_text);
        let known_endpoint = new_text.map(str::to_owned);
        let name_in_address = old_text.and_then(gateway_in_address);
        let mut settings = Self {
            endpoint,
            known_endpoint,
            token_audience,
            client_id: entra_id(container, "azuread.clientid"),
            tenant_id: entra_id(container, "azuread.tenantid"),
            removed_texts: removed_texts(container),
            ..Self::default()
        };
        settings.name(current(container, Setting::GatewayName), known, name_in_address, guesses);
        settings
    }

    fn name(
        &mut self,
        old: Option<&Variable<'_>>,
        known: Known<'_>,
        in_address: Option<String>,
        guesses: &mut Vec<String>,
    ) {
        let form = NamespaceSetting::GatewayName.form();
        let old_text = old.and_then(text_of);
        let place = || match old.and_then(written_at) {
            Some(place) => place,
            None if known.is_shared && known.facts.gateway_name.is_none() => WrittenAt::NewVariable,
            None => WrittenAt::Main,
        };
        let is_usable = match (old, old_text) {
            (Some(_), Some(text)) => (form.matches)(text),
            // a value that the input does not have can be good
            (old, _) => old.is_some(),
        };
        let stated = known.facts.gateway_name.as_deref();
        if is_usable && stated.is_none_or(|stated| Some(stated) == old_text) {
            self.known_name = old_text.map(str::to_owned);
            return;
        }
        if let Some((stated, _)) = stated.zip(old_text.filter(|_| is_usable)) {
            guesses.push(format!("Check gateway.name {stated} of --gateway-name: it replaces another name"));
        }
        let old_name = in_address.as_deref().or(known.name_in_key);
        if let Some((stated, _)) = stated.zip(old_name).filter(|(stated, old)| !stated.eq_ignore_ascii_case(old)) {
            guesses.push(format!(
                "Check gateway.name {stated} of --gateway-name: the old endpoint or key names another gateway"
            ));
        }
        let mut guess = |name: &str, source: &str| {
            guesses.push(format!("Check gateway.name {name}, a guess: {source}"));
            Some(name.to_owned())
        };
        // `--set gateway.name==NAME` of Microsoft's articles
        let without_sign = old_text.and_then(|text| text.strip_prefix('=')).filter(|name| (form.matches)(name));
        let name = match (stated, known.expectations.gateway_name_to_set(), without_sign, in_address, known.name_in_key)
        {
            (Some(name), ..) | (None, Some(name), ..) => Some(name.to_owned()),
            (.., Some(name), _, _) => guess(name, "the old value without its ="),
            (.., Some(name), _) => guess(&name, "the gateway in the old endpoint"),
            (.., Some(name)) => guess(name, "the gateway in the old key"),
            _ if old_text.is_some_and(|text| !text.trim().is_empty()) || known.is_of_chart => None,
            _ => guess(known.workload, "the name of the workload, as the Azure portal names both"),
        };
        self.known_name.clone_from(&name);
        self.gateway_name = match name {
            Some(text) => SettingChange::Set { text, at: place() },
            None => SettingChange::Missing,
        };
    }

    /// The settings that every gateway needs beside the method, as far as they are known.
    pub(super) fn needed(&self) -> impl Iterator<Item = (Setting, &str)> {
        let needed = [(Setting::Endpoint, &self.known_endpoint), (Setting::GatewayName, &self.known_name)];
        needed.into_iter().filter_map(|(setting, text)| Some((setting, text.as_deref()?)))
    }

    /// Each setting that changes, with its text and its place.
    pub(super) fn written(&self) -> impl Iterator<Item = (Setting, &str, &WrittenAt)> {
        let changes = [
            (Setting::Endpoint, &self.endpoint),
            (Setting::GatewayName, &self.gateway_name),
            (Setting::TokenAudience, &self.token_audience),
        ];
        changes.into_iter().filter_map(|(setting, change)| match change {
            SettingChange::Set { text, at } => Some((setting, text.as_str(), at)),
            SettingChange::Kept | SettingChange::Missing => None,
        })
    }
}

/// Returns true for a setting of a key, of an Entra app, or for the method itself.
pub(super) fn is_of_other_method(setting: Setting) -> bool {
    matches!(
        setting,
        Setting::Auth | Setting::AuthKey | Setting::Authority | Setting::ClientSecret | Setting::OtherAuth
    )
}

/// The variable that decides a setting: the last one.
pub(super) fn current<'c, 'g>(container: &'c GatewayContainer<'g>, setting: Setting) -> Option<&'c Variable<'g>> {
    container.environment.settings().rfind(|(other, _)| *other == setting).map(|(_, variable)| variable)
}

/// The known text of a variable.
pub(super) fn text_of<'v>(variable: &'v Variable<'_>) -> Option<&'v str> {
    match &variable.value {
        EnvValue::Text(text) => Some(text),
        EnvValue::Secret(_) | EnvValue::Unknown(_) => None,
    }
}

fn written_at(variable: &Variable<'_>) -> Option<WrittenAt> {
    match (&variable.source, variable.index) {
        (ValueSource::ConfigMap { name, key, .. }, _) => {
            Some(WrittenAt::Key { config_map: (*name).to_owned(), key: key.clone().into_owned() })
        }
        (ValueSource::Object, EnvIndex::Env(index)) => Some(WrittenAt::Variable(index)),
        (ValueSource::Object, EnvIndex::EnvFrom(_)) => None,
    }
}

fn endpoint(old: Option<&Variable<'_>>, stated: Option<&str>, guesses: &mut Vec<String>) -> SettingChange {
    let at = || old.and_then(written_at).unwrap_or(WrittenAt::Main);
    let old_text = old.and_then(text_of);
    if let Some(stated) = stated {
        let is_same = old_text.is_some_and(|old| is_same_endpoint(old, stated));
        let instance = old_text.and_then(|old| endpoint_of_version_2(old).or_else(|| endpoint_of_gateway_host(old)));
        if instance.is_some_and(|instance| !is_same_endpoint(&instance, stated)) {
            guesses.push(format!(
                "Check config.service.endpoint {stated} of --endpoint: the old endpoint names another instance"
            ));
        }
        let is_usable = old_text.is_some_and(|old| EndpointForm::of(old) == EndpointForm::Usable);
        return if is_same && is_usable {
            SettingChange::Kept
        } else {
            SettingChange::Set { text: stated.to_owned(), at: at() }
        };
    }
    let derived = match (old, old_text) {
        (Some(_), Some(text)) => match EndpointForm::of(text) {
            EndpointForm::Usable => return SettingChange::Kept,
            EndpointForm::Retired => endpoint_of_version_2(text),
            EndpointForm::GatewayHost => endpoint_of_gateway_host(text).inspect(|derived| {
                guesses.push(format!(
                    "Check config.service.endpoint {derived}, a guess: the instance of the old endpoint"
                ));
            }),
            EndpointForm::Empty | EndpointForm::Malformed => None,
        },
        // a value that the input does not have is left alone
        (Some(_), None) => return SettingChange::Kept,
        (None, _) => None,
    };
    derived.map_or(SettingChange::Missing, |text| SettingChange::Set { text, at: at() })
}

/// Sovereign clouds need their audience.
fn token_audience(container: &GatewayContainer<'_>, endpoint: Option<&str>) -> SettingChange {
    let cloud = endpoint.and_then(Cloud::of_api_management).filter(|cloud| *cloud != Cloud::Public);
    match cloud {
        Some(cloud) if current(container, Setting::TokenAudience).is_none() => {
            SettingChange::Set { text: cloud.token_audience().to_owned(), at: WrittenAt::Main }
        }
        _ => SettingChange::Kept,
    }
}

/// The id in a setting of an Entra app whose name ends so.
fn entra_id(container: &GatewayContainer<'_>, name: &str) -> Option<String> {
    let is_it = |variable: &Variable<'_>| {
        variable.name.replace("__", ".").replace(':', ".").to_ascii_lowercase().ends_with(name)
    };
    let ids = container.environment.settings().filter(|(_, variable)| is_it(variable));
    let mut ids = ids.filter_map(|(_, variable)| text_of(variable).map(str::trim).filter(|text| is_guid(text)));
    ids.next_back().map(str::to_owned)
}

fn removed_texts(container: &GatewayContainer<'_>) -> Vec<String> {
    let removed = container.environment.settings().filter(|(setting, _)| is_of_other_method(*setting));
    removed.filter_map(|(_, variable)| text_of(variable)).map(str::to_owned).collect()
}

//! What an inventory shows of a gateway.

use super::objects::pod_spec::EnvFromSource;
use super::well_known::is_of_arc_extension;
use super::{
    AuthAssignment, AuthMethod, EnvValue, Gateway, GatewayContainer, ImageName, Images, Setting, begins_as_key,
    has_signed_part, prefix_can_make_auth,
};
use std::collections::BTreeSet;
use strum::IntoStaticStr;

/// One gateway in an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewaySummary {
    /// How it authenticates.
    pub authentication: Authentication,
    /// The image of its first gateway container, as written; that of an image volume if only this is the gateway's.
    pub image: String,
    /// The version of that image, if its tag is one or [`Images::digests`] has its digest.
    pub version: Option<String>,
    /// The `ServiceAccount` that it names.
    pub service_account: Option<String>,
    /// Whether Azure Arc installed it as an extension. Its settings are then those of the extension in Azure.
    pub is_arc_extension: bool,
}

/// How a gateway authenticates to the configuration API, as far as its environment is known.
///
/// The order is that of an inventory: of several containers the first in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Authentication {
    /// With an auth key, in plain text or from a Secret.
    Key,
    /// With an Entra app's client secret or certificate (`azureAdApp`).
    EntraApp,
    /// Its auth setting cannot be read, or has an undocumented value.
    Unknown,
    /// It sets no auth method, or does not authenticate at all, like an ingress-only gateway.
    None,
    /// With workload identity.
    WorkloadIdentity,
}

impl Authentication {
    /// Its name as reports write it, for example `workloadIdentity`.
    pub fn name(self) -> &'static str {
        self.into()
    }

    fn of(container: &GatewayContainer<'_>) -> Self {
        let values = || container.environment.settings().filter(|(setting, _)| setting.is_auth());
        let is_key = |(setting, value): (Setting, &EnvValue<'_>)| match value {
            EnvValue::Secret(_) => true,
            EnvValue::Text(text) | EnvValue::Unknown(text) => {
                matches!(AuthMethod::of(setting, text), AuthMethod::Key | AuthMethod::StoreReference)
            }
        };
        if values().any(|(setting, variable)| is_key((setting, &variable.value))) {
            return Self::Key;
        }
        match container.auth_assignments.iter().map(|(_, assignment)| *assignment).max() {
            // which of the two values counts, and what a script does, is not known
            Some(AuthAssignment::Other) if container.container.words().any(has_key) => return Self::Key,
            Some(AuthAssignment::Other | AuthAssignment::UnknownName) => return Self::Unknown,
            Some(AuthAssignment::WorkloadIdentity) | None => {}
        }
        let method = values().rfind(|(setting, _)| *setting == Setting::Auth);
        match method.map(|(setting, variable)| (setting, &variable.value)) {
            Some((setting, EnvValue::Text(text))) => match AuthMethod::of(setting, text) {
                AuthMethod::WorkloadIdentity => Self::WorkloadIdentity,
                AuthMethod::EntraApp => Self::EntraApp,
                AuthMethod::Empty => Self::None,
                AuthMethod::Key | AuthMethod::StoreReference => Self::Key,
                AuthMethod::Misspelled | AuthMethod::Other | AuthMethod::Placeholder => Self::Unknown,
            },
            Some((_, EnvValue::Secret(_) | EnvValue::Unknown(_))) => Self::Unknown,
            None if container.container.env_from.iter().any(|source| secret_with_auth(source).is_some()) => Self::Key,
            None if !container.environment.is_fully_known() => Self::Unknown,
            None => Self::None,
        }
    }
}

/// Returns true if a word of a command contains an auth key: `--config.service.auth=GatewayKey ...`.
fn has_key(word: &str) -> bool {
    let after_name = word.split_once('=').map_or(word, |(_, value)| value);
    let texts = [word, after_name].map(|text| text.trim_start_matches(['"', '\'']));
    has_signed_part(word)
        || texts.into_iter().any(|text| AuthMethod::of(Setting::Auth, text) == AuthMethod::Key && begins_as_key(text))
}

/// The Secret of an `envFrom` source that can hold the auth key.
fn secret_with_auth(source: &EnvFromSource) -> Option<&str> {
    let secret = source.secret_ref.as_ref()?;
    prefix_can_make_auth(source.prefix.as_deref().unwrap_or_default()).then_some(secret.name.as_str())
}

impl Gateway<'_> {
    /// The Secrets from which its containers take an auth setting, or can take one.
    pub fn secrets_with_auth(&self) -> BTreeSet<&str> {
        let containers = || self.authenticating().map(|container| container.container);
        let auth = containers()
            .flat_map(|container| container.env)
            .filter(|variable| Setting::of(&variable.name).is_some_and(Setting::is_auth));
        let keys =
            auth.filter_map(|variable| Some(variable.value_from.as_ref()?.secret_key_ref.as_ref()?.name.as_str()));
        let whole = containers().flat_map(|container| container.env_from).filter_map(secret_with_auth);
        keys.chain(whole).filter(|name| !name.is_empty()).collect()
    }
}

impl GatewaySummary {
    /// Summarizes a gateway.
    pub fn of(gateway: &Gateway<'_>, images: &Images) -> Self {
        // a sidecar that takes settings of the gateway can be the first of its containers
        let with_image = gateway.containers.iter().find(|container| !container.images.is_empty());
        let first = with_image.or_else(|| gateway.containers.first());
        let image = first.map_or("", |first| first.images.first().map_or(first.container.image, |image| image.name));
        Self {
            authentication: gateway.authenticating().filter_map(counted).min().unwrap_or(Authentication::None),
            image: image.to_owned(),
            version: version(image, images),
            service_account: gateway.workload.service_account().map(str::to_owned),
            is_arc_extension: [&gateway.workload.metadata.labels, gateway.workload.template_labels()]
                .into_iter()
                .any(is_of_arc_extension),
        }
    }
}

/// How a container authenticates; `None` if it only takes the address of the gateway beside it, and no key.
fn counted(container: &GatewayContainer<'_>) -> Option<Authentication> {
    let authentication = Authentication::of(container);
    (!container.takes_only_address() || authentication == Authentication::Key).then_some(authentication)
}

fn version(image: &str, images: &Images) -> Option<String> {
    let name = ImageName::parse(image)?;
    match name.digest {
        Some(digest) => images.digests.get(digest).map(ToString::to_string),
        None => name.tag.filter(|tag| semver::Version::parse(tag).is_ok()).map(str::to_owned),
    }
}

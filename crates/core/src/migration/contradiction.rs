//! Facts that were stated and contradict what a gateway or its `ServiceAccount` has.

use super::Facts;
use super::endpoint::is_same_endpoint;
use super::json::text;
use super::settings::{current, text_of};
use crate::gateway::well_known::{CLIENT_ID, TENANT_ID};
use crate::gateway::{EndpointForm, Gateway, Setting, is_guid};
use crate::policy::NamespaceSetting;
use serde_json::Value;

/// A fact that says something else than an existing object. To replace the value of the object could end how another
/// workload, or the gateway itself, authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    ClientId,
    TenantId,
    GatewayName,
    Endpoint,
}

impl Contradiction {
    /// The contradictions between stated facts and a gateway with this `ServiceAccount`.
    pub(super) fn all(gateway: &Gateway<'_>, facts: &Facts, account: Option<&Value>) -> Vec<Self> {
        let annotated = |key: &str| account.and_then(|account| text(account, &["metadata", "annotations", key]));
        let is_other_id = |stated: Option<&String>, key: &str| {
            let written = annotated(key).filter(|written| is_guid(written));
            stated.zip(written).is_some_and(|(stated, written)| !stated.eq_ignore_ascii_case(written))
        };
        let is_other = |stated: Option<&String>, setting: Setting, is_usable: &dyn Fn(&str) -> bool, is_same: Same| {
            let Some(stated) = stated else { return false };
            let written = gateway.authenticating().filter_map(|container| text_of(current(container, setting)?));
            written.filter(|written| is_usable(written)).any(|written| !is_same(stated, written))
        };
        let is_endpoint = |text: &str| EndpointForm::of(text) == EndpointForm::Usable;
        let is_name = NamespaceSetting::GatewayName.form().matches;
        let name = facts.gateway_name.as_ref();
        [
            (Self::ClientId, is_other_id(facts.client_id.as_ref(), CLIENT_ID)),
            (Self::TenantId, is_other_id(facts.tenant_id.as_ref(), TENANT_ID)),
            (Self::GatewayName, is_other(name, Setting::GatewayName, &is_name, |one, other| one == other)),
            (Self::Endpoint, is_other(facts.endpoint.as_ref(), Setting::Endpoint, &is_endpoint, is_same_endpoint)),
        ]
        .into_iter()
        .filter_map(|(contradiction, is_there)| is_there.then_some(contradiction))
        .collect()
    }

    /// Removes the fact: the object keeps what it has.
    pub(super) fn leave_out(self, facts: &mut Facts) {
        match self {
            Self::ClientId => facts.client_id = None,
            Self::TenantId => facts.tenant_id = None,
            Self::GatewayName => facts.gateway_name = None,
            Self::Endpoint => facts.endpoint = None,
        }
    }

    fn flag(self) -> &'static str {
        match self {
            Self::ClientId => "--client-id",
            Self::TenantId => "--tenant-id",
            Self::GatewayName => "--gateway-name",
            Self::Endpoint => "--endpoint",
        }
    }

    /// What to do before a gateway can be migrated; `None` if the stated value replaces the old one, which a guess says.
    pub(super) fn message(self, gateway: &str, account: &str) -> Option<String> {
        let flag = self.flag();
        Some(match self {
            Self::ClientId => format!(
                "Leave out {flag} for {gateway}, or pass --service-account with a new name: ServiceAccount \"{account}\" \
                 has another client id"
            ),
            Self::TenantId => format!(
                "Leave out {flag} for {gateway}, or pass --service-account with a new name: ServiceAccount \"{account}\" \
                 has another tenant id"
            ),
            // of one gateway only, so no other one takes it
            Self::GatewayName => return None,
            Self::Endpoint => format!(
                "Leave out {flag} for {gateway}, or change its config.service.endpoint first: it names another \
                 configuration API"
            ),
        })
    }

    /// What a gateway with workload identity keeps.
    pub(super) fn kept(self) -> String {
        let what = match self {
            Self::ClientId => "the client id of its ServiceAccount",
            Self::TenantId => "the tenant id of its ServiceAccount",
            Self::GatewayName => "its gateway.name",
            Self::Endpoint => "its config.service.endpoint",
        };
        format!("{what}, which is not that of {}", self.flag())
    }
}

type Same = fn(&str, &str) -> bool;

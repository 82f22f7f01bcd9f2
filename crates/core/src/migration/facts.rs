//! Facts about a gateway that its manifests may not have.

use crate::gateway::ObjectReference;

/// What a person can state. A fact that is not stated is taken from the manifests, if they have it.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Client id of the Entra app or the managed identity: a GUID.
    pub client_id: Option<String>,
    /// Tenant id, if it is not the cluster's: a GUID.
    pub tenant_id: Option<String>,
    /// Name of the gateway resource in API Management.
    pub gateway_name: Option<String>,
    /// Address of the configuration API.
    pub endpoint: Option<String>,
    /// Name of the `ServiceAccount`.
    pub service_account: Option<String>,
    /// Tag of the gateway's image.
    pub image_tag: Option<String>,
}

/// A fact that only a person or another manifest can supply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The client id.
    ClientId,
    /// The gateway's `ConfigMap`, which is not in the input.
    ConfigMap,
    /// A fact that does not contradict an existing object.
    Consistency,
    /// The address of the configuration API.
    Endpoint,
    /// The name of the gateway resource.
    GatewayName,
    /// A layout of the text in which it can be changed.
    Layout,
    /// A single object of each name: the input has one several times.
    OneObject,
    /// A `ConfigMap` of its own: the one that it has is immutable, or another workload reads it.
    OwnConfigMap,
    /// A size at which it can be evaluated: it has more containers, variables or references than any gateway.
    Size,
    /// A fact of another gateway, which takes the same `ConfigMap`: it would lose its key with this one.
    SharedConfigMap,
}

impl Fact {
    /// The flag that states it; `None` if no flag can.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::ClientId => Some("--client-id"),
            Self::Endpoint => Some("--endpoint"),
            Self::GatewayName => Some("--gateway-name"),
            Self::ConfigMap
            | Self::Consistency
            | Self::Layout
            | Self::OneObject
            | Self::OwnConfigMap
            | Self::SharedConfigMap
            | Self::Size => None,
        }
    }
}

/// A fact that a gateway lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingFact {
    /// The fact.
    pub fact: Fact,
    /// The gateway's workload.
    pub object: ObjectReference,
    /// The index of the workload in the input, if it is an object of it.
    pub index: Option<usize>,
    /// The name of the gateway's `ConfigMap`.
    pub config_map: String,
    /// What the message says beside that: the cause, or the other object.
    pub detail: String,
}

impl MissingFact {
    /// A fact that something other than an object of the input lacks.
    pub fn new(fact: Fact, object: ObjectReference) -> Self {
        Self { fact, object, index: None, config_map: String::new(), detail: String::new() }
    }

    /// What to do, as an imperative.
    pub fn message(&self) -> String {
        let Self { object: ObjectReference { kind, name, .. }, config_map, detail, .. } = self;
        match self.fact {
            Fact::ClientId => format!(
                "Pass --client-id, the client id of the Entra app or the managed identity of {kind} \"{name}\": no \
                 manifest has it"
            ),
            Fact::ConfigMap if !detail.is_empty() => detail.clone(),
            Fact::ConfigMap => {
                format!("Add ConfigMap \"{config_map}\" of {kind} \"{name}\" to the input: its settings have to change")
            }
            Fact::Consistency | Fact::OneObject => detail.clone(),
            Fact::Endpoint => format!(
                "Pass --endpoint, the configuration endpoint of {kind} \"{name}\", such as \
                 NAME.configuration.azure-api.net: no manifest has it in a form that can be used"
            ),
            Fact::GatewayName => format!(
                "Pass --gateway-name, the name of the gateway resource of {kind} \"{name}\" in API Management: no \
                 manifest has it"
            ),
            Fact::Layout => {
                format!("Change {kind} \"{name}\" by hand: its text cannot be changed without rewriting other lines")
            }
            Fact::OwnConfigMap => format!(
                "Copy ConfigMap \"{config_map}\" under a new name, and take that one in {kind} \"{name}\": its settings \
                 have to change, but {detail}"
            ),
            Fact::Size => format!(
                "Change {kind} \"{name}\" by hand, or split it: it is too large to evaluate, so what it takes is not known"
            ),
            Fact::SharedConfigMap => format!(
                "Migrate {kind} \"{name}\" together with {detail}, which takes ConfigMap \"{config_map}\", too, and is not \
                 migrated: it would lose its key"
            ),
        }
    }
}

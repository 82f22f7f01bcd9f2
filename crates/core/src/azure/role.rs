//! The two custom roles of Microsoft's article on workload identity for the self-hosted gateway.
//!
//! Source: MicrosoftDocs/azure-docs, includes/api-management-gateway-role-assignments.md (02/19/2026). They are custom:
//! no built-in role has the data action (API Management Service Contributor has no data actions at all).

/// A custom role that the configuration API needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigurationRole {
    /// Its name. It is unique in the tenant.
    pub name: &'static str,
    /// Its description.
    pub description: &'static str,
    /// Its actions.
    pub actions: &'static [&'static str],
    /// Its data actions.
    pub data_actions: &'static [&'static str],
}

/// Lets the configuration API read who may read the gateway's configuration. For the system-assigned identity of the API
/// Management instance, on its resource group or subscription.
pub const RBAC_VALIDATOR: ConfigurationRole = ConfigurationRole {
    name: "API Management Configuration API Access Validator Service Role",
    description: "Can access RBAC permissions on the API Management resource to authorize requests in Configuration API.",
    actions: &["Microsoft.Authorization/*/read"],
    data_actions: &[],
};

/// Lets a gateway read its configuration. For the Entra app or the user-assigned identity, on the API Management instance,
/// its resource group or its subscription.
pub const CONFIGURATION_READER: ConfigurationRole = ConfigurationRole {
    name: "API Management Gateway Configuration Reader Role",
    description: "Can read self-hosted gateway configuration from Configuration API",
    actions: &[],
    data_actions: &["Microsoft.ApiManagement/service/gateways/getConfiguration/action"],
};

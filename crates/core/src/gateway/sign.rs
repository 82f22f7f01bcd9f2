//! How certainly a setting shows that an object belongs to a gateway, by its name and its value.

use super::unresolved::is_unresolved;
use super::{EnvValue, Setting, endpoint_form::is_configuration_endpoint};

/// How certain it is that a container or a `ConfigMap` belongs to a gateway. The order is from none to certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum GatewaySign {
    /// Nothing shows it.
    #[default]
    None,
    /// It sets `config.service.endpoint` to a value that is not known. Other applications have a setting of this name,
    /// too, so nothing is set, and only findings about the auth setting count.
    Possible,
    /// Its image is the gateway's, or it has a setting that only a gateway has.
    Certain,
}

impl GatewaySign {
    /// The sign that `setting` is with this value.
    pub(super) fn of(setting: Setting, value: &EnvValue<'_>) -> Self {
        match setting {
            Setting::Endpoint => Self::of_endpoint(value),
            setting if setting.is_config_service() => Self::Certain,
            _ => Self::None,
        }
    }

    fn of_endpoint(value: &EnvValue<'_>) -> Self {
        match value {
            EnvValue::Text(text) | EnvValue::Unknown(text) if is_configuration_endpoint(text) => Self::Certain,
            EnvValue::Text(text) if !is_unresolved(text) => Self::None,
            EnvValue::Text(_) | EnvValue::Unknown(_) | EnvValue::Secret(_) => Self::Possible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_shows_a_gateway_by_its_name_and_an_endpoint_by_its_value() {
        let text = |text: &'static str| EnvValue::Text(text.into());
        let beginning = |text: &'static str| EnvValue::Unknown(text.into());
        let endpoint = "contoso.configuration.azure-api.net";
        for (setting, value, sign) in [
            (Setting::Auth, text(""), GatewaySign::Certain),
            (Setting::OtherAuth, EnvValue::UNKNOWN, GatewaySign::Certain),
            (Setting::GatewayName, text("orders"), GatewaySign::None),
            (Setting::IngressEnabled, text("true"), GatewaySign::None),
            (Setting::Endpoint, text(endpoint), GatewaySign::Certain),
            (Setting::Endpoint, beginning(endpoint), GatewaySign::Certain),
            (Setting::Endpoint, text("http://config-server:8888"), GatewaySign::None),
            (Setting::Endpoint, text(""), GatewaySign::None),
            (Setting::Endpoint, beginning("http://config-server:8888"), GatewaySign::Possible),
            (Setting::Endpoint, text("${ENDPOINT}"), GatewaySign::Possible),
            (Setting::Endpoint, text("vault:secret/data/gateways#endpoint"), GatewaySign::Possible),
        ] {
            assert_eq!(GatewaySign::of(setting, &value), sign, "{setting:?} {value:?}");
        }
    }
}

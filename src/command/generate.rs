//! `generate`: writes the objects of a first gateway, in the form of Microsoft's article on workload identity
//! (self-hosted-gateway-enable-workload-identity.md), or values for Microsoft's chart.

mod native_policies;

use super::print;
use crate::cli::{GatewayArguments, GatewayOutput, GenerateArguments, Generated};
use crate::migration_sources::{CHART_REPOSITORY, CHART_VERSION};
use anyhow::ensure;
use apim_keyless_core::gateway::Cloud;
use apim_keyless_core::migration::{ARTICLE_ACCOUNT, IMAGE_VERSION};
use apim_keyless_manifest::rewrite::scalar;
use std::process::ExitCode;

/// The objects. Probes, ports and Services are those that the Azure portal writes.
const MANIFESTS: &str = include_str!("generate/gateway.yaml");
/// The values.
const HELM_VALUES: &str = include_str!("generate/values.yaml");
/// Longest name of an object, in characters: its Services append to it, and have names of 63 characters at most.
const NAME: usize = 43;

pub(super) fn run(arguments: &GenerateArguments) -> anyhow::Result<ExitCode> {
    let text = match &arguments.what {
        Generated::Gateway(gateway) => gateway_text(gateway)?,
        Generated::Map(arguments) => native_policies::mutating_text(arguments)?,
        Generated::Vap(arguments) => native_policies::validating_text(arguments)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn gateway_text(gateway: &GatewayArguments) -> anyhow::Result<String> {
    let object = object_name(&gateway.name);
    ensure!(
        !object.is_empty(),
        "--name: no object can be named after this name; write a name with letters or digits of ASCII"
    );
    let template = match gateway.output {
        GatewayOutput::Manifests => MANIFESTS,
        GatewayOutput::HelmValues => HELM_VALUES,
    };
    let cloud = Cloud::of_api_management(&gateway.endpoint).filter(|cloud| *cloud != Cloud::Public);
    let tag = gateway.image_tag.clone().unwrap_or_else(|| IMAGE_VERSION.to_string());
    let account = gateway.service_account.clone().unwrap_or_else(|| ARTICLE_ACCOUNT.to_owned());
    let values = [
        ("OBJECT", Some(object)),
        ("NAMESPACE", Some(scalar(&gateway.namespace))),
        ("ACCOUNT", Some(scalar(&account))),
        ("CLIENT", Some(gateway.client_id.clone())),
        ("TENANT", gateway.tenant_id.clone()),
        ("ENDPOINT", Some(scalar(&gateway.endpoint))),
        ("AUDIENCE", cloud.map(|cloud| scalar(cloud.token_audience()))),
        ("GATEWAY", Some(scalar(&gateway.name))),
        ("TAG", Some(scalar(&tag))),
        ("REPOSITORY", Some(CHART_REPOSITORY.to_owned())),
        ("VERSION", Some(CHART_VERSION.to_owned())),
        ("IMAGE", Some(scalar(&format!("mcr.microsoft.com/azure-api-management/gateway:{tag}")))),
    ];
    let absent = values.iter().filter(|(_, value)| value.is_none());
    let absent: Vec<String> = absent.map(|(name, _)| format!("{{{name}}}")).collect();
    // a line without its value is left out
    let lines = template.lines().filter(|line| !absent.iter().any(|name| line.contains(name.as_str())));
    let mut text = lines.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat();
    for (name, value) in values {
        text = text.replace(&format!("{{{name}}}"), &value.unwrap_or_default());
    }
    Ok(text)
}

/// The name of an object after the name of a gateway resource, which can have more characters.
fn object_name(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter.to_ascii_lowercase() {
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '-',
    });
    let name: String = letters.take(NAME).collect();
    let name = name.trim_matches('-');
    // names of Services begin with a letter, and YAML takes some words for other values
    let is_plain = name.is_empty() || scalar(name) == name;
    if is_plain { name.to_owned() } else { format!("gateway-{name}") }
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn an_object_has_a_name_that_kubernetes_accepts() {
        for (name, expected) in [
            ("orders", "orders"),
            ("Orders of the shop", "orders-of-the-shop"),
            ("1st", "gateway-1st"),
            ("no", "gateway-no"),
            ("_a_", "a"),
            ("é", ""),
        ] {
            assert_eq!(object_name(name), expected);
        }
    }
}

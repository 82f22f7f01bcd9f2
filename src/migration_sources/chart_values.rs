//! Single values of Microsoft's chart: how the gateway authenticates with them, its `ServiceAccount` and its image.

use super::chart_version::{CHART, full_name};
use super::helm_values::{IMAGE, Release, is_variable};
use super::value_path;
use super::{SourceContext, SourceGateway};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use apim_keyless_core::gateway::{Authentication, ImageVersion};
use apim_keyless_core::migration::IMAGE_VERSION;
use apim_keyless_core::policy::{FIRST_VERSION, shell_word};
use serde_json::Value;

/// Where the client id is.
pub(super) const APP_ID: [&str; 5] = ["gateway", "auth", "azureAd", "app", "id"];
/// The name of a `ServiceAccount` that a tool fills in.
const UNKNOWN_ACCOUNT: &str = "SERVICE_ACCOUNT";

/// How the gateway of these values authenticates; [`Authentication::None`] if they are only a part of its values.
pub(super) fn authentication(values: &Value) -> Authentication {
    let auth = |key: &str| value_path::get(values, &["gateway", "auth", key]);
    let has_key = auth("key").is_some() || value_path::get(values, &["gateway", "authKey"]).is_some();
    let has_app_secret = value_path::get(values, &["gateway", "auth", "azureAd", "app", "secret"]).is_some();
    match text_at(values, &["gateway", "auth", "type"]).map(|name| name.to_ascii_lowercase()).as_deref() {
        Some("workloadidentity") => Authentication::WorkloadIdentity,
        Some("azureadapp") => Authentication::EntraApp,
        None if has_app_secret && !has_key => Authentication::EntraApp,
        None if !has_key => Authentication::None,
        _ => Authentication::Key,
    }
}

pub(super) fn text_at(values: &Value, path: &[&str]) -> Option<String> {
    match value_path::get(values, path)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The gateway of migrated values, and the commands for a `ServiceAccount` that the chart does not create.
pub(super) fn service_account_of(values: &Value, release: Release<'_>) -> (SourceGateway, Vec<String>) {
    let of_chart = full_name(values, release.name.unwrap_or("RELEASE"), release.alias.unwrap_or(CHART));
    let service_account = text_at(values, &["serviceAccount", "name"])
        .or_else(|| text_at(values, &["serviceAccountName"]))
        .unwrap_or_else(|| of_chart.clone());
    // a name that a tool fills in is in capitals, as what no file states
    let service_account = if is_variable(&service_account) { UNKNOWN_ACCOUNT.to_owned() } else { service_account };
    let client_id = text_at(values, &["gateway", "auth", "azureAd", "app", "id"]);
    let create = value_path::get(values, &["serviceAccount", "create"]);
    let mut commands = Vec::new();
    if create.is_some_and(|create| *create == false || *create == "false") {
        let account = shell_word(&service_account);
        let namespace = shell_word(release.namespace.filter(|name| !is_variable(name)).unwrap_or("NAMESPACE"));
        let annotation = shell_word(&format!("{CLIENT_ID}={}", client_id.as_deref().unwrap_or_default()));
        commands.push(format!(
            "kubectl annotate serviceaccount {account} --namespace {namespace} --overwrite {annotation}"
        ));
        commands.push(format!("kubectl label serviceaccount {account} --namespace {namespace} --overwrite {USE}=true"));
    }
    let namespace = release.namespace.filter(|name| !is_variable(name)).map(str::to_owned);
    let gateway_name = text_at(values, &["gateway", "name"]);
    let chart_secret = Some(of_chart);
    let gateway =
        SourceGateway { namespace, service_account, client_id, gateway_name, chart_secret, ..SourceGateway::default() };
    (gateway, commands)
}

/// The tag in place of one that is older than the first version with workload identity, or that moves. Of `${TAG:=2.3.5}` the
/// default changes.
pub(super) fn newer_tag(tag: &str, context: SourceContext<'_>) -> Option<String> {
    let version = |tag: &str| context.images.version(&format!("{IMAGE}:{tag}"), &FIRST_VERSION);
    let is_old = |version| matches!(version, ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling);
    let whole = version(tag);
    // a digest that is not known is taken for that of its tag
    let of_tag = tag.split_once('@').filter(|_| whole == ImageVersion::Unverifiable);
    if is_old(whole) || of_tag.is_some_and(|(tag, _)| is_old(version(tag))) {
        return Some(IMAGE_VERSION.to_string());
    }
    let inner = tag.strip_prefix("${")?.strip_suffix('}')?;
    let (name, default) = [":=", ":-"].iter().find_map(|mark| inner.split_once(mark))?;
    is_old(version(default)).then(|| tag.replace(default, &IMAGE_VERSION.to_string())).filter(|_| !name.is_empty())
}

//! The releases of Microsoft's chart that a source installs, with the files of values that it names: together they show what a
//! file of values alone does not.

use super::chart_values::{authentication, newer_tag, service_account_of};
use super::chart_version::{CHART, is_chart};
use super::helm_values::{Release, pointer};
use super::helmfile::releases_of_helmfile;
use super::lines::Lines;
use super::patch_finder::has_other_method;
use super::value_path::{self, ValuePath};
use super::{SourceContext, SourceGateway, argo_application, helm_command, layers};
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::migration::IMAGE_VERSION;
use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::Block;
use jsonptr::PointerBuf;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A release of the chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InstalledRelease {
    /// Its name, if the source says it.
    pub name: Option<String>,
    /// Its namespace, if the source says it.
    pub namespace: Option<String>,
    /// Where the values of the chart are in the files: the name or the alias of a sub-chart.
    pub below: Vec<String>,
    /// Its values; later ones win.
    pub layers: Vec<InstalledLayer>,
    /// The folder of its chart, if the source names one.
    pub chart: Option<String>,
    /// The line, from 1, that installs it; 0 if the source is one object.
    pub line: usize,
    /// Whether nothing else than these layers can select how its gateway authenticates.
    pub has_all_layers: bool,
}

/// Values of a release.
#[derive(Clone, Debug, PartialEq)]
pub enum InstalledLayer {
    /// In a file of this name.
    File(String),
    /// In a file of this path, which is not from the folder of the source.
    Path(PathBuf),
    /// In this entry of a `ConfigMap` or a Secret.
    Object {
        /// Its kind.
        kind: String,
        /// Its name.
        name: String,
        /// The name of the entry.
        key: String,
        /// The name of the one value that the entry is, as `targetPath` of Flux has it.
        target: Option<String>,
    },
    /// In the source itself.
    Inline(Value),
}

/// The values that say how a gateway authenticates, and under which names.
const RELEVANT: [&[&str]; 9] = [
    &["gateway", "auth"],
    &["gateway", "authKey"],
    &["gateway", "name"],
    &["image", "tag"],
    &["serviceAccount", "create"],
    &["serviceAccount", "name"],
    &["serviceAccountName"],
    &["nameOverride"],
    &["fullnameOverride"],
];
/// The values without which a migrated gateway does not authenticate; `null` removes those of earlier files.
const NEEDED: [&[&str]; 7] = [
    &["gateway"],
    &["gateway", "name"],
    &["gateway", "auth"],
    &["gateway", "auth", "type"],
    &["gateway", "auth", "azureAd"],
    &["gateway", "auth", "azureAd", "app"],
    &["gateway", "auth", "azureAd", "app", "id"],
];
const METHOD: &str = "Remove gateway.auth and gateway.name here, or set gateway.auth.type to WorkloadIdentity with \
                      gateway.auth.azureAd.app.id: Helm merges these values over the migrated ones, and the gateway would \
                      authenticate in another way";

/// The releases that an object installs: a helmfile, an `Application` or `ApplicationSet`, a `HelmRelease`, a kustomization, a
/// `Chart.yaml`.
pub fn releases_of_object(object: &Value) -> Vec<InstalledRelease> {
    match object.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "Application" | "ApplicationSet" => argo_application::installed(object),
        "HelmRelease" => of_flux(object).into_iter().collect(),
        _ if object.get("helmCharts").is_some() => of_kustomization(object),
        _ => releases_of_helmfile(object),
    }
}

/// The releases that the commands of a script install.
pub fn releases_of_script(text: &str) -> Vec<InstalledRelease> {
    helm_command::installed(text)
}

/// The releases that a configuration of Terraform installs.
pub fn releases_of_terraform(text: &str) -> Vec<InstalledRelease> {
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return Vec::new() };
    let is_release = |block: &&Block| block.labels.first().is_some_and(|label| label.as_str() == "helm_release");
    let chart = |block: &Block| path_of(&block.body.get_attribute("chart")?.value, text);
    // a chart whose name is in a variable is not known
    let releases = body.blocks().filter(is_release).filter(|block| chart(block).is_some());
    let lines = Lines::of(text);
    let layers = |block: &Block| {
        let values = block.body.get_attribute("values").and_then(|attribute| attribute.value.as_array());
        values.into_iter().flatten().filter_map(|value| file_of(value, text)).map(InstalledLayer::File).collect()
    };
    let owned = |block: &Block, name| attribute(block, name).map(str::to_owned);
    releases
        .map(|block| InstalledRelease {
            name: owned(block, "name"),
            namespace: owned(block, "namespace"),
            layers: layers(block),
            chart: chart(block),
            line: block.span().map_or(1, |range| lines.at(range.start)),
            ..InstalledRelease::default()
        })
        .collect()
}

/// The names under which the values of Microsoft's chart are in the values of a chart that has it as a dependency.
pub fn aliases(chart: &Value) -> Vec<&str> {
    let dependencies = chart.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let own = dependencies.filter(|dependency| dependency.get("name").and_then(Value::as_str) == Some(CHART));
    own.map(|dependency| dependency.get("alias").and_then(Value::as_str).unwrap_or(CHART)).collect()
}

fn attribute<'b>(block: &'b Block, name: &str) -> Option<&'b str> {
    block.body.get_attribute(name)?.value.as_str()
}

/// The file of `file("…")` and `templatefile("…", …)`.
fn file_of(value: &Expression, text: &str) -> Option<String> {
    let Expression::FuncCall(call) = value else { return None };
    ["file", "templatefile"].contains(&call.name.name.as_str()).then_some(())?;
    path_of(call.args.iter().next()?, text)
}

/// The path in an expression, from the folder of the configuration.
fn path_of(value: &Expression, text: &str) -> Option<String> {
    let path = text.get(value.span()?)?.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(
        ["${path.module}/", "${path.root}/"]
            .iter()
            .find_map(|start| path.strip_prefix(start))
            .unwrap_or(path)
            .to_owned(),
    )
}

fn of_flux(object: &Value) -> Option<InstalledRelease> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let chart = text("/spec/chart/spec/chart")?.to_owned();
    let name = super::helm_release::release_name(object);
    let sources = object.pointer("/spec/valuesFrom").and_then(Value::as_array).into_iter().flatten();
    let layer = |source: &Value| {
        let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
        let key = text("valuesKey").unwrap_or_else(|| "values.yaml".to_owned());
        Some(InstalledLayer::Object { kind: text("kind")?, name: text("name")?, key, target: text("targetPath") })
    };
    let mut layers: Vec<InstalledLayer> = sources.filter_map(layer).collect();
    layers.extend(object.pointer("/spec/values").cloned().map(InstalledLayer::Inline));
    let namespace = text("/spec/targetNamespace").or_else(|| text("/metadata/namespace")).map(str::to_owned);
    Some(InstalledRelease { name, namespace, layers, chart: Some(chart), ..InstalledRelease::default() })
}

fn of_kustomization(kustomization: &Value) -> Vec<InstalledRelease> {
    let charts = kustomization.get("helmCharts").and_then(Value::as_array).into_iter().flatten();
    charts
        .filter_map(|chart| {
            let text = |key: &str| chart.get(key).and_then(Value::as_str);
            text("name").filter(|name| is_chart(name))?;
            let more = chart.get("additionalValuesFiles").and_then(Value::as_array).into_iter().flatten();
            let files = text("valuesFile").into_iter().chain(more.filter_map(Value::as_str));
            let mut layers: Vec<InstalledLayer> = files.map(|file| InstalledLayer::File(file.to_owned())).collect();
            layers.extend(chart.get("valuesInline").cloned().map(InstalledLayer::Inline));
            let of_all = kustomization.get("namespace").and_then(Value::as_str);
            Some(InstalledRelease {
                name: text("releaseName").map(str::to_owned),
                namespace: of_all.or_else(|| text("namespace")).map(str::to_owned),
                layers,
                has_all_layers: true,
                ..InstalledRelease::default()
            })
        })
        .collect()
}

/// Values with one text at a path, as `helm --set-string` takes it.
pub fn value_at(path: &str, text: &str) -> Value {
    let mut values = json!({});
    value_path::set(&mut values, &value_path::parse(path), json!(text.trim()));
    values
}

/// Whether merged values select workload identity.
pub fn selects_identity(merged: &Value) -> bool {
    authentication(merged) == Authentication::WorkloadIdentity
}

/// Whether this is the name of Microsoft's chart, or its path.
pub fn is_name_of_chart(chart: &str) -> bool {
    is_chart(chart)
}

/// What says how a gateway authenticates in the values of a chart: a copy that is small.
pub fn relevant_values(values: &Value) -> Value {
    let mut relevant = json!({});
    for path in NEEDED.iter().chain(&RELEVANT).filter(|path| path.len() < 3) {
        match value_path::get(values, path) {
            Some(value) if path.len() > 1 || !value.is_object() => value_path::set(&mut relevant, path, value.clone()),
            _ => {}
        }
    }
    relevant
}

/// The merged values of some layers.
pub fn merged_values(layers: &[Value]) -> Value {
    layers::merged(layers)
}

/// What keeps merged values from workload identity: the place, and what to do.
pub fn problems_of_values(merged: &Value, context: SourceContext<'_>) -> Vec<(PointerBuf, String)> {
    let at = |path: &[&str]| pointer(&path.iter().map(ToString::to_string).collect::<ValuePath>());
    let mut found = Vec::new();
    let tag = match value_path::get(merged, &["image", "tag"]) {
        Some(Value::String(tag)) => Some(tag.trim().to_owned()),
        Some(Value::Number(tag)) => Some(tag.to_string()),
        _ => None,
    };
    if tag.is_some_and(|tag| newer_tag(&tag, context).is_some()) {
        let message = format!(
            "Set image.tag to {IMAGE_VERSION} or another version that is 2.11.0 or newer here: Helm merges these values over \
             the migrated ones, and older versions do not support workload identity"
        );
        found.push((at(&["image", "tag"]), message));
    }
    let removed = NEEDED.iter().find(|path| value_path::get(merged, path).is_some_and(Value::is_null));
    let other =
        || merged.get("gateway").filter(|gateway| has_other_method(gateway)).and(Some(["gateway", "auth"].as_slice()));
    if let Some(path) = removed.copied().or_else(other) {
        found.push((at(path), METHOD.to_owned()));
    }
    found
}

/// The gateway of a release with these merged values, and the commands for a `ServiceAccount` that the chart does not create.
pub fn gateway_of_release(merged: &Value, release: &InstalledRelease) -> (SourceGateway, Vec<String>) {
    let alias = release.below.last().map(String::as_str);
    let named = Release { name: release.name.as_deref(), namespace: release.namespace.as_deref(), alias };
    service_account_of(merged, named)
}

//! Examples for a standalone server: sends each object to the server as reviews, as an API server does, and prints what
//! its user would see.

use super::print_to_stderr;
use crate::admission::{Endpoint, Webhook};
use crate::server::HttpsClient;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, ensure};
use apim_keyless_core::gateway::Kind;
use apim_keyless_core::policy::Mode;
use apim_keyless_manifest::{ManifestObject, Manifests};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use similar::ChangeTag;
use similar::algorithms::{Capture, myers};
use std::io::empty;
use std::path::Path;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// Unchanged lines that are printed around a change.
const CONTEXT_LINES: usize = 2;

/// Fails if there are no manifests to send, before a port is opened.
pub(super) fn check(directory: &Path) -> anyhow::Result<()> {
    let place = format!("--examples {}", directory.display());
    ensure!(directory.exists(), "{place}: the folder does not exist; check the path");
    let manifests = Manifests::read(&[directory.to_owned()], empty());
    ensure!(!manifests.objects.is_empty(), "{place}: there is no manifest in it; name a folder with manifests");
    Ok(())
}

/// Sends every object of a folder to both webhooks and returns what its user would see.
pub(super) async fn show(client: &HttpsClient, directory: &Path) -> anyhow::Result<String> {
    let manifests = Manifests::read(&[directory.to_owned()], empty());
    for error in &manifests.errors {
        print_to_stderr(&format!("{}: {}", error.file, error.message));
    }
    let mut text = String::new();
    let mut file = "";
    for object in &manifests.objects {
        if object.file() != file {
            file = object.file();
            text.push_str(&format!("\n{BOLD}{file}{BOLD:#}\n"));
        }
        if let Some(kind) = kind(&object.value) {
            text.push_str(&applied(client, object, kind).await.with_context(|| format!("example {file}"))?);
        }
    }
    Ok(text)
}

/// What a user sees who applies one object.
async fn applied(client: &HttpsClient, object: &ManifestObject, kind: Kind) -> anyhow::Result<String> {
    let mut mutated = object.value.clone();
    let mutating = call(client, Webhook::Mutating, &mutated).await?;
    if let Some(patch) = mutating.get("patch").and_then(Value::as_str) {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch)?)?;
        json_patch::patch(&mut mutated, &patch)?;
    }
    let validating = call(client, Webhook::Validating, &mutated).await?;
    let is_allowed = validating.get("allowed") == Some(&Value::Bool(true));
    let warnings: Vec<&str> = [&mutating, &validating].into_iter().flat_map(warnings).collect();
    let (style, decision) = match (is_allowed, mutated == object.value, warnings.is_empty()) {
        (false, _, _) => (RED, "denied"),
        (true, false, _) => (YELLOW, "mutated"),
        (true, true, false) => (YELLOW, "warned"),
        (true, true, true) => (GREEN, "allowed"),
    };
    let mut text = format!("  {kind} {}: {style}{decision}{style:#}\n", string(&object.value, "/metadata/name"));
    if is_allowed {
        text.push_str(&diff(&object.value, &mutated)?);
    } else {
        string(&validating, "/status/message").lines().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    for warning in warnings {
        text.push_str(&format!("    {YELLOW}Warning:{YELLOW:#} {warning}\n"));
    }
    Ok(text)
}

fn warnings(response: &Value) -> impl Iterator<Item = &str> {
    response.get("warnings").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Posts a review for the creation of `object` and returns its `response`.
async fn call(client: &HttpsClient, webhook: Webhook, object: &Value) -> anyhow::Result<Value> {
    let (group, version) =
        string(object, "/apiVersion").split_once('/').map_or(("", string(object, "/apiVersion")), |both| both);
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "00000000-0000-0000-0000-000000000000",
            "kind": {"group": group, "version": version, "kind": string(object, "/kind")},
            "name": string(object, "/metadata/name"),
            "namespace": string(object, "/metadata/namespace"),
            "operation": "CREATE",
            "userInfo": {"username": "example"},
            "object": object,
            "dryRun": true,
        },
    });
    let path = Endpoint { webhook, mode: Mode::Enforce }.path();
    let (status, body) = client.post(&path, "application/json", serde_json::to_vec(&review)?).await?;
    ensure!(status.is_success(), "{path} answered {status}: {}", String::from_utf8_lossy(&body));
    let mut review: Value = serde_json::from_slice(&body)?;
    Ok(review.get_mut("response").map(Value::take).unwrap_or_default())
}

/// The changed lines of the YAML, with some lines around them.
///
/// Calls Myers' algorithm directly: `similar`'s runtime choice of an algorithm would link all of them and add half a
/// megabyte to the binary.
fn diff(before: &Value, after: &Value) -> anyhow::Result<String> {
    let (before, after) = (serde_saphyr::to_string(before)?, serde_saphyr::to_string(after)?);
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut capture = Capture::new();
    let Ok(()) = myers::diff(&mut capture, &before, 0..before.len(), &after, 0..after.len());
    let mut text = String::new();
    for change in
        capture.into_grouped_ops(CONTEXT_LINES).iter().flatten().flat_map(|op| op.iter_changes(&before, &after))
    {
        let (sign, style) = match change.tag() {
            ChangeTag::Delete => ('-', RED),
            ChangeTag::Insert => ('+', GREEN),
            ChangeTag::Equal => (' ', Style::new()),
        };
        text.push_str(&format!("    {style}{sign} {}{style:#}\n", change.value()));
    }
    Ok(text)
}

fn kind(object: &Value) -> Option<Kind> {
    Kind::of(string(object, "/apiVersion"), string(object, "/kind"))
}

fn string<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

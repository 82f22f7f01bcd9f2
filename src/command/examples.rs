//! Examples for a start by hand: each is sent to the server as reviews, as an API server would, and what its user
//! would see is told.

use super::complain;
use crate::admission::{Endpoint, Webhook};
use crate::gateway::Kind;
use crate::manifest::{ManifestObject, Manifests};
use crate::policy::Mode;
use crate::server::HttpsClient;
use anstyle::{AnsiColor, Style};
use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{ChangeTag, group_diff_ops};
use std::io::empty;
use std::path::Path;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const BOLD: Style = Style::new().bold();

/// Lines of an object that stand around a change.
const CONTEXT_LINES: usize = 2;

/// Sends every object of a folder through both doors, and gives what its user would see.
pub(super) async fn show(client: &HttpsClient, directory: &Path) -> anyhow::Result<String> {
    let manifests = Manifests::read(&[directory.to_owned()], empty());
    for error in &manifests.errors {
        complain(&format!("{}: {}", error.file, error.message));
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
    let mut mended = object.value.clone();
    let response = call(client, Webhook::Mutating, &mended).await?;
    if let Some(patch) = response.get("patch").and_then(Value::as_str) {
        let patch: json_patch::Patch = serde_json::from_slice(&STANDARD.decode(patch)?)?;
        json_patch::patch(&mut mended, &patch)?;
    }
    let response = call(client, Webhook::Validating, &mended).await?;
    let is_allowed = response.get("allowed") == Some(&Value::Bool(true));
    let (style, decision) = match (is_allowed, mended == object.value) {
        (false, _) => (RED, "refused"),
        (true, false) => (YELLOW, "mended"),
        (true, true) => (GREEN, "allowed"),
    };
    let mut text = format!("  {kind} {}: {style}{decision}{style:#}\n", string(&object.value, "/metadata/name"));
    if is_allowed {
        text.push_str(&difference(&object.value, &mended)?);
    } else {
        string(&response, "/status/message").lines().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    for warning in response.get("warnings").and_then(Value::as_array).into_iter().flatten() {
        text.push_str(&format!("    {YELLOW}Warning:{YELLOW:#} {}\n", warning.as_str().unwrap_or_default()));
    }
    Ok(text)
}

/// Posts a review of the creation of `object`; gives the response in it.
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

/// What was changed, in YAML, with the lines around it.
fn difference(before: &Value, after: &Value) -> anyhow::Result<String> {
    let (before, after) = (serde_saphyr::to_string(before)?, serde_saphyr::to_string(after)?);
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let mut changes = Compact::new(Replace::new(Capture::new()), &*before, &*after);
    let Ok(()) = myers::diff(&mut changes, &*before, 0..before.len(), &*after, 0..after.len());
    let mut text = String::new();
    for group in group_diff_ops(changes.into_inner().into_inner().into_ops(), CONTEXT_LINES) {
        for change in group.iter().flat_map(|operation| operation.iter_changes(&*before, &*after)) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', RED),
                ChangeTag::Insert => ('+', GREEN),
                ChangeTag::Equal => (' ', Style::new()),
            };
            text.push_str(&format!("    {style}{sign} {}{style:#}\n", change.value()));
        }
    }
    Ok(text)
}

fn kind(object: &Value) -> Option<Kind> {
    Kind::of(string(object, "/apiVersion"), string(object, "/kind"))
}

fn string<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

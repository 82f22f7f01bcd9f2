//! Files and documents that could not be read, and that can use a Secret or a key.

use super::reading::failure;
use crate::migration_sources::{unread_line, words};
use apim_keyless_manifest::{ENCRYPTED, FileContent, InputError, MALFORMED, is_about_gateway};
use apim_keyless_report::file_name;
use std::path::Path;

/// Texts that only files about a gateway have.
const MARKS: [&str; 4] = ["GatewayKey ", "gateway.auth", "existingSecretName", "config.service."];
/// Members of `gateway` in the values of Microsoft's chart.
const MEMBERS: [&str; 4] = ["auth", "authKey", "configuration", "endpoint"];
/// What templates of other tools have.
const TEMPLATE_MARKS: [&str; 3] = ["{{", "{%", "<%"];

/// The errors of documents of a folder that can be of a gateway: those that are encrypted and look like its values, and
/// malformed YAML that begins as they do. A template of another application, or malformed JSON, which can have comments, is none.
pub(super) fn failures(content: &FileContent) -> Vec<String> {
    let (text, is_about) = (content.text(), can_be_about(content.text()));
    let is_template = TEMPLATE_MARKS.iter().any(|mark| text.contains(mark));
    let is_json = Path::new(&content.name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let is_failure = |skipped: &&InputError| match skipped.message.as_str() {
        ENCRYPTED => is_about,
        MALFORMED => is_about || !is_template && !is_json && begins_as_values(text),
        _ => false,
    };
    content.skipped.iter().filter(is_failure).map(failure).collect()
}

/// What can be a Secret that documents take which are not read: each word of a file that mentions one.
pub(super) fn taken(content: &FileContent) -> Vec<(String, String)> {
    let text = content.text();
    if content.skipped.is_empty() || !text.to_ascii_lowercase().contains("secret") {
        return Vec::new();
    }
    let place = file_name(&content.name).to_owned();
    words(text).into_iter().map(|word| (word.to_owned(), place.clone())).collect()
}

/// The error of a configuration of Terraform that mentions no gateway: it can use the same Secrets.
pub(super) fn failure_of_terraform(content: &FileContent) -> Option<String> {
    let line = unread_line(content.text())?;
    Some(format!("{}:{line}: correct the syntax here: `terraform validate` names the error", file_name(&content.name)))
}

/// Whether a text has a member of the values of Microsoft's chart at its beginning: an overlay of them can have one alone.
fn begins_as_values(text: &str) -> bool {
    let keys = ["gateway:", "image:", "secret:"];
    text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)))
}

/// Whether a text can be the values of Microsoft's chart.
fn can_be_about(text: &str) -> bool {
    let key = |line: &str| {
        line.trim_start().split_once(':').map(|(key, _)| key.trim_matches(['"', ' ', ',', '{']).to_owned())
    };
    let has_key = |names: &[&str]| text.lines().filter_map(key).any(|key| names.contains(&key.as_str()));
    is_about_gateway(text)
        || MARKS.iter().any(|mark| text.contains(mark))
        || has_key(&["gateway"]) && (has_key(&MEMBERS) || text.contains("configuration"))
}

//! Locations, objects and counts in words, the same in every format for people.

use super::{Diagnostic, Failure, Level, Location};
use apim_keyless_core::gateway::{Kind, ObjectReference};
use apim_keyless_core::policy::{dotted, printable};
use jsonptr::Pointer;

/// The rule that also finds keys in what the webhook does not review.
const KEY_IN_PLAIN_TEXT: &str = "auth-key-literal";

/// A file as text shows it: `stdin` for `-`.
pub fn file_name(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

/// `KIND NAMESPACE/NAME`
pub(crate) fn name(object: &ObjectReference) -> String {
    printable(&object.to_string()).into_owned()
}

/// The field of a location as a dotted path.
pub(crate) fn field(location: &Location) -> String {
    let path = location.path.as_deref().unwrap_or_default();
    Pointer::parse(path).map_or_else(|_| path.to_owned(), dotted)
}

/// `KIND NAMESPACE/NAME: FIELD`, or `API server: PATH`
pub(crate) fn describe(finding: &Diagnostic) -> String {
    describe_at(finding.object.as_ref(), &finding.location)
}

/// Like [`describe`], for a location of the object.
pub(crate) fn describe_at(object: Option<&ObjectReference>, location: &Location) -> String {
    match (object, &location.api_path) {
        (Some(object), _) if location.path.as_deref().is_none_or(str::is_empty) => name(object),
        (Some(object), _) => format!("{}: {}", name(object), field(location)),
        (None, Some(path)) => format!("API server: {path}"),
        (None, None) => "API server".to_owned(),
    }
}

/// `FILE:LINE:COLUMN`, `FILE` or `API server: PATH`; empty if nothing is known.
pub(crate) fn place(location: &Location) -> String {
    let Location { file, span, api_path, .. } = location;
    match (file, span, api_path) {
        (Some(file), Some(span), _) => format!("{}:{}:{}", file_name(file), span.line, span.column),
        (Some(file), None, _) => file_name(file).to_owned(),
        (None, _, Some(path)) => format!("API server: {path}"),
        (None, _, None) => String::new(),
    }
}

/// `FILE:LINE:COLUMN: MESSAGE`
pub(crate) fn failure(failure: &Failure) -> String {
    let place = place(&failure.location);
    let separator = if place.is_empty() { "" } else { ": " };
    printable(&format!("{place}{separator}{}", failure.message)).into_owned()
}

/// One line for a finding that a comment ignores, with what the webhook does all the same.
pub(crate) fn ignored(finding: &Diagnostic, reason: &str) -> String {
    let of_webhook =
        finding.object.as_ref().is_some_and(|object| Kind::of(&object.api_version, &object.kind).is_some());
    let webhook = match finding.level {
        // the webhook reviews neither a Secret nor the values of a chart, and not every custom kind
        _ if finding.rule == KEY_IN_PLAIN_TEXT && !of_webhook => "the key works until it is revoked",
        Level::Error => "an enforced namespace still denies it",
        Level::Fixable => "an enforced namespace still sets it",
        Level::Warning => "the webhook still warns about it",
    };
    let object = finding.object.as_ref().map(|object| format!(" in {}", name(object))).unwrap_or_default();
    let place = place(&finding.location);
    printable(&format!("ignored: {place}: {}{object}: {reason}; {webhook}", finding.rule)).into_owned()
}

/// `1 error`, `2 errors`, `2 fixable`
pub fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 || noun == "fixable" { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

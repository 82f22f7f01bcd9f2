//! Finds the policy document in a text: the document itself, the `ConfigMap` that holds it, or values of the Helm chart.

use super::document::{DocumentError, PolicyValues};
use super::{Policy, rules};
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The kind of a policy document.
const KIND: &str = "GatewayPolicy";
/// The API group of policy documents.
const GROUP: &str = "apim-keyless.dev/";
/// The name of the chart, below which the values of a chart that depends on it have its values.
const CHART: &str = "apim-keyless";
/// The key of the policy document in the `ConfigMap` of the chart.
const KEY: &str = "policy.yaml";

/// Where a policy was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyOrigin {
    /// It is a document of its own.
    Document,
    /// It is a value of a `ConfigMap` with this name, under this key.
    ConfigMap(String, String),
    /// It is `policy` of values of the Helm chart.
    HelmValues,
}

/// A policy in a text.
pub struct FoundPolicy {
    /// Where it was found.
    pub origin: PolicyOrigin,
    /// The line at which it begins, from 1.
    pub line: u64,
    /// The policy, or what is wrong with it. Positions are those in the text.
    pub policy: Result<Policy, DocumentError>,
}

impl Policy {
    /// The only policy in a text.
    ///
    /// # Errors
    /// The text has none or several, or the policy is invalid. Positions are those in the text.
    pub fn find(text: &str) -> Result<Self, DocumentError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let Search { mut policies, others, errors } = search(text);
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        if let Some([first, second]) = policies.get(..2) {
            let message = format!(
                "a second policy begins here, the first at line {}; keep one of them, or split the file",
                first.line
            );
            return Err(DocumentError { line: second.line, column: 1, message });
        }
        match (policies.pop(), others.into_iter().next()) {
            (Some(found), _) => found.policy,
            (None, Some(other)) => Err(other),
            // says that the document is empty
            (None, None) => Self::parse(""),
        }
    }

    /// Every policy document in a text, of its own or in a `ConfigMap`. Documents that are not YAML are left out.
    pub fn find_all(text: &str) -> Vec<FoundPolicy> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut policies = search(text).policies;
        policies.retain(|found| found.origin != PolicyOrigin::HelmValues);
        policies
    }
}

/// What a text holds.
#[derive(Default)]
struct Search {
    policies: Vec<FoundPolicy>,
    /// For each document without a policy, what it is.
    others: Vec<DocumentError>,
    /// The documents that are not YAML.
    errors: Vec<DocumentError>,
}

fn search(text: &str) -> Search {
    let mut found = Search::default();
    for Part { text, lines_before } in parts(text) {
        let mut within = Search::default();
        if let Err(error) = of_part(&mut within, text) {
            found.errors.push(error.below(lines_before));
        }
        for mut policy in within.policies {
            policy.line += lines_before;
            policy.shift(|line, column| (line + lines_before, column));
            found.policies.push(policy);
        }
        found.others.extend(within.others.into_iter().map(|error| error.below(lines_before)));
    }
    found
}

/// A document of a stream.
struct Part<'a> {
    text: &'a str,
    lines_before: u64,
}

/// The documents of a stream. A line that begins with `---` begins a document, wherever it is.
fn parts(text: &str) -> Vec<Part<'_>> {
    let is_marker =
        |line: &str| line.strip_prefix("---").is_some_and(|rest| rest.trim_start() != rest || rest.is_empty());
    let (mut parts, mut start, mut offset, mut lines_before) = (Vec::new(), 0, 0, 0);
    for (number, line) in (0_u64..).zip(text.split_inclusive('\n')) {
        if is_marker(line) && offset > start {
            parts.push(Part { text: text.get(start..offset).unwrap_or_default(), lines_before });
            (start, lines_before) = (offset, number);
        }
        offset += line.len();
    }
    parts.push(Part { text: text.get(start..).unwrap_or_default(), lines_before });
    parts
}

fn of_part(found: &mut Search, text: &str) -> Result<(), DocumentError> {
    let value: Value = match serde_saphyr::from_str(text) {
        Ok(value) => value,
        Err(error) if matches!(error.without_snippet(), serde_saphyr::Error::Eof { .. }) => Value::Null,
        Err(error) => return Err(DocumentError::of(&error, text)),
    };
    let line = first_line(text);
    match Content::of(&value) {
        Content::Nothing => {}
        Content::Policy => {
            found.policies.push(FoundPolicy { origin: PolicyOrigin::Document, line, policy: Policy::parse(text) });
        }
        Content::ConfigMap => {
            let parsed: Result<ConfigMap, _> = serde_saphyr::from_str(text);
            let lines: Vec<&str> = text.lines().collect();
            of_config_map(found, &lines, line, parsed.ok(), &value);
        }
        Content::List(items) => {
            let typed: Option<List> = serde_saphyr::from_str(text).ok();
            let typed = typed.map(|list| list.items).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            let mut typed = typed.into_iter().map(Some).chain(std::iter::repeat_with(|| None));
            for item in items {
                let typed = typed.next().flatten();
                match Content::of(item) {
                    Content::Policy => {
                        let policy = Policy::parse(&item.to_string()).map_err(|error| DocumentError {
                            line,
                            column: 1,
                            ..error
                        });
                        found.policies.push(FoundPolicy { origin: PolicyOrigin::Document, line, policy });
                    }
                    Content::ConfigMap => of_config_map(found, &lines, line, typed, item),
                    _ => found.others.push(other(line, &value)),
                }
            }
        }
        Content::Values(within) => {
            let policy = PolicyValues::parse(text, within).map(PolicyValues::policy);
            found.policies.push(FoundPolicy { origin: PolicyOrigin::HelmValues, line, policy });
        }
        Content::Other => found.others.push(other(line, &value)),
    }
    Ok(())
}

/// The first line with content, from 1.
fn first_line(text: &str) -> u64 {
    let has_content = |line: &str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !line.starts_with("---")
    };
    (1..).zip(text.lines()).find(|(_, line)| has_content(line)).map_or(1, |(number, _)| number)
}

/// What a document is.
enum Content<'v> {
    Nothing,
    Policy,
    ConfigMap,
    List(&'v [Value]),
    /// Values of the chart, below these fields.
    Values(&'static [&'static str]),
    Other,
}

/// Where values of the chart can be: in a values file, in that of a chart that depends on it, in a `HelmRelease` of
/// Flux and in an Application of Argo CD.
const VALUES: [(&str, &[&str]); 4] = [
    ("", &[]),
    ("", &[CHART]),
    ("HelmRelease", &["spec", "values"]),
    ("Application", &["spec", "source", "helm", "valuesObject"]),
];

impl<'v> Content<'v> {
    fn of(value: &'v Value) -> Self {
        let text = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if value.is_null() {
            return Self::Nothing;
        }
        if kind == KIND || version.starts_with(GROUP) {
            return Self::Policy;
        }
        if kind == "ConfigMap" {
            return Self::ConfigMap;
        }
        if let Some(items) = value.get("items").and_then(Value::as_array).filter(|_| kind.ends_with("List")) {
            return Self::List(items);
        }
        let has_policy = |fields: &[&str]| {
            let values = fields.iter().try_fold(value, |value, field| value.get(field));
            values.and_then(|values| values.get("policy")).is_some_and(Value::is_object)
        };
        let values = VALUES.iter().find(|(owner, fields)| *owner == kind && has_policy(fields));
        values.map_or(Self::Other, |(_, fields)| Self::Values(fields))
    }
}

/// What a document without a policy is, and what to write.
fn other(line: u64, value: &Value) -> DocumentError {
    let text = |key: &str| value.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = match (value, text("kind")) {
        (Value::Array(_), _) => "this is a list and not a policy document; write apiVersion, kind and spec".to_owned(),
        (Value::Object(_), Some(kind)) => format!(
            "this is a {} and not a policy document; write kind: {KIND}, or name a file with the policy document, the \
             ConfigMap that holds it, or values of the Helm chart",
            super::printable(kind)
        ),
        (Value::Object(fields), None) => {
            let near = fields.keys().find_map(|key| near_field(key));
            near.unwrap_or_else(|| {
                format!(
                    "there is no policy document here, and no field policy as in values of the Helm chart; write \
                     apiVersion: {GROUP}v1alpha1, kind: {KIND} and spec"
                )
            })
        }
        _ => "this is text and not a policy document; write apiVersion, kind and spec".to_owned(),
    };
    DocumentError { line, column: 1, message }
}

/// The error for a field that belongs into a policy document.
fn near_field(key: &str) -> Option<String> {
    let is_spec_field = ["defaults", "namespaces", "rules", "exceptions", "spec", "digests"].contains(&key);
    let is_rule = rules::find(key).is_ok();
    (is_spec_field || is_rule).then(|| {
        format!(
            "apiVersion and kind are missing; write apiVersion: {GROUP}v1alpha1 and kind: {KIND}, and the fields below spec"
        )
    })
}

/// A `ConfigMap`, with the positions of its values.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ConfigMap {
    data: Option<BTreeMap<String, Spanned<String>>>,
}

/// A list of objects, of which `ConfigMap`s are read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct List {
    items: Vec<ConfigMap>,
}

/// Adds the policies of a `ConfigMap`: `value`, and `typed` with positions if they are known.
fn of_config_map(found: &mut Search, lines: &[&str], line: u64, typed: Option<ConfigMap>, value: &Value) {
    let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let data = value.get("data").and_then(Value::as_object);
    let mut positions = typed.and_then(|typed| typed.data).unwrap_or_default();
    let before = found.policies.len();
    for (key, document) in data.into_iter().flatten() {
        let Some(document) = document.as_str().filter(|document| key == KEY || is_policy(document)) else { continue };
        let position = positions.remove(key).map(|spanned| (spanned.referenced.line(), spanned.referenced.column()));
        let origin = PolicyOrigin::ConfigMap(name.to_owned(), key.clone());
        let placement = Placement::of(lines, position.unwrap_or((line, 1)));
        let mut policy = FoundPolicy { origin, line: placement.line(), policy: Policy::parse(document) };
        placement.place(&mut policy);
        found.policies.push(policy);
    }
    if found.policies.len() == before {
        let keys: Vec<&str> = data.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        let message = format!(
            "ConfigMap \"{}\" holds no policy document (its keys: {}); name the ConfigMap that the chart renders, \
             apim-keyless-policy",
            super::printable(name),
            if keys.is_empty() { "none".to_owned() } else { super::printable(&keys.join(", ")).into_owned() },
        );
        found.others.push(DocumentError { line, column: 1, message });
    }
}

/// Whether the text of a `ConfigMap` is a policy document, maybe an invalid one.
fn is_policy(text: &str) -> bool {
    let begins =
        |start: &str| text.lines().any(|line| line.trim_start().trim_start_matches(['"', '{']).starts_with(start));
    begins("kind: GatewayPolicy") || begins("kind\": \"GatewayPolicy") || begins("apiVersion: apim-keyless.dev/")
}

/// How positions in a value become positions in its text.
enum Placement {
    /// A block scalar (`|`): the first line, and the columns before the value.
    Block(u64, u64),
    /// A quoted or folded scalar, whose lines are not those of the value.
    Value(u64, u64),
}

impl Placement {
    /// The parser gives the position of the first character of a block scalar, below its header.
    fn of(lines: &[&str], (line, column): (u64, u64)) -> Self {
        let mut header = line;
        loop {
            header = header.saturating_sub(1);
            let index = usize::try_from(header).ok().and_then(|header| header.checked_sub(1));
            match index.and_then(|index| lines.get(index)) {
                Some(text) if text.trim().is_empty() => {}
                Some(text) if is_literal_header(text) => return Self::Block(header + 1, column.saturating_sub(1)),
                _ => return Self::Value(line, column),
            }
        }
    }

    fn line(&self) -> u64 {
        let (Self::Block(line, _) | Self::Value(line, _)) = self;
        *line
    }

    fn place(&self, policy: &mut FoundPolicy) {
        match *self {
            Self::Block(first, indentation) => {
                policy.shift(|line, column| (first + line.saturating_sub(1), indentation + column));
            }
            Self::Value(at, column_of_value) => {
                if let Err(error) = &mut policy.policy {
                    error.message =
                        format!("{} (line {}, column {} of this value)", error.message, error.line, error.column);
                }
                policy.shift(|_, _| (at, column_of_value));
            }
        }
    }
}

/// Whether a line ends in the header of a literal block scalar: `|`, with or without indicators and a comment.
fn is_literal_header(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or_default().trim_end();
    let before = line.trim_end_matches(|letter: char| letter.is_ascii_digit() || "+-".contains(letter));
    before.strip_suffix('|').is_some_and(|before| before.ends_with(' '))
}

impl FoundPolicy {
    /// Moves all positions.
    fn shift(&mut self, position: impl Fn(u64, u64) -> (u64, u64)) {
        match &mut self.policy {
            Ok(policy) => {
                for exception in &mut policy.exceptions {
                    (exception.line, exception.column) = position(exception.line, exception.column);
                }
            }
            Err(error) => (error.line, error.column) = position(error.line, error.column),
        }
    }
}

impl DocumentError {
    /// The same error of a document that begins after this number of lines.
    fn below(self, lines: u64) -> Self {
        Self { line: self.line + lines, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n";

    /// The error of the policy in a text.
    fn error(text: &str) -> String {
        Policy::find(text).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_policy_is_found_wherever_it_stands() {
        let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: p}\ndata:\n  my-policy: |\n";
        let indented = DOCUMENT.replace("apiVersion", "    apiVersion").replace("kind", "    kind");
        let json = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Secret", "data": {"a": "b"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "data": {"policy.yaml": DOCUMENT}},
        ]});
        for text in [
            DOCUMENT,
            &format!("\u{feff}# a\r\n---\r\n{}", DOCUMENT.replace('\n', "\r\n")),
            &format!("{DOCUMENT}---\nkind: Namespace\napiVersion: v1\n"),
            &format!("{config_map}{indented}"),
            &json.to_string(),
            "image: {tag: a}\npolicy: {}\n",
            "apim-keyless: {policy: {defaults: {minimumVersion: 2.12.0}}}\n",
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec: {values: {policy: {}}}\n",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {source: {helm: {valuesObject: {policy: {}}}}}\n",
        ] {
            assert_eq!(error(text), "", "{text}");
        }
    }

    #[test]
    fn helm_reads_an_unquoted_off_as_false() {
        let text = "policy: {rules: {rolling-version: false}}\nextraResources:\n- {apiGroups: [argoproj.io], \
                    apiVersions: [v1alpha1], resources: [rollouts], controllers: [a]}\n";
        let policy = Policy::find(text).unwrap();
        assert_eq!(policy.mode(rules::find("rolling-version").unwrap()), super::super::Mode::Off);
        assert!(error(&format!("{DOCUMENT}spec: {{rules: {{rolling-version: false}}}}")).contains("write one of: off"));
    }

    #[test]
    fn an_error_has_the_position_in_the_text() {
        let config_map = |header: &str| format!("kind: ConfigMap\napiVersion: v1\ndata:\n  policy.yaml: {header}\n");
        let indented = "    apiVersion: apim-keyless.dev/v1alpha1\n    kind: GatewayPolicy\n    spec:\n      a: 1\n";
        for (text, position) in [
            (format!("# a\n---\n{DOCUMENT}spec:\n  a: 1\n"), "6:3: field a"),
            (format!("{}{indented}", config_map("|")), "8:7: field a"),
            (format!("{}\n{indented}", config_map("|-  # the policy")), "9:7: field a"),
            (format!("{}{indented}", config_map("|4").replace("|4", "|2")), "8:7: field a"),
            (format!("a: 1\n---\n{}{indented}", config_map("|+")), "10:7: field a"),
            (
                format!("data: {{policy.yaml: {:?}}}\nkind: ConfigMap\n", format!("{DOCUMENT}spec: {{a: 1}}\n")),
                "1:21: field a",
            ),
            ("a: 1\npolicy:\n  rules: {rolling-version: never}\n".to_owned(), "3:"),
            (format!("{DOCUMENT}---\na: b\n---\n{DOCUMENT}"), "6:1: a second policy begins here, the first at line 1"),
        ] {
            assert!(error(&text).starts_with(position), "{text}: {}", error(&text));
        }
        assert!(
            error("policy:\n  rules: {rolling-version: never}\n").contains("rolling-version: the value is unknown")
        );
        let exception = "{rule: '*', namespace: a, name: b, reason: c, expires: 2027-01-01}";
        let text = format!("{}{}", config_map("|"), indented.replace("a: 1", &format!("exceptions: [{exception}]")));
        let policy = Policy::find(&text).unwrap();
        assert_eq!((policy.exceptions[0].line, policy.exceptions[0].column), (8, 20));
    }

    #[test]
    fn a_text_without_a_policy_says_what_it_is() {
        for (text, words) in [
            ("", "1:1: the document is empty"),
            ("---\n", "the document is empty"),
            ("- a\n", "1:1: this is a list"),
            ("# a\na b\n", "2:1: this is text"),
            ("kind: Deployment\napiVersion: apps/v1\n", "1:1: this is a Deployment"),
            ("spec: {}\n", "apiVersion and kind are missing"),
            ("rolling-version: off\n", "apiVersion and kind are missing"),
            ("replicas: 1\n", "there is no policy document here"),
            ("policy: Ignore\n", "there is no policy document here"),
            (
                "kind: ConfigMap\nmetadata: {name: a}\ndata: {b: c}\n",
                "ConfigMap \"a\" holds no policy document (its keys: b)",
            ),
            ("kind: ConfigMap\n", "(its keys: none)"),
        ] {
            assert!(error(text).contains(words), "{text}: {}", error(text));
        }
    }
}

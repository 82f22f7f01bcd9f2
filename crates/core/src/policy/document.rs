//! The policy document: one YAML file. An unknown field is an error; every field of `spec` is optional.

use super::controllers::{ApiGroup, Controllers, UserName};
use super::document_value::{Checked, Digest, Expected, NamespaceName, RuleId};
use super::exception::ExceptionEntry;
use super::{ControlledPods, Mode, NamespaceAnnotations, Policy};
use crate::gateway::{Images, Repository};
use semver::Version;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Error, Spanned};
use std::collections::BTreeMap;

/// A policy document that cannot be used. The text names fields and rules, and never quotes a value of the document.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{line}:{column}: {message}")]
pub struct DocumentError {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong, and what to write instead.
    pub message: String,
}

impl Policy {
    /// Parses a policy document.
    ///
    /// # Errors
    /// The first error in the document: an unknown field, rule or mode, or a value of the wrong form.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let document: Document = serde_saphyr::from_str(text).map_err(|error| DocumentError::of(&error, text))?;
        Ok(document.spec.unwrap_or_default().policy(document.metadata.name))
    }
}

impl<M: Into<Mode>> Spec<M> {
    fn policy(self, name: String) -> Policy {
        let spec = self;
        Policy {
            name: Some(name),
            images: Images {
                repositories: spec.images.into_iter().map(|repository| repository.0).collect(),
                digests: spec.digests.into_iter().map(|(digest, version)| (digest.0.0, version.0)).collect(),
            },
            controlled_pods: spec.controlled_pods,
            controllers: spec.controllers,
            exceptions: spec.exceptions.into_iter().map(ExceptionEntry::exception).collect(),
            namespace_annotations: spec.namespace_annotations,
            defaults: spec.defaults.0,
            namespaces: spec.namespaces.into_iter().map(|(name, expected)| (name.0.0, expected.0)).collect(),
            modes: spec.rules.into_iter().map(|(rule, mode)| (rule.0, mode.into())).collect(),
        }
    }
}

/// The values of the chart that make its policy document.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PolicyValues {
    policy: Spec<ModeInValues>,
    extra_resources: Vec<ExtraResource>,
}

/// An element of the chart's `extraResources`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExtraResource {
    #[serde(default)]
    api_groups: Vec<Checked<ApiGroup>>,
    #[serde(default)]
    controllers: Vec<Checked<UserName>>,
}

/// The mode of a rule in values. Helm reads an unquoted `off` as `false`, and the chart takes it back.
struct ModeInValues(Mode);

impl From<ModeInValues> for Mode {
    fn from(mode: ModeInValues) -> Self {
        mode.0
    }
}

impl<'de> Deserialize<'de> for ModeInValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "false" {
            return Ok(Self(Mode::Off));
        }
        Mode::deserialize(serde::de::value::StringDeserializer::<D::Error>::new(text)).map(Self)
    }
}

impl PolicyValues {
    /// Reads the values below these fields of a text.
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, DocumentError> {
        let read = match fields {
            [] => serde_saphyr::from_str(text),
            ["spec", "values"] => serde_saphyr::from_str(text).map(|release: HelmRelease| release.spec.values),
            ["spec", ..] => {
                serde_saphyr::from_str(text).map(|application: Application| application.spec.source.helm.values_object)
            }
            _ => serde_saphyr::from_str(text).map(|values: ParentValues| values.chart),
        };
        read.map_err(|error| DocumentError::of(&error, text))
    }

    /// The policy that the chart renders of them.
    pub(super) fn policy(self) -> Policy {
        let mut policy = self.policy.policy("default".to_owned());
        for resource in self.extra_resources {
            policy.controllers.add(resource.api_groups, &resource.controllers);
        }
        policy
    }
}

/// Values of a chart that depends on the chart of apim-keyless.
#[derive(Deserialize)]
struct ParentValues {
    #[serde(rename = "apim-keyless")]
    chart: PolicyValues,
}

/// A `HelmRelease` of Flux.
#[derive(Deserialize)]
struct HelmRelease {
    spec: HelmReleaseSpec,
}

#[derive(Deserialize)]
struct HelmReleaseSpec {
    values: PolicyValues,
}

/// An Application of Argo CD.
#[derive(Deserialize)]
struct Application {
    spec: ApplicationSpec,
}

#[derive(Deserialize)]
struct ApplicationSpec {
    source: ApplicationSource,
}

#[derive(Deserialize)]
struct ApplicationSource {
    helm: ApplicationHelm,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApplicationHelm {
    values_object: PolicyValues,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: DocumentKind,
    #[serde(default)]
    metadata: DocumentMetadata,
    #[serde(default)]
    spec: Option<Spec<Mode>>,
}

/// Metadata as of any Kubernetes object. Only the name is used.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DocumentMetadata {
    name: String,
    #[serde(rename = "labels")]
    _labels: IgnoredAny,
    #[serde(rename = "annotations")]
    _annotations: IgnoredAny,
}

#[derive(Deserialize)]
enum ApiVersion {
    #[serde(rename = "apim-keyless.dev/v1alpha1")]
    V1Alpha1,
}

#[derive(Deserialize)]
enum DocumentKind {
    GatewayPolicy,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default, bound(deserialize = "M: Deserialize<'de>"))]
struct Spec<M> {
    defaults: Expected<true>,
    namespaces: BTreeMap<Checked<NamespaceName>, Expected<false>>,
    images: Vec<Checked<Repository>>,
    digests: BTreeMap<Checked<Digest>, Checked<Version>>,
    rules: BTreeMap<RuleId, M>,
    controlled_pods: ControlledPods,
    controllers: Controllers,
    namespace_annotations: NamespaceAnnotations,
    exceptions: Vec<Spanned<ExceptionEntry>>,
}

// derived, it would ask for a default of M
impl<M> Default for Spec<M> {
    fn default() -> Self {
        Self {
            defaults: Expected::default(),
            namespaces: BTreeMap::new(),
            images: Vec::new(),
            digests: BTreeMap::new(),
            rules: BTreeMap::new(),
            controlled_pods: ControlledPods::default(),
            controllers: Controllers::default(),
            namespace_annotations: NamespaceAnnotations::default(),
            exceptions: Vec::new(),
        }
    }
}

impl DocumentError {
    /// Builds a message from names of fields only, because the parser's own messages quote values.
    pub(super) fn of(error: &Error, text: &str) -> Self {
        let (line, column) = error.location().map_or((1, 1), |location| (location.line(), location.column()));
        let message = match error.without_snippet() {
            Error::DuplicateMappingKey { key, .. } => {
                format!("field {} occurs twice; write it once", key.as_deref().unwrap_or_default())
            }
            Error::Message { msg, .. } => msg.clone(),
            Error::SerdeMissingField { field, .. } => format!("field {field} is missing; add it"),
            Error::SerdeUnknownField { field, expected, .. } => {
                format!("field {field} is unknown; {}", choice(expected))
            }
            Error::SerdeUnknownVariant { expected, .. } => {
                format!("the value is unknown; {}", choice(expected))
            }
            Error::SerdeInvalidType { expected, .. } | Error::SerdeInvalidValue { expected, .. } => {
                format!("the value has the wrong form; write {}", form(expected))
            }
            Error::Unexpected { expected, .. } if expected_form(expected).is_some() => {
                format!("the value has the wrong form; write {}", expected_form(expected).unwrap_or_default())
            }
            Error::Eof { .. } => "the document is empty; write apiVersion, kind and spec".to_owned(),
            Error::MultipleDocuments { .. } => {
                "a second document begins here; write the policy as one document".to_owned()
            }
            _ => "this is not a valid policy document; write YAML with the fields and forms that the README shows"
                .to_owned(),
        };
        // Custom messages of the document's values begin like this, too.
        let field = field_before(text, line, column).or_else(|| field_at(text, line, column));
        let field = field.filter(|_| message.starts_with("the value "));
        let message = field.map_or(message.clone(), |field| format!("{field}: {message}"));
        Self { line, column, message }
    }
}

/// A form as users name it; the parser names the types of this program.
fn form(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a map" => "a mapping",
        "a string" => "a text",
        other if other.contains("struct") => "a mapping",
        other if other.contains("enum") || other.contains("variant") => "one of the names in the README",
        other => other,
    }
}

/// The form of a node that the parser expected; `None` if the YAML itself is wrong.
fn expected_form(expected: &str) -> Option<&'static str> {
    match expected {
        "sequence start" => Some("a list"),
        "mapping start" => Some("a mapping"),
        "scalar" | "string scalar" => Some("a text"),
        _ => None,
    }
}

fn choice(expected: &[&str]) -> String {
    match expected {
        [one] => format!("write {one}"),
        many => format!("write one of: {}", many.join(", ")),
    }
}

/// The number of bytes before this line and column.
fn offset_of(text: &str, line: u64, column: u64) -> Option<usize> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let before: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let rest = text.get(before..)?;
    let (offset, _) = rest.char_indices().nth(usize::try_from(column.checked_sub(1)?).ok()?)?;
    Some(before + offset)
}

/// The field that is at this line and column, before its value.
fn field_at(text: &str, line: u64, column: u64) -> Option<&str> {
    let rest = text.get(offset_of(text, line, column)?..)?;
    let (key, after) = rest.lines().next()?.split_once(':')?;
    let key = key.trim().trim_matches(['"', '\'']);
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    (!key.is_empty() && key.chars().all(is_name) && (after.is_empty() || after.starts_with(' '))).then_some(key)
}

/// The field whose value is at this line and column; `None` if the value is an element of a list.
fn field_before(text: &str, line: u64, column: u64) -> Option<&str> {
    let key = text.get(..offset_of(text, line, column)?)?.trim_end().strip_suffix(':')?;
    let name = key.rsplit(|letter: char| letter.is_whitespace() || "{,".contains(letter)).next()?;
    Some(name.trim_matches(['"', '\''])).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Date, rules};

    fn parse(spec: &str) -> Result<Policy, DocumentError> {
        Policy::parse(&format!(
            "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: default}}\nspec:\n{spec}\n"
        ))
    }

    #[test]
    fn every_field_is_read() {
        let policy = parse(
            "
  defaults: {clientId: 00000000-0000-0000-0000-00000000000a, minimumVersion: 2.12.0}
  namespaces:
    team-a:
      clientId: [00000000-0000-0000-0000-000000000001, 00000000-0000-0000-0000-000000000002]
      allowedSecrets: [orders-tracing]
      gatewayName: Orders of the shop
  images: [registry.example/apim/gateway]
  digests: {\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 2.11.1}
  rules: {rolling-version: off, missing-client-id: audit}
  controlledPods: enforce
  namespaceAnnotations: ignore
  exceptions:
  - {rule: missing-client-id, namespace: team-a, name: orders-*, reason: ' moves in May ', expires: 2027-05-31}
  - rule: '*'
    namespace: team-a
    name: dashboard
    reason: no gateway
    expires: 2027-01-01
  controllers: {argoproj.io: [a], apps.kruise.io: [a, b]}",
        )
        .unwrap();
        let other = policy.expectations("other", &BTreeMap::new());
        assert_eq!(other.client_ids, ["00000000-0000-0000-0000-00000000000a"]);
        assert_eq!(other.minimum_version, Version::new(2, 12, 0));
        let team = policy.expectations("team-a", &BTreeMap::new());
        assert_eq!(team.client_ids.len(), 2);
        assert_eq!(team.gateway_names, ["Orders of the shop"]);
        assert_eq!(team.allowed_secrets, ["orders-tracing"]);
        assert!(policy.images.is_gateway("registry.example/apim/gateway:1"));
        assert_eq!(policy.images.digests.len(), 1);
        assert_eq!(policy.mode(rules::find("rolling-version").unwrap()), Mode::Off);
        assert_eq!(policy.mode(rules::find("missing-client-id").unwrap()), Mode::Audit);
        assert_eq!(policy.controlled_pods, ControlledPods::Enforce);
        assert_eq!(policy.namespace_annotations, NamespaceAnnotations::Ignore);
        let [first, second] = policy.exceptions.as_slice() else { panic!("{:?}", policy.exceptions) };
        assert_eq!(
            (first.rule, first.name.as_str(), first.reason.as_str()),
            (Some("missing-client-id"), "orders-*", "moves in May")
        );
        assert_eq!((first.expires, first.line, first.column), (Date::constant(2027, 5, 31), 18, 5));
        assert_eq!((second.rule, second.line, second.column), (None, 19, 5));
    }

    #[test]
    fn a_document_without_spec_is_a_policy() {
        assert!(Policy::parse("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n").is_ok());
        assert!(parse("  {}").is_ok());
    }

    /// Asserts that a document with this spec has an error at this line, with these words and without a value.
    fn assert_error(spec: &str, line: u64, words: &str) {
        let error = parse(spec).err().unwrap();
        assert_eq!(error.line, line, "{spec}: {error}");
        assert!(error.message.contains(words), "{spec}: {error}");
        assert!(!error.message.to_lowercase().contains("canary"), "{spec}: {error}");
    }

    #[test]
    fn a_value_that_nothing_can_match_is_an_error() {
        for (spec, line, words) in [
            (
                "  defaults:\n    minimumVersion: 2.10.0",
                6,
                "minimumVersion: the value has the wrong form; write a version",
            ),
            ("  defaults:\n    minimumVersion: [2.12.0]", 6, "minimumVersion: the value has the wrong form"),
            ("  defaults:\n    serviceAccount: []", 6, "serviceAccount: there is no value"),
            ("  defaults:\n    serviceAccount:", 6, "serviceAccount: there is no value"),
            ("  defaults:\n    serviceAccount: Canary", 6, "serviceAccount: the value has the wrong form"),
            ("  defaults:\n    configMap: [a,\n      can/ary]", 7, "configMap: the value has the wrong form"),
            ("  defaults:\n    gatewayName: canary", 6, "field gatewayName cannot be a default"),
            ("  namespaces:\n    a: {gatewayName: =canary}", 6, "gatewayName: the value has the wrong form"),
            ("  namespaces:\n    Canary: {}", 6, "write the name of a namespace"),
            ("  namespaces:\n    a: {}\n    a.canary: {}", 7, "write the name of a namespace"),
            ("  namespaceAnnotations: canary", 5, "write one of: honor, ignore"),
        ] {
            assert_error(spec, line, words);
        }
    }

    #[test]
    fn an_incomplete_or_malformed_exception_is_an_error() {
        for (spec, line, words) in [
            (
                "  exceptions:\n  - {rule: '*', namespace: a, name: b, expires: 2027-01-01}",
                6,
                "field reason is missing",
            ),
            (
                "  exceptions:\n  - {rule: nothing, namespace: a, name: b, reason: c, expires: 2027-01-01}",
                6,
                "no rule nothing",
            ),
            (
                "  exceptions:\n  - {rule: '*', namespace: '*', name: b, reason: c, expires: 2027-01-01}",
                6,
                "of a namespace",
            ),
            (
                "  exceptions:\n  - {rule: '*', namespace: a, name: Canary, reason: c, expires: 2027-01-01}",
                6,
                "of an object",
            ),
            ("  exceptions:\n  - {rule: '*', namespace: a, name: b, reason: ' ', expires: 2027-01-01}", 6, "why"),
            (
                "  exceptions:\n  - {rule: '*', namespace: a, name: b, reason: c, expires: 20270101}",
                6,
                "a date such as",
            ),
            (
                "  exceptions:\n  - {rule: '*', namespace: a, name: b, reason: c, expires: 2027-02-30}",
                6,
                "a date such as",
            ),
            (
                "  exceptions:\n  - {rule: '*', namespace: a, name: b, reason: c, until: 2027-01-01}",
                6,
                "field until is unknown",
            ),
            ("  controllers: {apps: ['system:serviceaccount:canary:a']}", 5, "an API group with a dot"),
            ("  controllers: {canary-.io: [a]}", 5, "an API group with a dot"),
            ("  controllers: {argoproj.io: [a canary]}", 5, "the value has the wrong form; write a user name"),
        ] {
            assert_error(spec, line, words);
        }
    }

    #[test]
    fn an_error_has_a_position_and_quotes_no_value() {
        for (spec, line, words) in [
            ("  rules: {rolling-versions: audit}", 5, "rolling-version"),
            ("  rules: {rolling-version: never}", 5, "rolling-version: the value is unknown; write one of: "),
            ("  default: {}", 5, "field default is unknown"),
            ("  defaults: {clientID: x}", 5, "field clientID is unknown"),
            ("  defaults:\n    clientId: canary", 6, "clientId: the value has the wrong form; write a GUID"),
            ("  defaults:\n    clientId: [canary]", 6, "the value has the wrong form; write a GUID"),
            ("  defaults:\n    minimumVersion: 2.11", 6, "three numbers"),
            ("  defaults:\n    minimumVersion: 9223372036854775808.0.0", 6, "of up to 9 digits each"),
            ("  defaults:\n    minimumVersion: 99999999999999999999.0.0", 6, "of up to 9 digits each"),
            ("  images: [\"registry.example/canary:tag\"]", 5, "without tag"),
            ("  digests: {\"sha256:canary\": 2.11.1}", 5, "64"),
            ("  controlledPods: canary", 5, "controlledPods: the value is unknown; write one of: audit, enforce"),
            ("  images: []\n  images: []", 6, "occurs twice"),
        ] {
            assert_error(spec, line, words);
        }
        let kind = Policy::parse("apiVersion: apim-keyless.dev/v1alpha1\nkind: Policy\n").err().unwrap();
        assert_eq!(kind.to_string(), "2:7: kind: the value is unknown; write GatewayPolicy");
        for text in [
            "",
            "kind: GatewayPolicy",
            "apiVersion: v1\nkind: GatewayPolicy",
            "- a",
            "\ta: b",
            "a: [",
            "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n---\na: b",
        ] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }
}

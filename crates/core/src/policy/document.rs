//! The policy document: one YAML file. An unknown field is an error; every field of `spec` is optional.

use super::document_value::{Checked, Digest, Guid, Name, OneOrMany, RuleId};
use super::expectations::Layer;
use super::{ControlledPods, Mode, Policy};
use crate::gateway::{Images, Repository};
use semver::Version;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_saphyr::Error;
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
        let spec = document.spec.unwrap_or_default();
        Ok(Self {
            name: Some(document.metadata.name),
            images: Images {
                repositories: spec.images.into_iter().map(|repository| repository.0).collect(),
                digests: spec.digests.into_iter().map(|(digest, version)| (digest.0.0, version.0)).collect(),
            },
            controlled_pods: spec.controlled_pods,
            defaults: spec.defaults.layer(),
            namespaces: spec.namespaces.into_iter().map(|(name, expected)| (name, expected.layer())).collect(),
            modes: spec.rules.into_iter().map(|(rule, mode)| (rule.0, mode)).collect(),
        })
    }
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
    spec: Option<Spec>,
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Spec {
    defaults: Expected,
    namespaces: BTreeMap<String, Expected>,
    images: Vec<Checked<Repository>>,
    digests: BTreeMap<Checked<Digest>, Checked<Version>>,
    rules: BTreeMap<RuleId, Mode>,
    controlled_pods: ControlledPods,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Expected {
    client_id: OneOrMany<Guid>,
    tenant_id: OneOrMany<Guid>,
    service_account: OneOrMany<Name>,
    config_map: OneOrMany<Name>,
    gateway_name: OneOrMany<Name>,
    allowed_secrets: Vec<String>,
    minimum_version: Option<Checked<Version>>,
}

impl Expected {
    fn layer(self) -> Layer {
        let names = |names: OneOrMany<Name>| names.0.into_iter().map(|name| name.0).collect();
        let ids = |ids: OneOrMany<Guid>| ids.0.into_iter().map(|id| id.0).collect();
        Layer {
            client_ids: ids(self.client_id),
            tenant_ids: ids(self.tenant_id),
            service_accounts: names(self.service_account),
            config_maps: names(self.config_map),
            gateway_names: names(self.gateway_name),
            allowed_secrets: self.allowed_secrets,
            minimum_version: self.minimum_version.map(|version| version.0),
        }
    }
}

impl DocumentError {
    /// Builds a message from names of fields only, because the parser's own messages quote values.
    fn of(error: &Error, text: &str) -> Self {
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
                format!("the value has the wrong form; write {expected}")
            }
            Error::Eof { .. } => "the document is empty; write apiVersion, kind and spec".to_owned(),
            Error::MultipleDocuments { .. } => {
                "a second document begins here; write the policy as one document".to_owned()
            }
            _ => "this is not a valid policy document; write YAML with the fields and forms that the README shows"
                .to_owned(),
        };
        // Custom messages of the document's values begin like this, too.
        let field = field_before(text, line, column).filter(|_| message.starts_with("the value "));
        let message = field.map_or(message.clone(), |field| format!("{field}: {message}"));
        Self { line, column, message }
    }
}

fn choice(expected: &[&str]) -> String {
    match expected {
        [one] => format!("write {one}"),
        many => format!("write one of: {}", many.join(", ")),
    }
}

/// The field whose value is at this line and column; `None` if the value is an element of a list.
fn field_before(text: &str, line: u64, column: u64) -> Option<&str> {
    let index = usize::try_from(line.checked_sub(1)?).ok()?;
    let before: usize = text.split_inclusive('\n').take(index).map(str::len).sum();
    let rest = text.get(before..)?;
    let (offset, _) = rest.char_indices().nth(usize::try_from(column.checked_sub(1)?).ok()?)?;
    let key = text.get(..before + offset)?.trim_end().strip_suffix(':')?;
    let name = key.rsplit(|letter: char| letter.is_whitespace() || "{,".contains(letter)).next()?;
    Some(name.trim_matches(['"', '\''])).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::rules;

    fn parse(spec: &str) -> Result<Policy, DocumentError> {
        Policy::parse(&format!(
            "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: default}}\nspec:\n{spec}\n"
        ))
    }

    #[test]
    fn every_field_is_read() {
        let policy = parse(
            "
  defaults: {clientId: 00000000-0000-0000-0000-00000000000a, minimumVersion: 2.12.0, gatewayName: orders}
  namespaces:
    team-a:
      clientId: [00000000-0000-0000-0000-000000000001, 00000000-0000-0000-0000-000000000002]
      allowedSecrets: [orders-tracing]
  images: [registry.example/apim/gateway]
  digests: {\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\": 2.11.1}
  rules: {rolling-version: off, missing-client-id: audit}
  controlledPods: enforce",
        )
        .unwrap();
        let other = policy.expectations("other", &BTreeMap::new());
        assert_eq!(other.client_ids, ["00000000-0000-0000-0000-00000000000a"]);
        assert_eq!(other.minimum_version, Version::new(2, 12, 0));
        let team = policy.expectations("team-a", &BTreeMap::new());
        assert_eq!(team.client_ids.len(), 2);
        assert_eq!(team.gateway_names, ["orders"]);
        assert_eq!(team.allowed_secrets, ["orders-tracing"]);
        assert!(policy.images.is_gateway("registry.example/apim/gateway:1"));
        assert_eq!(policy.images.digests.len(), 1);
        assert_eq!(policy.mode(rules::find("rolling-version").unwrap()), Mode::Off);
        assert_eq!(policy.mode(rules::find("missing-client-id").unwrap()), Mode::Audit);
        assert_eq!(policy.controlled_pods, ControlledPods::Enforce);
    }

    #[test]
    fn a_document_without_spec_is_a_policy() {
        assert!(Policy::parse("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n").is_ok());
        assert!(parse("  {}").is_ok());
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
            ("  images: [\"registry.example/canary:tag\"]", 5, "without tag"),
            ("  digests: {\"sha256:canary\": 2.11.1}", 5, "64"),
            ("  controlledPods: canary", 5, "controlledPods: the value is unknown; write one of: audit, enforce"),
            ("  images: []\n  images: []", 6, "occurs twice"),
        ] {
            let error = parse(spec).err().unwrap();
            assert_eq!(error.line, line, "{spec}: {error}");
            assert!(error.message.contains(words), "{spec}: {error}");
            assert!(!error.message.contains("canary"), "{spec}: {error}");
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

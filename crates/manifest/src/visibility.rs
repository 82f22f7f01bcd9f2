//! Decides which scalars of a file a report may show: all but those that can bear a secret. In doubt a scalar is masked.

use apim_keyless_core::gateway::{AuthMethod, Setting};
use serde_json::Value;

/// Under these keys every value can be a secret, whatever its own key is: data of a Secret or of an unknown kind, and
/// commands. `data` of a `ConfigMap` is decided by its keys, and `value` of a variable by the variable's name.
const SECRET_KEYS: [&str; 6] = ["args", "binaryData", "command", "data", "stringData", "value"];

/// The values of these keys are names or fixed words, which messages show, too.
const NAME_KEYS: [&str; 9] = [
    "apiVersion",
    "generateName",
    "image",
    "kind",
    "name",
    "namespace",
    "prefix",
    "serviceAccount",
    "serviceAccountName",
];

/// Under these keys, `key` is the name of a key.
const KEY_SELECTORS: [&str; 8] = [
    "configMapKeyRef",
    "fileKeyRef",
    "items",
    "labelSelector",
    "matchExpressions",
    "secretKeyRef",
    "selector",
    "tolerations",
];

/// Keys that name a Secret or say something about a token, although a word of [`SECRET_WORDS`] is in them.
const REFERENCE_KEYS: [&str; 13] = [
    "automountServiceAccountToken",
    "configMapKeyRef",
    "fileKeyRef",
    "imagePullSecrets",
    "nodePublishSecretRef",
    "secret",
    "secretKeyRef",
    "secretName",
    "secretRef",
    "secrets",
    "serviceAccountToken",
    "topologyKey",
    "topologyKeys",
];

/// Words in the name of something secret, in lower case.
const SECRET_WORDS: [&str; 13] = [
    "apikey",
    "authorization",
    "connectionstring",
    "credential",
    "instrumentation",
    "key",
    "passphrase",
    "passwd",
    "password",
    "pwd",
    "secret",
    "signature",
    "token",
];

/// Keys of azure-workload-identity and of this project, whose values are ids, names and numbers.
const OUR_PREFIXES: [&str; 2] = ["azure.workload.identity/", "apim-keyless.dev/"];

/// Beginnings of the documented settings of the gateway that no rule reads, in lower case.
const OTHER_SETTINGS: [&str; 8] = [
    "certificates.local.",
    "config.service.",
    "k8s.ingress.",
    "neighborhood.",
    "net.",
    "policy.",
    "security.certificate-revocation.",
    "telemetry.",
];

/// Variables that azure-workload-identity injects.
const IDENTITY_VARIABLES: [&str; 4] =
    ["AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_TENANT_ID"];

/// Longest value that is shown, in bytes: a longer one can hold anything.
const SHOWN_BYTES: usize = 300;

/// What is known of a mapping before its members are read.
#[derive(Clone, Debug, Default)]
pub(super) struct MappingFacts {
    /// Whether its `kind` is `ConfigMap`.
    pub(super) is_config_map: bool,
    /// Its `name`, if it has a `value`.
    pub(super) name: Option<String>,
}

/// How the members of a mapping, or the elements of a sequence, are decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Members {
    /// By their keys.
    #[default]
    Open,
    /// As settings by their names.
    Settings,
    /// As annotations.
    Annotations,
    /// All are masked.
    Masked,
}

/// The keys above a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeyContext<'a> {
    key: Option<&'a str>,
    /// The key of the mapping or sequence that contains it.
    parent: Option<&'a str>,
    /// How the value itself is decided.
    as_member: Members,
    /// How its members are decided.
    members: Members,
    /// The name of the variable whose value it is.
    variable: Option<&'a str>,
}

impl<'a> KeyContext<'a> {
    /// The context of the member `key` of a mapping in this context.
    pub(super) fn member(self, facts: &'a MappingFacts, key: &'a str) -> Self {
        let members = match (self.members, key) {
            (Members::Open, "data") if facts.is_config_map => Members::Settings,
            (Members::Open, "annotations") => Members::Annotations,
            (Members::Open, key) if !SECRET_KEYS.contains(&key) && !is_secret_name(key) => Members::Open,
            _ => Members::Masked,
        };
        let variable = facts.name.as_deref().filter(|_| key == "value");
        Self { key: Some(key), parent: self.key.or(self.parent), as_member: self.members, members, variable }
    }

    /// The context of the elements of a sequence in this context.
    pub(super) fn element(self) -> Self {
        let members = if self.members == Members::Open { Members::Open } else { Members::Masked };
        Self { key: None, parent: self.key.or(self.parent), as_member: members, members, variable: None }
    }

    /// Whether a scalar in this context may be shown.
    pub(super) fn shows(self, value: &Value) -> bool {
        let text = match value {
            Value::String(text) => text.as_str(),
            Value::Number(_) => "0",
            _ => "",
        };
        let key = self.key.unwrap_or_default();
        match self.as_member {
            Members::Masked => false,
            Members::Settings => shows_setting(key, text),
            Members::Annotations => {
                // people write anything into the annotations of their own tools
                OUR_PREFIXES.iter().any(|prefix| key.starts_with(prefix)) && !bears_secret(text)
            }
            Members::Open => match (self.variable, self.key) {
                (Some(variable), _) => shows_setting(variable, text),
                (None, Some(key)) if NAME_KEYS.contains(&key) => !looks_like_key(text) || key == "image",
                (None, Some("key")) => self.parent.is_some_and(|parent| KEY_SELECTORS.contains(&parent)),
                // of a mapping it is a reference; as a text, a value of Microsoft's chart
                (None, Some("secret" | "secrets")) => false,
                (None, Some(key)) if SECRET_KEYS.contains(&key) => false,
                (None, Some(key)) if is_secret_name(key) && !value.is_boolean() && !value.is_null() => false,
                _ => !bears_secret(text),
            },
        }
    }
}

/// Whether the name of a field, an annotation or a setting says that its value is secret.
pub(super) fn is_secret_name(name: &str) -> bool {
    if REFERENCE_KEYS.contains(&name) || OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return false;
    }
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| letters.contains(word))
}

/// Whether the value `text` of a setting or a variable of this name may be shown. Variables of applications are not known,
/// so they may not.
fn shows_setting(name: &str, text: &str) -> bool {
    match Setting::of(name) {
        Some(Setting::AuthKey | Setting::ClientSecret) => false,
        Some(Setting::Auth) => match AuthMethod::of(Setting::Auth, text) {
            AuthMethod::Empty | AuthMethod::EntraApp | AuthMethod::Misspelled | AuthMethod::WorkloadIdentity => true,
            // the name of the method with an auth key, in Microsoft's article about tokens
            _ => text.trim() == "key",
        },
        Some(_) => !bears_secret(text),
        None if IDENTITY_VARIABLES.contains(&name) => !bears_secret(text),
        None => {
            let lower = name.to_ascii_lowercase();
            OTHER_SETTINGS.iter().any(|beginning| lower.starts_with(beginning))
                && !is_secret_name(name)
                && !bears_secret(text)
        }
    }
}

/// Whether a value can bear a secret whatever its name is: it is long, has several lines, holds credentials of a URL, or
/// looks like a key.
pub(super) fn bears_secret(text: &str) -> bool {
    let is_harmless_query = |query: &str| query.strip_prefix("api-version=").is_some_and(|rest| !rest.contains('&'));
    let has_credentials = text.split_once("://").is_some_and(|(_, rest)| {
        rest.contains('@') || rest.split_once('?').is_some_and(|(_, query)| !is_harmless_query(query))
    });
    let has_password = text
        .split_once('@')
        .is_some_and(|(before, after)| before.contains(':') && !before.contains('/') && !after.starts_with("sha256:"));
    has_password || text.len() > SHOWN_BYTES || text.contains(['\n', '\r']) || has_credentials || looks_like_key(text)
}

/// Beginnings and names in keys and connection strings, in lower case.
const KEY_MARKS: [&str; 11] = [
    "-----begin",
    "accountkey=",
    "bearer ",
    "gatewaykey",
    "instrumentationkey",
    "password=",
    "pwd=",
    "secret=",
    "sharedaccess",
    "sig=",
    "token=",
];

/// Least length of base64 or hexadecimal digits that look like a key.
const KEY_LENGTH: usize = 20;
/// Least length of a part of them, between `/` and `.`, with letters of both cases and digits.
const KEY_PART_LENGTH: usize = 12;

/// Whether a text has the form of a key: a token of API Management, a JWT, a connection string, or 20 characters or more
/// of base64 or hexadecimal digits that no words are.
pub(super) fn looks_like_key(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if KEY_MARKS.iter().any(|mark| lower.contains(mark)) || text.split('.').any(|part| part.starts_with("eyJ")) {
        return true;
    }
    let is_digit = |letter: char| letter.is_ascii_alphanumeric() || "+/=_-~.".contains(letter);
    let runs = text.split(|letter: char| !is_digit(letter)).filter(|run| run.len() >= KEY_LENGTH);
    // names in Kubernetes are in lower case, so letters of both cases and digits without `/` and `.` are no name
    let is_mixed_case = |part: &str| {
        let has = |class: fn(&u8) -> bool| part.bytes().any(|byte| class(&byte));
        let has_all = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit);
        part.len() >= KEY_PART_LENGTH && has_all
    };
    let is_random = |part: &str| {
        let has = |class: fn(&u8) -> bool| part.bytes().any(|byte| class(&byte));
        // a name of several words changes its case twice a word, random letters at every other letter
        let letters = part.as_bytes().windows(2);
        let changes = letters.filter(|pair| matches!(pair, [a, b] if a.is_ascii_uppercase() != b.is_ascii_uppercase()));
        let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        part.len() >= KEY_LENGTH && (is_mixed || changes.count() * 4 >= part.len())
    };
    runs.flat_map(|run| run.split(['/', '.']))
        .any(|part| is_mixed_case(part) || part.split(['_', '-', '~', '=', '+']).any(is_random))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the scalar at the end of these keys is shown; `-` is an element of a sequence.
    fn shown_value(keys: &[&str], facts: &MappingFacts, value: &Value) -> bool {
        let member = |context: KeyContext<'static>, key: &&str| {
            let (facts, key): (&'static MappingFacts, &'static str) =
                (Box::leak(Box::new(facts.clone())), Box::leak((*key).to_owned().into_boxed_str()));
            if key == "-" { context.element() } else { context.member(facts, key) }
        };
        keys.iter().fold(KeyContext::default(), member).shows(value)
    }

    fn shown(keys: &[&str], text: &str) -> bool {
        shown_value(keys, &MappingFacts::default(), &Value::from(text))
    }

    fn setting(name: &str, text: &str) -> bool {
        let config_map = MappingFacts { is_config_map: true, name: None };
        let in_config_map = shown_value(&["data", name], &config_map, &Value::from(text));
        let variable = MappingFacts { name: Some(name.to_owned()), ..MappingFacts::default() };
        let in_env = shown_value(&["spec", "containers", "-", "env", "-", "value"], &variable, &Value::from(text));
        assert_eq!(in_config_map, in_env, "{name}: {text}");
        in_env
    }

    #[test]
    fn ordinary_values_are_shown() {
        for (keys, text) in [
            (&["kind"][..], "Deployment"),
            (&["spec", "containers", "-", "env", "-", "name"], "config.service.auth"),
            (&["spec", "containers", "-", "env", "-", "valueFrom", "secretKeyRef", "key"], "value"),
            (&["metadata", "labels", "azure.workload.identity/use"], "false"),
            (&["metadata", "labels", "helm.sh/chart"], "azure-api-management-gateway-1.15.0"),
            (&["metadata", "annotations", "azure.workload.identity/client-id"], "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"),
            (&["metadata", "annotations", "azure.workload.identity/service-account-token-expiration"], "60"),
            (&["spec", "strategy", "type"], "RollingUpdate"),
            (&["spec", "affinity", "topologyKey"], "kubernetes.io/hostname"),
            (&["spec", "volumes", "-", "secret", "secretName"], "orders-token"),
            (&["spec", "imagePullSecrets", "-", "name"], "registry"),
            (&["spec", "automountServiceAccountToken"], "false"),
            (&["spec", "finalizers", "-"], "example.com/protect"),
            (&["spec", "policyName"], "requiredDuringSchedulingIgnoredDuringExecution"),
        ] {
            assert!(shown(keys, text), "{keys:?}: {text}");
        }
        for value in [Value::from(3), Value::from(true), Value::Null] {
            assert!(shown_value(&["spec", "replicas"], &MappingFacts::default(), &value), "{value}");
        }
    }

    #[test]
    fn values_under_secret_keys_are_masked() {
        for key in SECRET_KEYS {
            for keys in [
                &[key][..],
                &[key, "name"],
                &["items", "-", key, "deep", "image"],
                &[key, "-", "name"],
                &[key, "-"],
                &[key, "azure.workload.identity/use"],
            ] {
                assert!(!shown(keys, "hunter2"), "{keys:?}");
            }
        }
        for keys in [
            &["spec", "values", "gateway", "auth", "key"][..],
            &["spec", "credentials", "user"],
            &["spec", "password"],
            &["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"],
            &["metadata", "annotations", "team"],
            &["metadata", "annotations", "example.com/api-token"],
        ] {
            assert!(!shown(keys, "hunter2"), "{keys:?}");
        }
        assert!(!shown_value(&["spec", "password"], &MappingFacts::default(), &Value::from(1234)));
        assert!(!shown(&["metadata", "annotations", "a"], "{\"password\": \"hunter2\"}"));
    }

    #[test]
    fn settings_are_shown_if_their_values_are_known_to_be_harmless() {
        for (name, text) in [
            ("config.service.auth", "WorkloadIdentity"),
            ("CONFIG__SERVICE__AUTH", "azureAdApp"),
            ("config.service.auth", ""),
            ("config.service.auth", "key"),
            ("config.service.endpoint", "contoso.configuration.azure-api.net"),
            (
                "config.service.endpoint",
                "https://a.management.azure-api.net/subscriptions/7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10/resourceGroups/rg1/providers/Microsoft.ApiManagement/service/a?api-version=2019-12-01",
            ),
            ("config.service.auth.tokenAudience", "https://azure-api.net/configuration"),
            ("gateway.name", "orders"),
            ("telemetry.logs.std", "text"),
            ("AZURE_CLIENT_ID", "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"),
        ] {
            assert!(setting(name, text), "{name}: {text}");
        }
        for (name, text) in [
            ("config.service.auth", "hunter2"),
            ("config.service.auth", "GatewayKey orders&2026&c2ln"),
            ("config.service.auth.key", "hunter2"),
            ("config.service.auth.azureAd.clientSecret", "hunter2"),
            ("config.service.endpoint", "https://gw:hunter2@contoso.configuration.azure-api.net"),
            ("config.service.endpoint", "https://contoso.configuration.azure-api.net?code=hunter2"),
            ("gateway.name", "bmV2ZXIgc2hvdyB0aGlzMTIz"),
            ("telemetry.metrics.password", "hunter2"),
            ("SPRING_DATASOURCE_URL", "hunter2"),
            ("note", "hunter2"),
        ] {
            assert!(!setting(name, text), "{name}: {text}");
        }
    }

    #[test]
    fn what_looks_like_a_key_is_masked_everywhere() {
        for text in [
            "GatewayKey orders&202601010000&c2lnbmF0dXJl",
            "SharedAccessSignature uid=a",
            "eyJhbGciOiJSUzI1NiJ9.e30.x",
            "3Kx8Q~bCdEfGhIjKlMnOpQrStUvWxYz.~_",
            "bmV2ZXIgc2hvdyB0aGlzMTIz",
            "aGVsbG8rd29ybGQ/aGVsbG8rd29ybGQ",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
            "InstrumentationKey=7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
            "QzabcdQzefghQzijklQzmnop",
            "prefix-QzabcdQzefghQzijklQz12op",
        ] {
            assert!(!shown(&["spec", "note"], text) && !shown(&["metadata", "labels", "a"], text), "{text}");
            assert!(!setting("config.service.endpoint", text), "{text}");
        }
    }
}

//! The JSON schema of the policy document, for editors and CI. It is made from the tables that the parser uses, so that
//! both have the same fields, rules and forms.

use super::namespace_setting::NamespaceSetting;
use super::rules::RULES;
use serde_json::{Map, Value, json};

/// The JSON schema (draft 2020-12) of the policy document. It accepts every valid document, and a few that
/// [`Policy::parse`](super::Policy::parse) rejects: a regular expression does not know every date and version.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://apim-keyless.dev/schemas/policy-v1alpha1.schema.json",
        "title": "Policy document of apim-keyless, v1alpha1",
        "description": "What the self-hosted gateways of each namespace should look like.",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"const": "apim-keyless.dev/v1alpha1"},
            "kind": {"const": "GatewayPolicy"},
            "metadata": {
                "description": "Metadata as of any Kubernetes object; only the name is used, in logs.",
                "type": "object",
                "additionalProperties": false,
                "properties": {"name": {"type": "string"}, "labels": {}, "annotations": {}},
            },
            "spec": {"anyOf": [spec(), {"type": "null"}]},
        },
        "$defs": definitions(),
    })
}

#[allow(clippy::too_many_lines, reason = "a table with one entry for each field")]
fn spec() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "defaults": {
                "description": "What is expected in every namespace. Its own entry and its annotations precede this.",
                "$ref": "#/$defs/defaults",
            },
            "namespaces": {
                "description": "What is expected in one namespace, by its name. It precedes annotations and defaults.",
                "type": "object",
                "propertyNames": {"$ref": "#/$defs/namespace"},
                "additionalProperties": {"$ref": "#/$defs/expectations"},
            },
            "images": {
                "description": "Further image repositories of the gateway, without tag and digest.",
                "type": "array",
                "items": {"type": "string", "pattern": REPOSITORY},
            },
            "digests": {
                "description": "The version of the gateway that an image digest has.",
                "type": "object",
                "additionalProperties": false,
                "patternProperties": {"^sha256:[0-9a-f]{64}$": {"$ref": "#/$defs/version"}},
            },
            "rules": {
                "description": "The mode of a rule, in place of its default.",
                "type": "object",
                "additionalProperties": false,
                "properties": rules(),
            },
            "controlledPods": {
                "description": "Whether Pods, ReplicaSets and Jobs of a controller can be denied. Default: audit.",
                "enum": ["audit", "enforce"],
            },
            "controllers": {
                "description": "The users who create Pods, ReplicaSets and so on for owners of another API group.",
                "type": "object",
                "propertyNames": {
                    "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)+$",
                },
                "additionalProperties": {"type": "array", "items": {"type": "string", "pattern": "^\\S+$"}},
            },
            "namespaceAnnotations": {
                "description": "Whether annotations of a Namespace set what is expected in it. Default: honor.",
                "enum": ["honor", "ignore"],
            },
            "exceptions": {
                "description": "Rules that are in audit for some objects until a date.",
                "type": "array",
                "items": {"$ref": "#/$defs/exception"},
            },
        },
    })
}

/// An optional registry and a path, without tag and digest.
const REPOSITORY: &str = "^([A-Za-z0-9.-]+(:[0-9]+)?/|\\[[0-9a-fA-F:]+\\](:[0-9]+)?/)?\
                          [a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$";

/// A property for each rule, with its summary: the third line of its page.
fn rules() -> Value {
    let property = |rule: &&super::Rule| {
        let summary = rule.page.lines().nth(2).unwrap_or_default();
        let description = format!("{summary} Default: {}.", rule.mode);
        (rule.id.to_owned(), json!({"description": description, "$ref": "#/$defs/mode"}))
    };
    Value::Object(RULES.iter().map(property).collect())
}

fn definitions() -> Value {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).chain(["*"]).collect();
    json!({
        "mode": {"enum": ["off", "audit", "enforce"]},
        "namespace": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63},
        "version": {
            "type": "string",
            "pattern": "^[0-9]+[.][0-9]+[.][0-9]+(-[0-9A-Za-z.-]+)?([+][0-9A-Za-z.-]+)?$",
        },
        "defaults": expectations(NamespaceSetting::can_be_default),
        "expectations": expectations(|_| true),
        "exception": {
            "type": "object",
            "additionalProperties": false,
            "required": ["rule", "namespace", "name", "reason", "expires"],
            "properties": {
                "rule": {"description": "The id of a rule, or * for every rule.", "enum": ids},
                "namespace": {"$ref": "#/$defs/namespace"},
                "name": {
                    "description": "The name of objects; * stands for any characters.",
                    "type": "string", "pattern": "^[a-z0-9.*-]+$", "maxLength": 253,
                },
                "reason": {"description": "Why the exception is necessary.", "type": "string", "pattern": "\\S"},
                "expires": {
                    "description": "The last day on which it applies, in UTC, such as 2027-01-31.",
                    "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
                },
            },
        },
    })
}

/// What is expected in a namespace, of these settings.
fn expectations(is_allowed: impl Fn(NamespaceSetting) -> bool) -> Value {
    let settings = NamespaceSetting::all().iter().copied().filter(|setting| is_allowed(*setting));
    let properties: Map<String, Value> = settings.map(|setting| (setting.field().to_owned(), value(setting))).collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

/// The value of a setting: one, or a list of them.
fn value(setting: NamespaceSetting) -> Value {
    let form = setting.form();
    let mut one = Map::from_iter([("type".to_owned(), json!("string")), ("pattern".to_owned(), json!(form.pattern))]);
    one.extend(form.max_length.map(|longest| ("maxLength".to_owned(), json!(longest))));
    let description = json!(format!("{} Form: {}.", description(setting), form.description));
    if setting.can_be_list() {
        let list = json!({"type": "array", "minItems": 1, "items": one});
        json!({"description": description, "anyOf": [one, list]})
    } else {
        one.insert("description".to_owned(), description);
        Value::Object(one)
    }
}

fn description(setting: NamespaceSetting) -> &'static str {
    match setting {
        NamespaceSetting::AllowedSecrets => "Secrets that a gateway may reference by envFrom.",
        NamespaceSetting::ClientId => "Client ids that ServiceAccounts of gateways may have.",
        NamespaceSetting::ConfigMap => "ConfigMaps of gateways.",
        NamespaceSetting::GatewayName => "Names of gateway resources in API Management.",
        NamespaceSetting::MinimumVersion => "The oldest allowed image version.",
        NamespaceSetting::ServiceAccount => "ServiceAccounts that gateways may run under.",
        NamespaceSetting::TenantId => "Tenant ids of ServiceAccounts.",
    }
}

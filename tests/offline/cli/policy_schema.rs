//! The schemas that `schema` prints are the published ones, and the schema of the policy accepts what the parser accepts.

use apim_keyless_core::policy::{NamespaceSetting, Policy, rules::RULES, schema};
use jsonschema::Validator;
use serde_json::{Value, json};
use std::fs;
use test_support::run::Folder;

const PUBLISHED: &str = "docs/schemas/policy-v1alpha1.schema.json";

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

/// A document with this spec.
fn document(spec: &Value) -> Value {
    json!({"apiVersion": "apim-keyless.dev/v1alpha1", "kind": "GatewayPolicy", "metadata": {"name": "a"}, "spec": spec})
}

#[test]
fn the_printed_schemas_are_the_published_ones() {
    let folder = Folder::with(&[]);
    let plan = "docs/schemas/plan-v1.schema.json";
    for (name, path) in [("plan", plan), ("policy", PUBLISHED), ("report", "docs/schemas/report-v1.schema.json")] {
        let ran = folder.run(&["schema", name]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        let published = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(ran.stdout, published, "write it: apim-keyless schema {name} > {path}");
        let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(jsonschema::meta::is_valid(&schema));
        assert!(schema["$id"].as_str().unwrap().ends_with(path.rsplit('/').next().unwrap()));
    }
    let ran = folder.run(&["schema", "values"]);
    assert!(ran.code == 2 && ran.stderr.contains("[possible values: plan, policy, report]"), "{}", ran.stderr);
}

#[test]
fn real_documents_fit_the_schema() {
    let readme = fs::read_to_string("README.md").unwrap();
    let mut texts: Vec<String> = vec![fs::read_to_string("deploy/policy.yaml").unwrap()];
    let pages = fs::read_dir("docs/rules").unwrap().map(|page| fs::read_to_string(page.unwrap().path()).unwrap());
    for page in pages.chain([readme]) {
        let blocks = page.split("```yaml").skip(1).filter_map(|part| part.split("```").next());
        let documents = blocks.filter_map(|block| Some(block.split_once('\n')?.1.to_owned()));
        texts.extend(documents.filter(|text| text.contains("kind: GatewayPolicy")));
    }
    assert!(texts.len() > 10, "only {} documents", texts.len());
    let validator = validator();
    for text in texts {
        Policy::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let value: Value = serde_saphyr::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_field_rule_and_setting_is_in_the_schema() {
    let schema = schema();
    let of = |pointer: &str| -> Vec<String> {
        let fields = schema.pointer(pointer).and_then(Value::as_object).unwrap();
        fields.keys().cloned().collect()
    };
    // the parser lists the fields that it knows
    let error =
        Policy::parse("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec: {x: 1}\n").err().unwrap();
    let (_, known) = error.message.split_once("write one of: ").unwrap();
    let mut known: Vec<String> = known.split(", ").map(str::to_owned).collect();
    known.sort();
    assert_eq!(of("/properties/spec/anyOf/0/properties"), known);
    let rules: Vec<String> = RULES.iter().map(|rule| rule.id.to_owned()).collect();
    assert_eq!(of("/properties/spec/anyOf/0/properties/rules/properties"), rules);
    let settings: Vec<String> = NamespaceSetting::all().iter().map(|setting| setting.field().to_owned()).collect();
    assert_eq!(of("/$defs/expectations/properties"), settings);
}

/// A spec, and whether it is valid.
#[allow(clippy::too_many_lines, reason = "a list of specs")]
fn specs() -> Vec<(Value, bool)> {
    let guid = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
    let digest = format!("sha256:{}", "a".repeat(64));
    let exception = |changed: Value| {
        let mut one = json!({"rule": "*", "namespace": "a", "name": "b-*", "reason": "c", "expires": "2027-01-31"});
        one.as_object_mut().unwrap().extend(changed.as_object().unwrap().clone());
        json!({"exceptions": [one]})
    };
    let defaults = |value: Value| json!({"defaults": value});
    let mut specs = vec![
        (json!({}), true),
        (json!({"x": 1}), false),
        (json!({"namespaces": {"a": {"gatewayName": "Orders of the shop"}}}), true),
        (json!({"namespaces": {"Team_A": {}}}), false),
        (json!({"namespaces": {"a".repeat(64): {}}}), false),
        (json!({"namespaces": {"a": {"x": 1}}}), false),
        (json!({"images": ["registry.example/apim/gateway", "localhost:5000/a", "a/b", "[::1]:5000/a"]}), true),
        (json!({"images": ["registry.example/apim/gateway:v2"]}), false),
        (json!({"images": "registry.example/a"}), false),
        (json!({"digests": {digest.clone(): "2.11.1"}}), true),
        (json!({"digests": {digest: "2.11"}}), false),
        (json!({"digests": {"sha256:a": "2.11.1"}}), false),
        (json!({"rules": {"rolling-version": "never"}}), false),
        (json!({"rules": {"rolling-versions": "off"}}), false),
        (json!({"rules": {"rolling-version": false}}), false),
        (json!({"controlledPods": "audit", "namespaceAnnotations": "ignore"}), true),
        (json!({"controlledPods": "off"}), false),
        (json!({"namespaceAnnotations": "off"}), false),
        (json!({"controllers": {"argoproj.io": ["system:serviceaccount:a:b"]}}), true),
        (json!({"controllers": {"apps": ["a"]}}), false),
        (json!({"controllers": {"argoproj.io": ["a b"]}}), false),
        (exception(json!({})), true),
        (exception(json!({"rule": "rolling-version"})), true),
        (exception(json!({"rule": "nothing"})), false),
        (exception(json!({"namespace": "*"})), false),
        (exception(json!({"name": "B"})), false),
        (exception(json!({"reason": " "})), false),
        (exception(json!({"expires": "20270131"})), false),
        (exception(json!({"until": 1})), false),
        (json!({"exceptions": [{"rule": "*"}]}), false),
        (defaults(json!({"clientId": guid, "tenantId": [guid, guid]})), true),
        (defaults(json!({"gatewayName": "a"})), false),
        (defaults(json!({"clientId": "a"})), false),
        (defaults(json!({"clientId": []})), false),
        (defaults(json!({"clientId": null})), false),
        (defaults(json!({"serviceAccount": "Orders"})), false),
        (defaults(json!({"configMap": "a".repeat(254)})), false),
    ];
    for (version, is_valid) in [
        ("2.11.0", true),
        ("2.12.0-beta", true),
        ("3.0.0", true),
        ("10.1.0+1", true),
        ("2.10.9", false),
        ("2.11", false),
        ("1.0.0", false),
        ("v2.11.0", false),
    ] {
        specs.push((defaults(json!({"minimumVersion": version})), is_valid));
    }
    specs.push((defaults(json!({"minimumVersion": ["2.11.0"]})), false));
    specs.extend(["off", "audit", "enforce"].map(|mode| (json!({"rules": {"rolling-version": mode}}), true)));
    specs
}

#[test]
fn the_schema_and_the_parser_agree() {
    let validator = validator();
    for (spec, is_valid) in specs() {
        let value = document(&spec);
        assert_eq!(validator.is_valid(&value), is_valid, "the schema: {spec}");
        assert_eq!(Policy::parse(&value.to_string()).is_ok(), is_valid, "the parser: {spec}");
    }
    for (change, value) in [("/kind", json!("Policy")), ("/apiVersion", json!("v1")), ("/metadata", json!({"x": 1}))] {
        let mut changed = document(&json!({}));
        *changed.pointer_mut(change).unwrap() = value;
        assert!(!validator.is_valid(&changed) && Policy::parse(&changed.to_string()).is_err(), "{change}");
    }
}

#[test]
fn the_examples_name_the_schema_for_editors() {
    for path in ["deploy/policy.yaml", "README.md"] {
        let text = fs::read_to_string(path).unwrap();
        let (_, reference) = text.split_once("# yaml-language-server: $schema=").unwrap();
        let reference = reference.lines().next().unwrap();
        let folder = std::path::Path::new(path).parent().unwrap();
        assert_eq!(folder.join(reference).canonicalize().unwrap(), fs::canonicalize(PUBLISHED).unwrap(), "{path}");
    }
}

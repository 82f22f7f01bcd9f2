//! Reviews that an attacker forges to learn the values of `ConfigMap`s in the cache. Any Pod that reaches the port can send
//! them, for any namespace.

use apim_keyless::admission::{Endpoint, MessageOptions, Request, answer};
use apim_keyless_core::gateway::{ConfigMap, Coverage, RelatedObjects};
use apim_keyless_core::policy::Policy;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use test_support::TODAY;
use test_support::gateways::{POLICY, valid, with_container};

use super::attempt::Attempt;

/// Values of which each group looks alike to a rule under the setting's own name: what an attacker may learn is the
/// group.
const GROUPS: [(&str, &[&str]); 3] = [
    (
        "config.service.auth",
        &[
            "GatewayKey a&1&b",
            "GatewayKey orders&202601010000&c2lnbmF0dXJl",
            "/var/run/secrets/key/0123456789012345678901",
        ],
    ),
    ("config.service.auth", &["key", "certificate", "/run/key"]),
    (
        "config.service.endpoint",
        &["https://a.configuration.azure-api.net", "https://orders-in-a-long-name.configuration.azure-api.net"],
    ),
];

/// Containers that try to show a value of `ConfigMap` `apim-gateway-env` by what is found then.
fn probes(key: &str) -> Vec<Value> {
    let reference = format!("$({key})");
    let by_key =
        |name: &str| json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": "apim-gateway-env", "key": key}}});
    let texts = (0..60)
        .step_by(4)
        .map(|length| json!({"name": "config.service.auth", "value": "x".repeat(length) + &reference}));
    let names = [
        "config.service.auth",
        "config.service.auth.key",
        "config.service.endpoint",
        "gateway.name",
        "k8s.ingress.enabled",
        "X",
    ];
    let mut entries: Vec<Vec<Value>> = texts.map(|entry| vec![entry]).collect();
    for name in names {
        entries.push(vec![json!({"name": name, "value": reference})]);
        entries.push(vec![json!({"name": name, "value": reference.repeat(40)})]);
        entries.push(vec![json!({"name": name, "value": format!("/{reference}")})]);
        entries.push(vec![by_key("X"), json!({"name": name, "value": "$(X)"})]);
        if name.split('.').take(3).ne(key.split('.').take(3)) || key.ends_with("endpoint") {
            entries.push(vec![by_key(name)]);
        }
    }
    let mounts: Vec<Value> = GROUPS
        .iter()
        .flat_map(|(_, values)| values.iter())
        .flat_map(|value| {
            [json!({"name": "secret", "mountPath": value}), json!({"name": "secret", "mountPath": format!("/{value}")})]
        })
        .collect();
    let container = |env: Vec<Value>| {
        json!({"name": "gateway", "image": "mcr.microsoft.com/azure-api-management/gateway:2.11.1",
            "envFrom": [{"configMapRef": {"name": "apim-gateway-env"}}], "env": env, "volumeMounts": mounts})
    };
    entries.into_iter().map(container).collect()
}

/// The responses of all endpoints to a forged review, in a namespace with this `ConfigMap` in the cache.
fn responses(policy: &Policy, review: &str, key: &str, value: &str) -> Vec<String> {
    let mut related = RelatedObjects::default();
    related.coverage = Coverage::Complete;
    let data = BTreeMap::from([(key.to_owned(), value.to_owned())]);
    related.put_config_map(ConfigMap::for_cache("apim-gateway-env".to_owned(), data, []));
    let request = Request::read(review.as_bytes()).unwrap();
    let respond = |endpoint| {
        let answer = answer(policy, &related, &MessageOptions::default(), endpoint, &request, TODAY);
        String::from_utf8(answer.response.to_review()).unwrap()
    };
    Endpoint::ALL.into_iter().map(respond).collect()
}

#[test]
fn b2_a_forged_review_shows_no_length_and_no_part_of_a_cached_value() {
    let policy = Policy::parse(POLICY).unwrap();
    let mut compared = 0;
    for (key, values) in GROUPS {
        for probe in probes(key) {
            let mut object = with_container("Deployment", "containers", probe.clone());
            object["spec"]["template"]["spec"]["volumes"] = json!([{"name": "secret", "secret": {"secretName": "a"}}]);
            let review = Attempt::new(&object).review().to_string();
            let mut all = values.iter().map(|value| responses(&policy, &review, key, value));
            let first = all.next().unwrap();
            assert!(all.all(|responses| responses == first), "{key}: {probe}");
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
    // the attempt itself is real: another group gives another response
    let review = Attempt::new(&valid("Deployment")).review().to_string();
    let of = |value| responses(&policy, &review, "config.service.auth", value);
    assert_ne!(of("GatewayKey a&1&b"), of("workloadIdentity"));
}

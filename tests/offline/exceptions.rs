//! Exceptions of the policy document, through the validating webhook.

use apim_keyless::admission::{Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, ObjectView, RelatedObjects};
use apim_keyless_core::policy::{Mode, Policy};
use serde_json::{Value, json};
use test_support::TODAY;
use test_support::gateways::valid;

const ENV: &str = "apim-gateway-env";

/// Whether a Deployment that takes a ConfigMap with a key is denied under this exception.
fn is_denied(rule: &str, name: &str) -> bool {
    let policy = Policy::parse(&format!(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {{name: tests}}\nspec:\n  \
         exceptions: [{{rule: {rule}, namespace: apim, name: {name}, reason: tests, expires: 2999-12-31}}]\n"
    ))
    .unwrap();
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ENV, "namespace": "apim"},
        "data": {
            "config.service.endpoint": "contoso.configuration.azure-api.net", "gateway.name": "orders",
            "config.service.auth": "GatewayKey orders&202601010000&bm90IGEga2V5",
        },
    });
    let mut related = RelatedObjects::default();
    related.coverage = Coverage::Complete;
    let config_map = KubernetesObject::recognize(config_map.to_string(), "apim").unwrap().unwrap();
    if let ObjectView::ConfigMap(config_map) = config_map.view {
        related.put_config_map(config_map);
    }
    let review = review(&valid("Deployment"));
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let request = Request::read(review.as_bytes()).unwrap();
    !answer(&policy, &related, &MessageOptions::default(), endpoint, &request, TODAY).response.allowed
}

fn review(object: &Value) -> String {
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "a", "operation": "CREATE", "userInfo": {}, "namespace": "apim",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"}, "object": object,
    }})
    .to_string()
}

#[test]
fn an_exception_for_a_config_map_also_holds_where_a_workload_takes_it() {
    let name = valid("Deployment")["metadata"]["name"].as_str().unwrap().to_owned();
    assert_ne!(name, ENV);
    for excepted in [ENV, "apim-*", &name] {
        assert!(!is_denied("auth-key-literal", excepted), "{excepted}");
    }
    assert!(!is_denied("'*'", ENV));
    assert!(is_denied("auth-key-literal", "other-env"));
    assert!(is_denied("auth-key-reference", ENV));
}

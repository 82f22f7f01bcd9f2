//! The auth setting in other spellings, and keys that reach it by other routes.

use super::attempt::Attempt;
use serde_json::{Value, json};
use test_support::gateways::{auth_key_env, merged, valid, valid_container, with_container};
use test_support::key_sources::{KEY, routes, spellings};

fn with_env(env: &Value) -> Value {
    with_container("Deployment", "containers", merged(valid_container(), json!({"env": env})))
}

#[test]
fn b5_denies_every_route_of_a_key() {
    let routes = routes();
    assert!(routes.len() > 40, "{}", routes.len());
    for route in routes {
        assert_eq!(Attempt::new(&route.workload).denied_by(), [route.rule], "{}", route.workload);
    }
}

#[test]
fn b5_denies_a_key_in_a_config_map_by_every_reference_to_it() {
    let harmless_key = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": {
        "auth": KEY, "token": KEY, "config.service.auth": "workloadIdentity", "first": "GatewayKey ",
    }});
    let reference = |key: &str| json!({"configMapKeyRef": {"name": "texts", "key": key}});
    let source = |prefix: &str| json!({"prefix": prefix, "configMapRef": {"name": "texts"}});
    let of_env = |env: Value| merged(valid_container(), json!({"env": env}));
    let of_source = |from: Value| merged(valid_container(), json!({"envFrom": from}));
    let containers = [
        of_env(json!([{"name": "config.service.auth", "valueFrom": reference("token")}])),
        of_env(
            json!([{"name": "T", "valueFrom": reference("token")}, {"name": "config.service.auth", "value": "$(T)"}]),
        ),
        of_env(
            json!([{"name": "T", "valueFrom": reference("first")}, {"name": "config.service.auth", "value": "$(T)x"}]),
        ),
        of_source(json!([source("config.service.")])),
        of_source(json!([source("CONFIG__SERVICE__")])),
        of_source(json!([source("config.service."), source("")])),
        merged(
            of_source(json!([{"configMapRef": {"name": "orders-env"}}, source("T_")])),
            json!({"env": [{"name": "config.service.auth", "value": "$(T_token)"}]}),
        ),
    ];
    for container in containers {
        let object = with_container("Deployment", "containers", container);
        let denied_by = Attempt::new(&object).with_related(std::slice::from_ref(&harmless_key)).denied_by();
        assert_eq!(denied_by, ["auth-key-literal"], "{object}");
    }
}

#[test]
fn b6_every_spelling_of_the_auth_setting_is_recognized() {
    let spellings = spellings();
    assert!(spellings.len() >= 60, "{}", spellings.len());
    for name in &spellings {
        let reference = merged(auth_key_env(), json!({"name": name}));
        assert_eq!(Attempt::new(&with_env(&json!([reference]))).denied_by(), ["auth-key-reference"], "{name}");
        let literal = json!([{"name": name, "value": KEY}]);
        assert_eq!(Attempt::new(&with_env(&literal)).denied_by(), ["auth-key-literal"], "{name}");
        let config_map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "any"}, "data": {name: KEY}});
        assert!(Attempt::new(&config_map).denied_by().contains(&"auth-key-literal"), "{name}");
    }
}

#[test]
fn b6_a_gateway_of_another_image_is_recognized_by_every_spelling() {
    for name in spellings() {
        let container = json!({"name": "a", "image": "registry.example/other:1", "env": [merged(auth_key_env(), json!({"name": name}))]});
        let object = with_container("Pod", "containers", container);
        assert!(Attempt::new(&object).denied_by().contains(&"auth-key-reference"), "{name}");
    }
}

#[test]
fn b6_another_setting_is_not_the_auth_setting() {
    assert_eq!(Attempt::new(&valid("Deployment")).denied_by(), Vec::<&str>::new());
    for name in [
        "config_service_auth",
        "config.service.authx",
        "xconfig.service.auth",
        "config.serviceauth",
        "config.service.aut",
    ] {
        let object = with_env(&json!([merged(auth_key_env(), json!({"name": name}))]));
        assert_eq!(Attempt::new(&object).denied_by(), Vec::<&str>::new(), "{name}");
    }
}

//! The auth setting under another name, and by another route.

use crate::attempt::Attempt;
use crate::gateways::{key, merged, right, right_container, with_container};
use crate::routes::{KEY, routes, spellings};
use serde_json::{Value, json};

fn with_env(env: &Value) -> Value {
    with_container("Deployment", "containers", merged(right_container(), json!({"env": env})))
}

#[test]
fn b5_every_route_of_a_key_is_seen() {
    let routes = routes();
    assert!(routes.len() > 40, "{}", routes.len());
    for route in routes {
        assert_eq!(Attempt::new(&route.workload).refused(), [route.rule], "{}", route.workload);
    }
}

#[test]
fn b5_a_key_that_stands_beside_is_seen_by_every_way_to_it() {
    let harmless_key = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "texts"}, "data": {
        "auth": KEY, "token": KEY, "config.service.auth": "workloadIdentity", "first": "GatewayKey ",
    }});
    let reference = |key: &str| json!({"configMapKeyRef": {"name": "texts", "key": key}});
    let source = |prefix: &str| json!({"prefix": prefix, "configMapRef": {"name": "texts"}});
    let of_env = |env: Value| merged(right_container(), json!({"env": env}));
    let of_source = |from: Value| merged(right_container(), json!({"envFrom": from}));
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
            of_source(json!([source("T_")])),
            json!({"env": [{"name": "config.service.auth", "value": "$(T_token)"}]}),
        ),
    ];
    for container in containers {
        let object = with_container("Deployment", "containers", container);
        let refused = Attempt::new(&object).beside(std::slice::from_ref(&harmless_key)).refused();
        assert_eq!(refused, ["auth-key-literal"], "{object}");
    }
}

#[test]
fn b6_every_spelling_of_the_auth_setting_is_one() {
    let spellings = spellings();
    assert!(spellings.len() >= 60, "{}", spellings.len());
    for name in &spellings {
        let reference = merged(key(), json!({"name": name}));
        assert_eq!(Attempt::new(&with_env(&json!([reference]))).refused(), ["auth-key-reference"], "{name}");
        let literal = json!([{"name": name, "value": KEY}]);
        assert_eq!(Attempt::new(&with_env(&literal)).refused(), ["auth-key-literal"], "{name}");
        let config_map =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "any"}, "data": {name: KEY}});
        assert!(Attempt::new(&config_map).refused().contains(&"auth-key-literal"), "{name}");
    }
}

#[test]
fn b6_no_spelling_hides_a_gateway_of_another_image() {
    for name in spellings() {
        let container =
            json!({"name": "a", "image": "registry.example/other:1", "env": [merged(key(), json!({"name": name}))]});
        let object = with_container("Pod", "containers", container);
        assert!(Attempt::new(&object).refused().contains(&"auth-key-reference"), "{name}");
    }
}

#[test]
fn b6_what_is_another_setting_is_no_auth() {
    assert_eq!(Attempt::new(&right("Deployment")).refused(), Vec::<&str>::new());
    for name in [
        "config_service_auth",
        "config.service.authx",
        "xconfig.service.auth",
        "config.serviceauth",
        "config.service.aut",
    ] {
        let object = with_env(&json!([merged(key(), json!({"name": name}))]));
        assert_eq!(Attempt::new(&object).refused(), Vec::<&str>::new(), "{name}");
    }
}

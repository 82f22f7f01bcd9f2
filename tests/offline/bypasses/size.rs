//! Reviews that are deep, wide or long. These tests also show, by ending, that none of them hangs or overflows the
//! stack.

use super::attempt::{Attempt, Outcome, outcome};
use apim_keyless::admission::routes::BODY_BYTES;
use serde_json::{Value, json};
use test_support::gateways::{auth_key_env, container_with_auth_key, merged, template, valid, with_container};

fn deployment_with_auth_key() -> Value {
    with_container("Deployment", "containers", container_with_auth_key())
}

#[test]
fn b22_denies_a_key_at_any_nesting_depth() {
    for depth in [1, 10, 100, 120, 125, 127, 128, 129, 200, 1_000, 10_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let deep = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let body = Attempt::new(&deployment_with_auth_key()).review().to_string();
            for place in [
                "\"request\":{",
                "\"object\":{",
                "\"metadata\":{",
                "\"spec\":{",
                "\"labels\":{",
                "\"template\":{",
                "\"env\":[{",
                "\"secretKeyRef\":{",
            ] {
                assert!(body.contains(place), "{place}");
                let body = body.replacen(place, &format!("{place}\"future\":{deep},"), 1);
                assert!(outcome(body.as_bytes()) != Outcome::Allowed, "{depth} {place}");
            }
            let unclosed = body.replacen("\"object\":{", &format!("\"object\":{}", open.repeat(depth)), 1);
            assert_eq!(outcome(unclosed.as_bytes()), Outcome::ReviewError, "{depth}");
        }
    }
}

#[test]
fn b22_denies_a_key_among_many_members() {
    let many = 20_000;
    let texts = |prefix: &str| (0..many).map(|index| (format!("{prefix}{index}"), json!("x"))).collect::<Value>();
    let in_template = |at: &str, member: &str, value: Value| {
        let mut object = deployment_with_auth_key();
        let there = template(&mut object).pointer_mut(at).unwrap();
        there[member] = value;
        object
    };
    let mut env: Vec<Value> = (0..many).map(|index| json!({"name": format!("v{index}"), "value": "x"})).collect();
    env.push(auth_key_env());
    let mut variables = deployment_with_auth_key();
    template(&mut variables)["spec"]["containers"][0]["env"] = Value::Array(env);
    let mut containers = deployment_with_auth_key();
    let others = (0..many / 2).map(|index| json!({"name": format!("c{index}")}));
    template(&mut containers)["spec"]["containers"] =
        others.chain([template(&mut deployment_with_auth_key())["spec"]["containers"][0].clone()]).collect();
    let args: Value = (0..200_000).map(|_| json!("x")).collect();
    let volumes: Value = (0..many).map(|index| json!({"name": format!("v{index}"), "emptyDir": {}})).collect();
    for object in [
        variables,
        containers,
        in_template("/spec/containers/0", "args", args),
        in_template("/spec", "volumes", volumes),
    ] {
        assert_eq!(Attempt::new(&object).denied_by(), ["too-large-to-evaluate"]);
    }
    for object in [
        in_template("/metadata", "annotations", texts("a")),
        in_template("/metadata", "labels", merged(texts("l"), json!({"azure.workload.identity/use": "true"}))),
        merged(deployment_with_auth_key(), json!({"futureField": texts("f")})),
    ] {
        assert_eq!(Attempt::new(&object).denied_by(), ["auth-key-reference"]);
    }
}

#[test]
fn b22_denies_a_key_next_to_long_texts() {
    let long = "x".repeat(4 * 1024 * 1024);
    let with = |container: Value, keys: Value| {
        let mut object = with_container("Deployment", "containers", merged(container_with_auth_key(), container));
        let labels = template(&mut object)["metadata"]["labels"].take();
        template(&mut object)["metadata"]["labels"] = merged(labels, keys);
        object
    };
    let nothing = || json!({});
    for object in [
        with(json!({"name": long}), nothing()),
        with(json!({"image": format!("{long}/azure-api-management/gateway:2.11.1")}), nothing()),
        with(json!({"image": format!("mcr.microsoft.com/azure-api-management/gateway:{long}")}), nothing()),
        with(json!({"env": [auth_key_env(), {"name": "A", "value": "$(".repeat(2_000_000)}]}), nothing()),
        with(json!({"env": [auth_key_env(), {"name": long, "value": "a"}]}), nothing()),
    ] {
        assert_eq!(Attempt::new(&object).denied_by(), ["too-large-to-evaluate"]);
    }
    for object in [
        with(
            json!({"env": [auth_key_env(), {"name": "A", "value": long}, {"name": "B", "value": "$(A)$(A)$(A)"}]}),
            nothing(),
        ),
        with(nothing(), json!({long.clone(): "x"})),
        with(nothing(), json!({format!("azure.workload.identity/{long}"): "x"})),
        with(nothing(), json!({format!("azure-workload-identity/{}", "use".repeat(1_000_000)): "x"})),
    ] {
        assert_eq!(Attempt::new(&object).denied_by(), ["auth-key-reference"]);
    }
}

#[test]
fn b22_denies_a_gateway_with_a_long_annotation_that_would_be_split() {
    let with = |names: &str| {
        let mut object = valid("Deployment");
        let annotations = json!({"azure.workload.identity/skip-containers": names});
        template(&mut object)["metadata"]["annotations"] = annotations;
        object
    };
    assert_eq!(Attempt::new(&with(&"a;".repeat(2048))).denied_by(), Vec::<&str>::new());
    assert_eq!(Attempt::new(&with(&"a;".repeat(2049))).denied_by(), ["too-large-to-evaluate"]);
}

#[test]
fn b22_denies_long_values_of_a_config_map() {
    let with = |setting: &str, text: &str| {
        let data = json!({
            "gateway.name": "orders",
            "config.service.endpoint": "contoso.configuration.azure-api.net",
            "config.service.auth": "workloadIdentity",
        });
        let data = merged(data, json!({setting: text}));
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "orders-env"}, "data": data})
    };
    for text in [" ".repeat(1025), format!("workloadIdentity{}", " ".repeat(1025)), "\u{200b}".repeat(342)] {
        let object = with("config.service.auth", &text);
        assert_eq!(Attempt::new(&object).denied_by(), ["auth-key-literal"], "{text:.20}");
    }
    let whitespace = with("config.service.auth", &" ".repeat(1024));
    assert!(!Attempt::new(&whitespace).denied_by().contains(&"auth-key-literal"));
    let endpoint =
        with("config.service.endpoint", &format!("contoso.configuration.azure-api.net/{}", "a".repeat(1024)));
    assert_eq!(Attempt::new(&endpoint).denied_by(), ["malformed-endpoint"]);
}

#[test]
fn b22_many_containers_do_not_slow_down_a_pod_update() {
    let pod = |image: &str, count: usize| {
        let mut pod = valid("Pod");
        let many = (0..count).map(|index| json!({"name": format!("c{index}"), "image": image}));
        pod["spec"]["containers"] = many.collect();
        pod
    };
    let many = pod("a", 40_000);
    assert_eq!(Attempt::new(&many).updating(&many).denied_by(), Vec::<&str>::new());
    let wrong = |count| pod("mcr.microsoft.com/azure-api-management/gateway:1", count);
    let denied_by = |count| Attempt::new(&wrong(count)).updating(&many).denied_by();
    assert_eq!(denied_by(16), ["missing-configuration-reference", "unsupported-version"]);
    assert_eq!(denied_by(400), ["too-large-to-evaluate"]);
}

#[test]
fn b22_the_longest_body_is_evaluated() {
    let mut object = deployment_with_auth_key();
    let rest = BODY_BYTES as usize - Attempt::new(&object).review().to_string().len() - "\"note\":\"\",".len();
    object["metadata"]["note"] = json!("n".repeat(rest));
    let body = Attempt::new(&object).review().to_string();
    assert_eq!(body.len(), BODY_BYTES as usize);
    assert_eq!(outcome(body.as_bytes()), Outcome::Denied(vec!["auth-key-reference"]));
}

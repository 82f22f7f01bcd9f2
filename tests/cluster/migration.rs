//! The migration of Microsoft's article over a gateway that is older than the enforcement of its namespace, in every
//! order of its writes. What is denied once passes after the object that the denial names was applied.

use crate::related::until_enforced;
use serde_json::{Value, json};
use test_support::webhook::balancer::Balancer;
use test_support::webhook::objects::{ARTICLE, BARE, all_authored, authored, one};
use test_support::webhook::old_gateways::{KEY, OldGateways, apply_dry, until_warned};
use test_support::webhook::tcp_proxy::Traffic;
use test_support::webhook::{Response, User, Webhook, documents, eventually, print_to_stderr};

const STRATEGIC: &str = "application/strategic-merge-patch+json";
/// The denial of a Deployment whose ConfigMap still holds the key.
const ORDER: &str = "\napply ConfigMap \"apim-gateway-env\" first, then this object\n";

/// Where the old gateway takes its key from.
#[derive(Clone, Copy, Debug)]
enum KeyIn {
    ConfigMap,
    Secret,
}

/// The objects of the gateway before the migration.
fn old(key: KeyIn) -> Vec<Value> {
    let (mut config_map, mut deployment) = (one(ARTICLE, "ConfigMap"), one(BARE, "Deployment"));
    let data = config_map["data"].as_object_mut().unwrap();
    let container = &mut deployment["spec"]["template"]["spec"]["containers"][0];
    container["envFrom"] = json!([{"configMapRef": {"name": "apim-gateway-env"}}]);
    let mut objects = Vec::new();
    match key {
        KeyIn::ConfigMap => {
            data.insert("config.service.auth".to_owned(), json!(KEY));
        }
        KeyIn::Secret => {
            data.remove("config.service.auth");
            let secret_key = json!({"name": "orders-token", "key": "value"});
            container["env"] = json!([{"name": "config.service.auth", "valueFrom": {"secretKeyRef": secret_key}}]);
            objects.push(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "orders-token"},
                                "stringData": {"value": KEY}}));
        }
    }
    objects.extend([config_map, deployment]);
    objects
}

/// A user of a namespace in which the old gateway stands since before enforcement.
async fn with_old_gateway(webhook: &Webhook, namespace: &str, key: KeyIn) -> User {
    let user = webhook.user(namespace, None).await;
    for object in old(key) {
        user.server_side_apply(&object).await.stored();
    }
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_enforced(&user).await;
    if matches!(key, KeyIn::ConfigMap) {
        until_warned(&user, &one(ARTICLE, "Deployment"), "auth-key-literal").await;
    }
    user
}

/// The objects of this file in the order in which Flux applies them (`ssa/sort.go` of github.com/fluxcd/pkg). Helm and
/// Argo CD have the same order for these kinds.
fn in_order_of_flux(yaml: &str) -> [Value; 3] {
    ["ServiceAccount", "ConfigMap", "Deployment"].map(|kind| one(yaml, kind))
}

/// Applies the article's objects as `kubectl apply -f` does: in the order of the file, and on after a failure.
async fn apply_file(user: &User) -> Vec<Response> {
    let mut responses = Vec::new();
    for object in documents(ARTICLE) {
        responses.push(user.server_side_apply(&object).await);
    }
    responses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_before_its_config_map_is_denied_once() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = with_old_gateway(webhook, "migration-config-map", KeyIn::ConfigMap).await;
    check_deployment_first(&user).await;
    // the old Deployment has no key of its own, so it is the ConfigMap that decided
    let user = with_old_gateway(webhook, "migration-secret", KeyIn::Secret).await;
    apply_file(&user).await.into_iter().for_each(|response| _ = response.stored());
}

/// Applies the file twice: first the Deployment is denied, because its ConfigMap stands after it, then nothing.
async fn check_deployment_first(user: &User) {
    let [account, deployment, config_map]: [Response; 3] = apply_file(user).await.try_into().unwrap();
    account.stored();
    let message = deployment.denied(&["auth-key-literal"]);
    assert!(message.contains(ORDER), "{message}");
    config_map.stored();
    apply_file(user).await.into_iter().for_each(|response| _ = response.stored());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_of_another_client_is_applied_first() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = webhook.user("migration-account", None).await;
    let mut account = one(ARTICLE, "ServiceAccount");
    account["metadata"]["annotations"]["azure.workload.identity/client-id"] =
        json!("00000000-1111-2222-3333-444444444444");
    user.server_side_apply(&account).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_enforced(&user).await;
    let deployment = one(ARTICLE, "Deployment");
    until_warned(&user, &deployment, "unexpected-client-id").await;
    let message = user.server_side_apply(&deployment).await.denied(&["unexpected-client-id"]);
    let order = "\napply ServiceAccount \"apim-gateway-workload-identity\" first, then this object\n";
    assert!(message.contains(order), "{message}");
    for object in in_order_of_flux(ARTICLE) {
        user.server_side_apply(&object).await.stored();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_is_denied_until_the_config_map_has_no_key() {
    let Some(webhook) = Webhook::shared() else { return };
    let user = with_old_gateway(webhook, "migration-restart", KeyIn::ConfigMap).await;
    let deployment = one(ARTICLE, "Deployment");
    let restart = async |time: &str| {
        let annotations = json!({"kubectl.kubernetes.io/restartedAt": time});
        let patch = json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
        user.patch_with(&deployment, STRATEGIC, &patch).await
    };
    let message = restart("2026-01-01T00:00:00Z").await.denied(&["auth-key-literal"]);
    assert!(message.contains(ORDER), "{message}");
    // what is not a change of the template passes
    user.patch(&deployment, "/scale", &json!({"spec": {"replicas": 2}})).await.stored();
    user.server_side_apply(&one(ARTICLE, "ConfigMap")).await.stored();
    user.server_side_apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    restart("2026-01-01T00:00:01Z").await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn flux_is_denied_nothing() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    for (namespace, key, yaml) in [
        ("flux-config-map", KeyIn::ConfigMap, ARTICLE),
        ("flux-secret", KeyIn::Secret, ARTICLE),
        ("flux-config-map-bare", KeyIn::ConfigMap, BARE),
        ("flux-secret-bare", KeyIn::Secret, BARE),
    ] {
        let user = with_old_gateway(webhook, namespace, key).await;
        check_flux(&user, &old(key), &in_order_of_flux(yaml)).await;
    }
}

/// Flux dry-runs all objects, then applies those that differ from what is stored.
async fn check_flux(user: &User, old: &[Value], new: &[Value]) {
    let namespace = &user.namespace;
    let before = all_authored(user, old).await;
    for object in new {
        let response = apply_dry(user, object).await;
        assert!(response.status < 300, "{namespace} {}", response.body);
    }
    assert_eq!(all_authored(user, old).await, before, "{namespace}: a dry run stored something");
    for object in new {
        user.server_side_apply(object).await.stored();
    }
    // from now on nothing differs, so Flux applies nothing
    let stored = all_authored(user, new).await;
    for (object, stored) in new.iter().zip(stored) {
        let would_be = authored(&apply_dry(user, object).await.stored());
        assert_eq!(would_be, stored, "{namespace}: the next dry run differs");
    }
}

/// The event of a review that waits for the watch.
const WAITS: &str = "waits before a denial that rests on a related object";
/// How many ConfigMaps lose their key while the watch is late.
const LATE: usize = 15;
/// How many lose it while the watch is as fast as it is.
const USUAL: usize = 85;

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_just_after_its_config_map_is_never_denied() {
    let Some(webhook) = Webhook::of_test("late-watch", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let old = OldGateways::write(&webhook, "late-watch", LATE + USUAL).await;
    let (late, usual) = old.migrated.split_at(LATE);
    check_late(&webhook, &old, late).await;
    for [config_map, deployment] in usual {
        old.remove_key(config_map).await;
        old.user.apply(deployment).await.stored();
    }
    let waited = webhook.count(WAITS);
    let count = old.migrated.len();
    print_to_stderr(&format!("{count} Deployments just after their ConfigMaps, {waited} waited for the watch"));
}

/// The watch stands still until the review of every Deployment waits for it.
async fn check_late(webhook: &Webhook, old: &OldGateways, pairs: &[[Value; 2]]) {
    webhook.tcp_proxy.set(Traffic::Held);
    for [config_map, _] in pairs {
        old.remove_key(config_map).await;
    }
    let before = webhook.count(WAITS);
    let forward = async {
        eventually("every Deployment waits", || async { (webhook.count(WAITS) == before + pairs.len()).then_some(()) })
            .await;
        webhook.tcp_proxy.set(Traffic::Forwarded);
    };
    let created = futures::future::join_all(pairs.iter().map(|[_, deployment]| old.user.apply(deployment)));
    let (responses, ()) = tokio::join!(created, forward);
    for response in responses {
        response.stored();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_decide_alike() {
    let Some(webhook) = Webhook::of_test("three-replicas", |_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    // the API server asks any of them
    let (balancer, mut replicas) = (Balancer::start(), Vec::new());
    for _ in 0..3 {
        let replica = webhook.replica(&[]).await;
        replica.wait_until_ready();
        balancer.add(replica.port);
        replicas.push(replica);
    }
    webhook.redirect_to(balancer.port).await;
    for namespace in ["three-replicas-0", "three-replicas-1", "three-replicas-2"] {
        let user = with_old_gateway(&webhook, namespace, KeyIn::ConfigMap).await;
        // only its ConfigMap shows that this is a gateway, so an unavailable webhook would not stop it
        let mut mirrored = one(ARTICLE, "Deployment");
        mirrored["metadata"]["name"] = json!("mirrored");
        mirrored["spec"]["template"]["spec"]["containers"][0]["image"] = json!("registry.example/mirror:1");
        user.apply(&mirrored).await.denied(&["auth-key-literal"]);
        check_deployment_first(&user).await;
        user.apply(&mirrored).await.stored();
    }
}

//! What the policy of `--guard` protects.

use super::{generated, install};
use serde_json::{Value, json};
use test_support::webhook::{User, Webhook, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_lets_only_named_users_change_what_turns_enforcement_off() {
    let Some(webhook) = Webhook::alone_without_controllers(|_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let administrator = webhook.user("shop", Some("enforce")).await;
    install(&administrator, &generated(&["vap", "--guard", "--user", "platform", "--group", "operators"])).await;
    let (team, platform) = (administrator.impersonating("team"), administrator.impersonating("platform"));
    let mode = |mode: &str| json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}});
    eventually("the guard", || async {
        let response = team.patch_namespace(&mode("off")).await;
        platform.patch_namespace(&mode("enforce")).await.stored();
        (response.status == 403).then_some(())
    })
    .await;
    for change in [
        json!({"labels": {"apim-keyless.dev/mode": null}}),
        json!({"annotations": {"apim-keyless.dev/client-id": "a"}}),
    ] {
        assert_eq!(team.patch_namespace(&json!({"metadata": change})).await.status, 403, "{change}");
    }
    let status = "/api/v1/namespaces/shop/status";
    assert_eq!(team.patch_at(status, &mode("off")).await.status, 403);
    team.patch_namespace(&json!({"metadata": {"labels": {"team": "shop"}, "annotations": {"a": "b"}}})).await.stored();
    platform.patch_namespace(&mode("audit")).await.stored();
    administrator.impersonating_member("anna", "operators").patch_namespace(&mode("off")).await.stored();
    assert_eq!(administrator.impersonating_member("anna", "team").patch_namespace(&mode("audit")).await.status, 403);
    let namespace = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "new-", "labels": labels}});
    team.post("/api/v1/namespaces", &namespace(json!({"team": "shop"}))).await.stored();
    let created = team.post("/api/v1/namespaces", &namespace(json!({"apim-keyless.dev/mode": "off"}))).await;
    assert_eq!(created.status, 403, "{}", created.body);
    deletion(&team, &platform, &namespace(json!({"apim-keyless.dev/mode": "enforce"}))).await;
    // our configurations: nobody else changes or deletes them, and the webhook still writes the caBundles
    let bundles = webhook.ca_bundles().await;
    for path in webhook.configurations() {
        assert_eq!(team.patch_at(&path, &json!({"metadata": {"labels": {"a": "b"}}})).await.status, 403);
        assert_eq!(team.remove(&path).await.status, 403);
        let collection = path.strip_suffix("/apim-keyless").unwrap();
        assert_eq!(team.remove(collection).await.status, 403);
        let mut configuration = platform.get(&path).await.stored();
        for entry in configuration["webhooks"].as_array_mut().unwrap() {
            entry["clientConfig"].as_object_mut().unwrap().remove("caBundle");
        }
        platform.put(&path, &configuration).await.stored();
    }
    eventually("the caBundles are repaired", || async { (webhook.ca_bundles().await == bundles).then_some(()) }).await;
    let account = administrator.impersonating("system:serviceaccount:apim-keyless:apim-keyless");
    for path in webhook.configurations() {
        let mut configuration = administrator.get(&path).await.stored();
        configuration["webhooks"][0]["failurePolicy"] = json!("Ignore");
        configuration["webhooks"][0]["timeoutSeconds"] = json!(1);
        assert_eq!(account.put(&path, &configuration).await.status, 403);
    }
    policy_document(&webhook.in_own_namespace()).await;
}

/// Everyone who may create Namespaces can create one without the label, so the deletion of one is not guarded.
async fn deletion(team: &User, platform: &User, enforced: &Value) {
    let created = platform.post("/api/v1/namespaces", enforced).await.stored();
    let name = created["metadata"]["name"].as_str().unwrap();
    team.remove(&format!("/api/v1/namespaces/{name}")).await.stored();
}

/// Only the named user changes the policy document.
async fn policy_document(user: &User) {
    let (team, platform) = (user.impersonating("team"), user.impersonating("platform"));
    let map =
        |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}});
    assert_eq!(team.apply(&map("apim-keyless-policy")).await.status, 403);
    team.apply(&map("other")).await.stored();
    platform.apply(&map("apim-keyless-policy")).await.stored();
    assert_eq!(team.delete(&map("apim-keyless-policy")).await.status, 403);
    let collector = user.impersonating("system:serviceaccount:kube-system:namespace-controller");
    collector.delete(&map("apim-keyless-policy")).await.stored();
}

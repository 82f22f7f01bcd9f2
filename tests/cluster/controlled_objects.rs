//! What the workload controllers make is never mutated: a controller that finds its object changed makes another one,
//! again and again. Whether it is denied depends on `controlledPods`.

use crate::related::until_enforced;
use serde_json::{Value, json};
use test_support::gateways::{container_with_auth_key, template, valid, with_container};
use test_support::helm::Helm;
use test_support::webhook::objects::{ARTICLE, one};
use test_support::webhook::{POLICY, User, Webhook, eventually, not_run};

/// The label of its Pods and the ServiceAccount are missing, which a fix could set.
fn bare() -> Value {
    let mut bare = valid("Deployment");
    bare["metadata"]["name"] = json!("bare");
    bare["spec"]["selector"] = json!({"matchLabels": {"app": "bare"}});
    template(&mut bare)["metadata"]["labels"] = json!({"app": "bare"});
    template(&mut bare)["spec"]["serviceAccountName"] = json!(null);
    bare
}

fn with_key() -> Value {
    with_container("Deployment", "containers", container_with_auth_key())
}

async fn replica_sets(user: &User, app: &str) -> Vec<Value> {
    let path = format!("/apis/apps/v1/namespaces/{}/replicasets?labelSelector=app%3D{app}", user.namespace);
    user.list(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_replica_set_of_an_old_gateway_is_made_once_at_most() {
    let (Some(helm), Some(audit)) = (Helm::shared(), Webhook::shared()) else { return };
    if !audit.control_plane.has_controllers() {
        return not_run("there is no kube-controller-manager");
    }
    let _logs = audit.control_plane.show_logs_on_panic();
    let policy = format!("{POLICY}  controlledPods: enforce\n");
    let Some(enforce) = Webhook::of_test_with_policy("controlled", &policy) else { return };
    enforce.register_instead(&helm.template(&["policy.controlledPods=\"enforce\""]).success()).await;
    for (webhook, policy) in [(audit, "audit"), (&enforce, "enforce")] {
        for mode in ["enforce", "audit"] {
            let user = webhook.user(&format!("controlled-{policy}-{mode}"), None).await;
            user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
            let is_denied = policy == "enforce" && mode == "enforce";
            check(webhook, &user, mode, is_denied).await;
        }
    }
}

async fn check(webhook: &Webhook, user: &User, mode: &str, is_denied: bool) {
    for (app, deployment) in [("bare", bare()), ("gateway", with_key())] {
        user.apply(&deployment).await.stored();
        eventually("a ReplicaSet", || async { replica_sets(user, app).await.pop() }).await;
    }
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}})).await.stored();
    if mode == "enforce" {
        until_enforced(user).await;
    } else {
        eventually("the audit", || async {
            (!user.apply_with(&bare(), "?dryRun=All").await.warnings.is_empty()).then_some(())
        })
        .await;
    }
    for (app, deployment) in [("bare", bare()), ("gateway", with_key())] {
        let old = replica_sets(user, app).await.remove(0);
        user.delete(&merged_kind(&old)).await.stored();
        if is_denied {
            // the controller asks again, and is denied again
            eventually("two denials", || async {
                assert_eq!(replica_sets(user, app).await.len(), 0, "{} {app}", user.namespace);
                (denials(webhook, user, app) > 1).then_some(())
            })
            .await;
        } else {
            eventually("a new ReplicaSet", || async {
                let uid = &old["metadata"]["uid"];
                replica_sets(user, app).await.into_iter().find(|now| now["metadata"]["uid"] != *uid)
            })
            .await;
            // the controller has then seen its ReplicaSet, and would have made another one
            settle(user, &deployment).await;
        }
        let now = replica_sets(user, app).await;
        assert_eq!(now.len(), usize::from(!is_denied), "{} {app}: {now:#?}", user.namespace);
        for replica_set in &now {
            assert!(
                replica_set["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"].is_null()
                    || app != "bare"
            );
        }
    }
}

/// A listed object has no apiVersion and kind.
fn merged_kind(replica_set: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": replica_set["metadata"]["name"]}})
}

/// How many ReplicaSets of this application were denied in the user's namespace.
fn denials(webhook: &Webhook, user: &User, app: &str) -> usize {
    let is_denied = |event: &Value| {
        let name = event["name"].as_str().unwrap_or_default();
        event["kind"] == "ReplicaSet" && event["decision"] == "denied" && name.starts_with(app)
    };
    webhook.events(&user.namespace).iter().filter(|event| is_denied(event)).count()
}

/// Scales the Deployment twice, and waits each time until its controller has done it.
async fn settle(user: &User, deployment: &Value) {
    for replicas in [2, 3] {
        let scaled = user.patch(deployment, "", &json!({"spec": {"replicas": replicas}})).await.stored();
        eventually("the Deployment's controller", || async {
            let now = user.read(deployment).await.stored();
            let is_done = now["status"]["observedGeneration"].as_u64() >= scaled["metadata"]["generation"].as_u64();
            (is_done && now["status"]["replicas"] == replicas).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controlled_object_that_a_user_writes_is_evaluated_and_not_mutated() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("controlled-by-user", Some("enforce")).await;
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    for (kind, of_kind) in [("ReplicaSet", "Deployment"), ("Pod", "ReplicaSet")] {
        let owned = |mut object: Value| {
            object["metadata"]["ownerReferences"] = json!([{
                "apiVersion": "apps/v1", "kind": of_kind, "name": "gateway", "controller": true,
                "uid": "00000000-0000-0000-0000-00000000000c",
            }]);
            object
        };
        let with_key = owned(with_container(kind, "containers", container_with_auth_key()));
        user.apply_with(&with_key, "?dryRun=All").await.denied(&["auth-key-reference"]);
        let mut unlabeled = owned(valid(kind));
        template(&mut unlabeled)["metadata"]["labels"] = json!({"app": "gateway"});
        user.apply_with(&unlabeled, "?dryRun=All").await.denied(&["missing-identity-label"]);
        let valid = owned(valid(kind));
        let mut stored = user.apply_with(&valid, "?dryRun=All").await.stored();
        assert_eq!(template(&mut stored)["metadata"]["labels"], template(&mut valid.clone())["metadata"]["labels"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_starts_a_job_of_a_cron_job_from_before_enforcement() {
    let Some(webhook) = Webhook::shared() else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let user = webhook.user("controlled-job", None).await;
    user.apply(&one(ARTICLE, "ServiceAccount")).await.stored();
    let mut cron_job = valid("CronJob");
    cron_job["spec"]["schedule"] = json!("0 0 1 1 *");
    template(&mut cron_job)["metadata"]["labels"] = json!({"app": "gateway"});
    template(&mut cron_job)["spec"]["restartPolicy"] = json!("Never");
    let stored = user.apply(&cron_job).await.stored();
    user.patch_namespace(&json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}})).await.stored();
    until_enforced(&user).await;
    // as `kubectl create job --from` writes it
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "by-hand",
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{
                "apiVersion": "batch/v1", "kind": "CronJob", "controller": true,
                "name": stored["metadata"]["name"], "uid": stored["metadata"]["uid"],
            }],
        },
        "spec": stored["spec"]["jobTemplate"]["spec"],
    });
    let created = user.apply(&job).await.stored();
    assert_eq!(created["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"], "true");
    job["metadata"]["name"] = json!("with-key");
    job["spec"]["template"]["spec"]["containers"] = json!([container_with_auth_key()]);
    user.apply(&job).await.denied(&["auth-key-reference"]);
}

//! What `generate vap` and `generate map` write, on a real API server without a webhook: a native policy denies nothing
//! that the webhook's policy allows, denies what it is for, and costs less than the API server allows.

use crate::conditions::{DOCUMENT, objects};
use apim_keyless::admission::{Endpoint, MessageOptions, Request, Webhook as Kind, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, ObjectView, RelatedObjects};
use apim_keyless_core::policy::{Mode, Policy, rules};
use apim_keyless_manifest::Manifests;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use test_support::TODAY;
use test_support::control_plane::ControlPlane;
use test_support::gateways::{IMAGE, auth_key_env, merged, template, valid, workload};
use test_support::project;
use test_support::webhook::{Response, User, Webhook, documents, eventually, print_to_stderr};

const KEY: &str = "GatewayKey orders&202601010000&c2lnbmF0dXJlc2lnbmF0dXJlc2lnbmF0dXJl";
/// The workloads and other objects that a native policy evaluates.
const KINDS: [&str; 12] = [
    "ConfigMap",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "PodTemplate",
    "ReplicaSet",
    "ReplicationController",
    "ServiceAccount",
    "StatefulSet",
    "Rollout",
];

/// The objects that a command writes.
fn generated(arguments: &[&str]) -> Vec<Value> {
    let output = Command::new(project::binary())
        .arg("generate")
        .args(arguments)
        .env("APIM_KEYLESS_POLICY", "")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    documents(&String::from_utf8(output.stdout).unwrap())
}

/// Creates cluster-scoped objects.
async fn install(user: &User, objects: &[Value]) {
    for object in objects {
        let kind = object["kind"].as_str().unwrap().to_lowercase();
        let resource = kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
        let path = format!("/apis/{}/{resource}", object["apiVersion"].as_str().unwrap());
        user.post(&path, object).await.stored();
    }
}

/// A control plane without a webhook, with the policies that these arguments generate.
struct Guarded {
    control_plane: std::sync::Arc<ControlPlane>,
    user: User,
}

impl Guarded {
    async fn start(arguments: &[&str]) -> Option<Self> {
        let control_plane = ControlPlane::own_without_controllers()?;
        let user = administrator(&control_plane, "guarded").await;
        install(&user, &generated(arguments)).await;
        Some(Self { control_plane, user })
    }

    /// Waits until the API server uses the policies.
    async fn wait(&self, object: &Value) {
        eventually("a denial by a native policy", || async { denied_rule(&self.dry(object).await).map(|_| ()) }).await;
    }

    async fn dry(&self, object: &Value) -> Response {
        self.user.apply_with(object, "?dryRun=All").await
    }
}

/// An administrator in a new enforced namespace with a ServiceAccount for Pods.
async fn administrator(control_plane: &ControlPlane, namespace: &str) -> User {
    let labels = json!({"apim-keyless.dev/mode": "enforce"});
    let user = User::administrator(control_plane, &json!({"name": namespace, "labels": labels})).await;
    for name in ["default", "apim-gateway-workload-identity", "orders", "gateway"] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}});
        user.apply(&account).await;
    }
    user
}

/// The rule that a native policy names in a denial; `None` if no native policy denied the object.
fn denied_rule(response: &Response) -> Option<&'static str> {
    let message = response.body["message"].as_str().unwrap_or_default();
    if response.status < 400 || !message.contains("ValidatingAdmissionPolicy 'apim-keyless") {
        return None;
    }
    let (_, rest) = message.split_once("apim-keyless explain ").unwrap_or_else(|| panic!("no rule: {message}"));
    Some(rules::find(rest.split('`').next().unwrap()).unwrap().id)
}

/// The rules for which the validating webhook denies the creation of an object.
fn denied_by_webhook(policy: &Policy, related: &RelatedObjects, object: &Value) -> BTreeSet<&'static str> {
    let api_version = object["apiVersion"].as_str().unwrap();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "a", "operation": "CREATE", "userInfo": {}, "namespace": "guarded",
        "kind": {"group": group, "version": version, "kind": object["kind"]}, "object": object,
    }});
    let review = review.to_string();
    let endpoint = Endpoint { webhook: Kind::Validating, mode: Mode::Enforce };
    let request = Request::read(review.as_bytes()).unwrap();
    let answer = answer(policy, related, &MessageOptions::default(), endpoint, &request, TODAY);
    answer.findings.iter().filter(|finding| finding.mode == Mode::Enforce).map(|finding| finding.rule.id).collect()
}

/// The texts of all manifests that there are: those of the tests, the examples, the rule pages and the corpus.
fn texts() -> Vec<(String, String)> {
    let folders = ["tests/manifests", "deploy/examples", "../shared/corpus", "../shared/cases"];
    let files = folders.iter().filter_map(|folder| fs::read_dir(Path::new(folder)).ok()).flatten();
    let files = files.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "yaml" || end == "json"));
    let mut texts: Vec<(String, String)> =
        files.map(|path| (path.display().to_string(), fs::read_to_string(path).unwrap())).collect();
    for rule in rules::RULES {
        let fences = rule.page.split("\n```yaml ").skip(1);
        let examples = fences.filter(|fence| !fence.starts_with("policy")).filter_map(|fence| fence.split_once('\n'));
        let examples = examples.filter_map(|(_, rest)| rest.split("\n```").next());
        texts.extend(examples.map(|example| (format!("{}.md", rule.id), example.to_owned())));
    }
    texts
}

/// The objects of a text, in the namespace of the test. An AdmissionReview stands for its object.
fn objects_of(name: &str, text: &str) -> Vec<Value> {
    let mut manifests = Manifests::default();
    manifests.parse(name, text);
    let objects = manifests.objects.iter().map(|object| {
        let value: &Value = &object.value;
        value.pointer("/request/object").unwrap_or(value).clone()
    });
    let objects = objects.filter(|object| KINDS.iter().any(|kind| object["kind"] == *kind));
    let in_namespace = objects.map(|mut object| {
        object["metadata"]["namespace"] = json!("guarded");
        object
    });
    in_namespace.collect()
}

/// What the webhook's cache holds of a namespace with these objects.
fn related(objects: &[Value]) -> RelatedObjects {
    let mut related = RelatedObjects { coverage: Coverage::Complete, ..RelatedObjects::default() };
    for object in objects {
        match KubernetesObject::recognize(object.to_string(), "guarded").ok().flatten().map(|object| object.view) {
            Some(ObjectView::ConfigMap(config_map)) => related.put_config_map(config_map),
            Some(ObjectView::ServiceAccount(account)) => related.put_service_account(account),
            _ => {}
        }
    }
    related
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_policy_denies_nothing_of_files_that_the_webhook_allows() {
    let Some(guarded) = Guarded::start(&["vap"]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait(&with_key()).await;
    let (policy, mut counts) = (Policy::default(), BTreeMap::<Option<&str>, usize>::new());
    for (name, text) in texts() {
        let objects = objects_of(&name, &text);
        let related = related(&objects);
        for object in &objects {
            let rule = denied_rule(&guarded.dry(object).await);
            *counts.entry(rule).or_default() += 1;
            let Some(rule) = rule else { continue };
            let of_webhook = denied_by_webhook(&policy, &related, object);
            assert!(of_webhook.contains(rule), "{name}: only the native policy denies {rule}: {object}");
        }
    }
    print_to_stderr(&format!("objects of files, by the rule for which a native policy denies them: {counts:?}"));
    assert!(counts.len() >= 6 && counts.get(&None).is_some_and(|allowed| *allowed > 50), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_policy_denies_no_generated_object_that_the_webhook_allows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, DOCUMENT).unwrap();
    let Some(guarded) = Guarded::start(&["vap", "--policy", file.to_str().unwrap()]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait(&with_key()).await;
    let policy = Policy::parse(DOCUMENT).unwrap();
    let mut counts = BTreeMap::<Option<&str>, usize>::new();
    for (object, _) in objects() {
        let rule = denied_rule(&guarded.dry(&object).await);
        *counts.entry(rule).or_default() += 1;
        let Some(rule) = rule else { continue };
        let of_webhook = denied_by_webhook(&policy, &RelatedObjects::default(), &object);
        assert!(of_webhook.contains(rule), "only the native policy denies {rule}: {object}");
    }
    print_to_stderr(&format!("generated objects, by the rule for which a native policy denies them: {counts:?}"));
    assert!(counts.len() >= 5, "{counts:?}");
}

fn with_key() -> Value {
    let mut object = valid("Deployment");
    template(&mut object)["spec"]["containers"][0]["env"] = json!([auth_key_env()]);
    object
}

/// A workload with one container of the gateway, which has these members beside the name.
fn gateway(kind: &str, members: Value) -> Value {
    let container = merged(json!({"name": "gateway", "image": IMAGE}), members);
    let mut object = workload(kind, json!({"containers": [container], "serviceAccountName": "orders"}));
    template(&mut object)["metadata"]["labels"]["azure.workload.identity/use"] = json!("true");
    object
}

/// Objects that a native policy denies, and for which rule.
fn wrong() -> Vec<(&'static str, Value)> {
    let env = |name: &str, value: &str| json!({"env": [{"name": name, "value": value}]});
    let endpoint = || env("config.service.endpoint", "contoso.configuration.azure-api.net");
    let mut wrong = Vec::new();
    for kind in ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"] {
        wrong.push(("auth-key-literal", gateway(kind, env("CONFIG__SERVICE__AUTH", KEY))));
        let secret = json!({"secretKeyRef": {"name": "orders", "key": "value"}});
        let reference = json!({"env": [{"name": "config.service.auth.key", "valueFrom": secret}]});
        wrong.push(("auth-key-reference", gateway(kind, reference)));
        wrong.push(("auth-key-reference", gateway(kind, json!({"envFrom": [{"secretRef": {"name": "orders"}}]}))));
        for tag in ["2.9.2", "v2.10.1", "2.10", "1", "v1-preview", "beta", "2.10.9-orders"] {
            let image = json!({"image": format!("registry.example:5000/azure-api-management/gateway:{tag}")});
            wrong.push(("unsupported-version", gateway(kind, merged(image, endpoint()))));
        }
        let mut unlabeled = gateway(kind, endpoint());
        template(&mut unlabeled)["metadata"]["labels"]["azure.workload.identity/use"] = json!("false");
        wrong.push(("missing-identity-label", unlabeled));
        let mut without_account = gateway(kind, endpoint());
        template(&mut without_account)["spec"]["serviceAccountName"] = json!("default");
        wrong.push(("missing-service-account", without_account));
    }
    for key in ["config.service.auth", "DOTNET_Config__Service__Auth__Key"] {
        for value in [KEY.to_owned(), KEY.replace("GatewayKey ", ""), " sharedaccesssignature x".to_owned()] {
            let map =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "env"}, "data": {key: value}});
            wrong.push(("auth-key-literal", map));
        }
    }
    let account = |labels: Value, annotations: Value| {
        let metadata = json!({"name": "marked", "labels": merged(json!({"apim-keyless.dev/gateway": "true"}), labels), "annotations": annotations});
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    };
    wrong.push(("missing-client-id", account(json!({"azure.workload.identity/use": "true"}), json!({}))));
    let client = json!({"azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"});
    wrong.push(("unlabeled-service-account", account(json!({}), client)));
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn a_native_policy_denies_what_it_is_for_and_leaves_alone_what_the_webhook_leaves_alone() {
    let Some(guarded) = Guarded::start(&["vap"]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait(&with_key()).await;
    let policy = Policy::default();
    for (rule, object) in wrong() {
        let response = guarded.dry(&object).await;
        assert_eq!(denied_rule(&response), Some(rule), "{object} {}", response.body);
        assert!(denied_by_webhook(&policy, &RelatedObjects::default(), &object).contains(rule), "{rule}: {object}");
    }
    let ingress =
        json!({"env": [{"name": "k8s.ingress.enabled", "value": "true"}], "image": IMAGE.replace(":2.", ":1.")});
    guarded.dry(&gateway("Deployment", ingress)).await.stored();
    for object in costliest() {
        guarded.dry(&object).await.stored();
    }
    updates(&guarded).await;
    by_controllers(&guarded.user).await;
    for namespace in ["unlabeled", "kube-system"] {
        let other = match namespace {
            "unlabeled" => User::administrator(&guarded.control_plane, &json!({"name": namespace})).await,
            _ => User::administrator_in(&guarded.control_plane, namespace),
        };
        let label = json!({"metadata": {"labels": {"apim-keyless.dev/mode": "enforce"}}});
        if namespace == "kube-system" {
            other.patch_namespace(&label).await.stored();
        }
        other.apply_with(&with_key(), "?dryRun=All").await.stored();
    }
}

/// The costliest objects of other applications within the bounds, and larger ones.
fn costliest() -> Vec<Value> {
    let name = "aspnetcore_config__service__auth__azuread__certificatepatx";
    let of = |containers: usize, env: usize, sources: usize| {
        let container = |index: usize| {
            json!({
                "name": format!("c{index}"), "image": format!("{}:{}", "a/azure-api-management/gatewax".repeat(7), "a".repeat(100)),
                "env": vec![json!({"name": name, "value": KEY}); env / containers],
                "envFrom": vec![json!({"secretRef": {"name": "a"}}); sources / containers],
            })
        };
        workload("Deployment", json!({"containers": (0..containers).map(container).collect::<Vec<_>>()}))
    };
    let data: serde_json::Map<String, Value> =
        (0..4000).map(|key| (format!("config.service.auth.kex{key:014}"), json!(KEY))).collect();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
    vec![of(50, 500, 50), of(1, 500, 64), of(1, 501, 0), of(51, 0, 0), of(1, 0, 65), map]
}

/// An update that leaves the template alone, and one of a workload that is being deleted, is allowed.
async fn updates(guarded: &Guarded) {
    let user = &guarded.user;
    let mode = |mode: &str| json!({"metadata": {"labels": {"apim-keyless.dev/mode": mode}}});
    user.patch_namespace(&mode("off")).await.stored();
    let mut object = with_key();
    object["metadata"]["finalizers"] = json!(["example.com/wait"]);
    eventually("the namespace is off", || async { (user.apply(&object).await.status == 201).then_some(()) }).await;
    user.patch_namespace(&mode("enforce")).await.stored();
    guarded.wait(&with_key()).await;
    user.patch(&object, "", &json!({"spec": {"replicas": 3}, "metadata": {"labels": {"a": "b"}}})).await.stored();
    let restart = json!({"spec": {"template": {"metadata": {"annotations": {"restarted": "now"}}}}});
    assert_eq!(denied_rule(&user.patch(&object, "", &restart).await), Some("auth-key-literal"));
    user.delete(&object).await.stored();
    user.patch(&object, "", &restart).await.stored();
    user.patch(&object, "", &json!({"metadata": {"finalizers": null}})).await.stored();
}

/// What a workload controller makes for an owner is left alone.
async fn by_controllers(user: &User) {
    let mut pod = gateway("Pod", json!({"env": [{"name": "config.service.auth", "value": KEY}]}));
    let uid = "00000000-0000-0000-0000-000000000001";
    pod["metadata"]["ownerReferences"] =
        json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": uid, "controller": true}]);
    assert_eq!(denied_rule(&user.apply_with(&pod, "?dryRun=All").await), Some("auth-key-literal"));
    let controller = user.impersonating("system:serviceaccount:kube-system:replicaset-controller");
    controller.apply_with(&pod, "?dryRun=All").await.stored();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_chooses_modes_exceptions_and_expectations() {
    let document = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults: {minimumVersion: 2.12.0}
  namespaces: {guarded: {allowedSecrets: [tracing], serviceAccount: orders, minimumVersion: 2.13.0}}
  rules: {missing-identity-label: audit, missing-service-account: off}
  exceptions:
  - {rule: auth-key-literal, namespace: guarded, name: old-*, reason: moves in May, expires: 2099-05-31}
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, document).unwrap();
    let Some(guarded) = Guarded::start(&["vap", "--policy", file.to_str().unwrap()]).await else { return };
    let _logs = guarded.control_plane.show_logs_on_panic();
    guarded.wait(&with_key()).await;
    let mut excepted = with_key();
    excepted["metadata"]["name"] = json!("old-gateway");
    guarded.dry(&excepted).await.stored();
    let source = |name: &str| gateway("Deployment", json!({"envFrom": [{"secretRef": {"name": name}}]}));
    assert_eq!(denied_rule(&guarded.dry(&source("tracings")).await), Some("auth-key-reference"));
    let tagged = |tag: &str| {
        let image = format!("mcr.microsoft.com/azure-api-management/gateway:{tag}");
        gateway("Deployment", json!({"image": image, "env": [{"name": "config.service.endpoint", "value": "a"}]}))
    };
    assert_eq!(denied_rule(&guarded.dry(&tagged("2.12.9")).await), Some("unsupported-version"));
    guarded.dry(&tagged("2.13.0")).await.stored();
    let mut unlabeled = tagged("2.13.0");
    template(&mut unlabeled)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
    template(&mut unlabeled)["spec"]["serviceAccountName"] = json!("default");
    let response = guarded.dry(&unlabeled).await;
    assert!(response.warnings.iter().any(|text| text.contains("missing-identity-label")), "{:?}", response.warnings);
    response.stored();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "orders"}});
    assert!(denied_rule(&guarded.dry(&account).await).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mutating_policy_sets_what_the_webhook_would_set() {
    let document = "
apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  namespaces:
    guarded:
      serviceAccount: payments
      clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
      tenantId: 2f4a6b8c-1111-2222-3333-444455556666
";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    fs::write(&file, document).unwrap();
    let Some(control_plane) = ControlPlane::own_without_controllers() else { return };
    let _logs = control_plane.show_logs_on_panic();
    let user = administrator(&control_plane, "guarded").await;
    let served = user.get("/apis/admissionregistration.k8s.io/v1").await.body;
    if !served["resources"].as_array().unwrap().iter().any(|one| one["name"] == "mutatingadmissionpolicies") {
        return test_support::webhook::not_run("this version of Kubernetes has no MutatingAdmissionPolicy v1");
    }
    install(&user, &generated(&["map", "--policy", file.to_str().unwrap()])).await;
    let env = json!({"env": [{"name": "config.service.endpoint", "value": "contoso.configuration.azure-api.net"}]});
    for kind in ["CronJob", "Deployment", "Pod"] {
        let mut bare = gateway(kind, env.clone());
        template(&mut bare)["metadata"]["labels"].as_object_mut().unwrap().remove("azure.workload.identity/use");
        template(&mut bare)["spec"].as_object_mut().unwrap().remove("serviceAccountName");
        eventually("the label", || async {
            let mut stored = user.apply_with(&bare, "?dryRun=All").await.stored();
            let template = template(&mut stored);
            // without controllers, the plugin that sets the ServiceAccount of a Pod is off
            let expected = if kind == "Pod" { Value::Null } else { json!("payments") };
            (template["metadata"]["labels"]["azure.workload.identity/use"] == "true"
                && template["spec"]["serviceAccountName"] == expected)
                .then_some(())
        })
        .await;
    }
    let other = workload("Deployment", json!({"containers": [{"name": "a", "image": "nginx"}]}));
    let stored = user.apply_with(&other, "?dryRun=All").await.stored();
    assert!(stored["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"].is_null());
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "payments"}});
    eventually("the ids", || async {
        let metadata = user.apply_with(&account, "?dryRun=All").await.stored()["metadata"].clone();
        let annotations = json!({
            "azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10",
            "azure.workload.identity/tenant-id": "2f4a6b8c-1111-2222-3333-444455556666",
        });
        (metadata["annotations"] == annotations && metadata["labels"] == json!({"azure.workload.identity/use": "true"}))
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guard_lets_only_named_users_change_what_turns_enforcement_off() {
    let Some(webhook) = Webhook::alone_without_controllers(|_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let administrator = webhook.user("shop", Some("enforce")).await;
    install(&administrator, &generated(&["vap", "--guard", "--user", "platform"])).await;
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
    let namespace = |labels: Value| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "new-", "labels": labels}});
    team.post("/api/v1/namespaces", &namespace(json!({"team": "shop"}))).await.stored();
    let created = team.post("/api/v1/namespaces", &namespace(json!({"apim-keyless.dev/mode": "off"}))).await;
    assert_eq!(created.status, 403, "{}", created.body);
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

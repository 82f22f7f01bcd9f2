//! What `generate vap` and `generate map` write, on a real API server without a webhook: a native policy denies nothing
//! that the webhook's policy allows, denies what it is for, and costs less than the API server allows.

mod denied;
mod guard;
mod mutating;

use crate::conditions::{DOCUMENT, objects};
use apim_keyless::admission::{Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, ObjectView, RelatedObjects};
use apim_keyless_core::policy::{Mode, Policy, rules};
use apim_keyless_manifest::Manifests;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use test_support::TODAY;
use test_support::control_plane::ControlPlane;
use test_support::corpus::corpus;
use test_support::gateways::{IMAGE, auth_key_env, merged, template, valid, workload};
use test_support::project;
use test_support::webhook::{Response, User, documents, eventually, print_to_stderr};

/// The workloads and other objects that a native policy evaluates.
const KINDS: [&str; 11] = [
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
    control_plane: Arc<ControlPlane>,
    user: User,
}

impl Guarded {
    async fn start(arguments: &[&str]) -> Option<Self> {
        let control_plane = ControlPlane::own_without_controllers()?;
        let user = administrator(&control_plane, "guarded").await;
        install(&user, &generated(arguments)).await;
        Some(Self { control_plane, user })
    }

    /// Waits until the API server uses each of the policies.
    async fn wait(&self) {
        let labels = json!({"apim-keyless.dev/gateway": "true"});
        let account =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "labels": labels}});
        let data = json!({"config.service.auth": "GatewayKey a"});
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        for object in [with_key(), map, account] {
            eventually("a denial by a native policy", || async { denied_rule(&self.dry(&object).await).map(|_| ()) })
                .await;
        }
    }

    /// The rule for which a native policy denies the creation of an object. Fails if the webhook does not deny it, too.
    async fn compared(&self, policy: &Policy, related: &RelatedObjects, object: &Value) -> Option<&'static str> {
        let rule = denied_rule(&self.dry(object).await)?;
        let of_webhook = denied_by_webhook(policy, related, object);
        assert!(of_webhook.contains(rule), "only the native policy denies {rule}: {object}");
        Some(rule)
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
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let request = Request::read(review.as_bytes()).unwrap();
    let answer = answer(policy, related, &MessageOptions::default(), endpoint, &request, TODAY);
    answer.findings.iter().filter(|finding| finding.mode == Mode::Enforce).map(|finding| finding.rule.id).collect()
}

/// The texts of all manifests that there are: those of the tests, the examples, the rule pages, and, if it exists, the
/// corpus with the cases beside it.
fn texts() -> Vec<(String, String)> {
    let own = ["tests/manifests", "deploy/examples"].map(PathBuf::from);
    let corpus = corpus().into_iter().flat_map(|corpus| [corpus.with_file_name("cases"), corpus]);
    let files = own.into_iter().chain(corpus).filter_map(|folder| fs::read_dir(folder).ok()).flatten();
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
    let mut related = RelatedObjects::default();
    related.coverage = Coverage::Complete;
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
    guarded.wait().await;
    let (policy, mut counts) = (Policy::default(), BTreeMap::<Option<&str>, usize>::new());
    for (name, text) in texts() {
        let objects = objects_of(&name, &text);
        let related = related(&objects);
        for object in &objects {
            *counts.entry(guarded.compared(&policy, &related, object).await).or_default() += 1;
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
    guarded.wait().await;
    let policy = Policy::parse(DOCUMENT).unwrap();
    let mut counts = BTreeMap::<Option<&str>, usize>::new();
    for (object, _) in objects() {
        *counts.entry(guarded.compared(&policy, &RelatedObjects::default(), &object).await).or_default() += 1;
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

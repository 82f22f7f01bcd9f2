//! `check` and the webhook agree: what the webhook denies or sets, `check` reports as an error or fixable over the same
//! objects. The objects are those of `tests/manifests`, and of the corpus if it exists (see `corpus.rs`).

use apim_keyless::admission::{Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, ObjectView, RelatedObjects};
use apim_keyless_core::policy::{Finding, Level, Mode, Policy};
use apim_keyless_manifest::Manifests;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use test_support::TODAY;

/// What a `ConfigMap` lacks can be set by a workload. The webhook does not know the workloads of a `ConfigMap`.
const CAN_BE_SUPPLIED: [&str; 3] = ["missing-auth-method", "missing-endpoint", "missing-gateway-name"];

#[test]
fn check_reports_what_the_webhook_denies_or_sets() {
    let corpus = std::env::var("CORPUS").unwrap_or_else(|_| "../shared/corpus".to_owned());
    let mut compared = 0;
    for folder in ["tests/manifests", &corpus].map(Path::new).into_iter().filter(|folder| folder.is_dir()) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                compared += compare(&path.display().to_string(), &fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(compared > 50, "only {compared} findings of the webhook");
}

#[test]
fn check_calls_no_error_what_the_webhook_allows_beside_a_gateway() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env, namespace: apim}\ndata: {config.service.endpoint: \
               contoso.configuration.azure-api.net, config.service.auth: workloadIdentity, gateway.name: orders}\n---\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: orders, namespace: apim, labels: {azure.workload.identity/use: \
               \"true\"}}\nspec:\n  serviceAccountName: orders\n  containers:\n  - name: orders\n    image: \
               mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    envFrom: [{configMapRef: {name: orders-env}}]\n  - \
               name: probe\n    image: registry.example/probe:1\n";
    let key = "configMapKeyRef: {name: orders-env, key: config.service.endpoint}";
    for (probe, rules) in [
        (format!("    env: [{{name: config.service.endpoint, valueFrom: {{{key}}}}}]\n"), vec![]),
        ("    env: [{name: config.service.endpoint, value: contoso.configuration.azure-api.net}]\n".to_owned(), vec![]),
        (
            "    envFrom: [{configMapRef: {name: orders-env}}, {secretRef: {name: probe}}]\n".to_owned(),
            vec!["auth-key-reference"],
        ),
    ] {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", &format!("{map}{pod}{probe}"));
        let recognize = |value: &Value| KubernetesObject::recognize(value.to_string(), "apim").unwrap().unwrap();
        let objects: Vec<_> = manifests.objects.iter().map(|object| recognize(&object.value)).collect();
        let policy = Policy::default();
        let of_check = policy.evaluate_all(&objects, Mode::Enforce, TODAY).remove(1).findings;
        let of_webhook = webhook(&policy, &cached(&objects)["apim"], &objects[1]);
        for findings in [of_check, of_webhook] {
            let counted = findings.iter().filter(|finding| finding.level() != Level::Warning);
            assert_eq!(counted.map(|finding| finding.rule.id).collect::<Vec<_>>(), rules, "{probe}");
        }
    }
}

/// Compares the findings of a file's objects; the number of findings of the webhook.
fn compare(file: &str, text: &str) -> usize {
    let mut manifests = Manifests::default();
    manifests.parse(file, text);
    let recognize = |value: &Value| KubernetesObject::recognize(value.to_string(), "apim").ok().flatten();
    let objects: Vec<_> = manifests.objects.iter().filter_map(|object| recognize(&object.value)).collect();
    let policy = Policy::default();
    let checked: Vec<Vec<Finding>> =
        policy.evaluate_all(&objects, Mode::Enforce, TODAY).into_iter().map(|evaluated| evaluated.findings).collect();
    let cached = cached(&objects);
    let counts = |finding: &Finding| finding.level() != Level::Warning;
    let has = |findings: &[Finding], rule: &str| findings.iter().any(|other| counts(other) && other.rule.id == rule);
    let mut compared = 0;
    for (object, of_check) in objects.iter().zip(&checked) {
        for finding in webhook(&policy, &cached[&object.reference.namespace], object).iter().filter(|one| counts(one)) {
            compared += 1;
            let rule = finding.rule.id;
            let is_elsewhere = finding.problem.found_in.is_some() && checked.iter().any(|other| has(other, rule));
            let is_supplied = matches!(object.view, ObjectView::ConfigMap(_)) && CAN_BE_SUPPLIED.contains(&rule);
            assert!(
                has(of_check, rule) || is_elsewhere || is_supplied,
                "{file}: {} {}: only the webhook reports {}",
                object.reference.kind,
                object.reference.name,
                finding.sentence()
            );
        }
    }
    compared
}

/// What the webhook's cache holds of each namespace: its `ConfigMap`s and `ServiceAccount`s, and no workloads.
fn cached(objects: &[KubernetesObject<'_>]) -> BTreeMap<String, RelatedObjects> {
    let mut namespaces: BTreeMap<String, RelatedObjects> = BTreeMap::new();
    for object in objects {
        let related = namespaces.entry(object.reference.namespace.clone()).or_default();
        related.coverage = Coverage::Complete;
        match &object.view {
            ObjectView::ConfigMap(config_map) => related.put_config_map(config_map.clone()),
            ObjectView::ServiceAccount(account) => related.put_service_account(account.clone()),
            ObjectView::Namespace(namespace) => related.namespace_annotations = namespace.metadata.annotations.clone(),
            _ => {}
        }
    }
    namespaces
}

/// The findings of the validating webhook of an enforced namespace at the creation of an object.
fn webhook(policy: &Policy, related: &RelatedObjects, object: &KubernetesObject<'_>) -> Vec<Finding> {
    let (group, version) = object.reference.api_version.split_once('/').unwrap_or(("", &object.reference.api_version));
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "a", "operation": "CREATE", "userInfo": {}, "namespace": object.reference.namespace,
        "kind": {"group": group, "version": version, "kind": object.reference.kind},
        "object": object.value(),
    }});
    let review = review.to_string();
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let request = Request::read(review.as_bytes()).unwrap();
    answer(policy, related, &MessageOptions::default(), endpoint, &request, TODAY).findings
}

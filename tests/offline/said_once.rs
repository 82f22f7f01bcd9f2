//! Each problem is reported once, at its place, with a fix that breaks nothing.

use crate::findings::findings;
use apim_keyless::admission::{Answer, Endpoint, MessageOptions, Request, Webhook, answer};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::{Level, Mode, Policy};
use serde_json::{Value, json};
use test_support::TODAY;
use test_support::gateways::{IMAGE, POLICY, merged, valid_container, with_container};
use test_support::run::Folder;

/// The answer of the enforcing webhook to the creation of a Deployment.
fn validated(policy: &Policy, related: &RelatedObjects, deployment: &Value) -> Answer {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "a", "operation": "CREATE", "userInfo": {}, "namespace": "apim", "object": deployment,
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
    }})
    .to_string();
    let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };
    let request = Request::read(review.as_bytes()).unwrap();
    answer(policy, related, &MessageOptions::default(), endpoint, &request, TODAY)
}

#[test]
fn what_a_main_config_map_lacks_is_not_reported_at_the_workload() {
    let files = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env}\ndata: {config.service.endpoint: \
                 contoso.configuration.azure-api.net}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: orders}\nspec:\n  \
                 containers:\n  - name: orders\n    image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    \
                 envFrom: [{configMapRef: {name: orders-env}}]\n";
    let report = findings(&Policy::default(), "files.yaml", files);
    for rule in ["missing-auth-method", "missing-gateway-name"] {
        assert_eq!(report.matches(rule).count(), 1, "{report}");
    }
}

#[test]
fn an_endpoint_that_a_main_config_map_lacks_is_not_reported_at_the_workload() {
    let files = |sources: &str| {
        let map = |name: &str, key: &str| {
            format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{{key}: orders}}\n---\n")
        };
        format!(
            "{}{}apiVersion: v1\nkind: Pod\nmetadata: {{name: orders}}\nspec:\n  containers:\n  - name: orders\n    \
             image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    envFrom: [{sources}]\n",
            map("orders-env", "gateway.name"),
            map("logs", "log.level")
        )
    };
    let rule = "missing-configuration-reference";
    let expecting = Policy::parse(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: tests}\nspec: {defaults: {configMap: \
         orders-env}}\n",
    );
    let (one, both) =
        ("{configMapRef: {name: orders-env}}", "{configMapRef: {name: orders-env}}, {configMapRef: {name: logs}}");
    for (policy, sources, number) in
        [(&Policy::default(), one, 0), (&expecting.unwrap(), both, 0), (&Policy::default(), both, 1)]
    {
        let report = findings(policy, "files.yaml", &files(sources));
        assert_eq!(report.matches(rule).count(), number, "{report}");
    }
}

#[test]
fn an_endpoint_that_a_config_map_lacks_is_only_warned_about_at_the_webhook() {
    let policy = Policy::parse(POLICY).unwrap();
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "apim-gateway-env"}});
    let gateway = with_container("Deployment", "containers", valid_container());
    let read = |object: &Value| KubernetesObject::recognize(object.to_string(), "apim").unwrap().unwrap();
    // in a cluster, the Deployment itself can be among the related objects
    let mut related = RelatedObjects::of(&[read(&config_map), read(&gateway)], &policy.images);
    related.coverage = Coverage::Complete;
    let answer = validated(&policy, &related, &gateway);
    let rule = "missing-configuration-reference";
    let finding = answer.findings.iter().find(|finding| finding.rule.id == rule).unwrap();
    assert_eq!(finding.level(), Level::Warning);
    // it takes the expected one already
    let message = &finding.problem.message;
    assert!(message.starts_with("Add the gateway's ConfigMap to envFrom"), "{message}");
}

#[test]
fn an_empty_name_is_reported_at_its_place() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: orders}\nspec:\n  containers:\n  - name: orders\n    image: \
               mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    env:\n    - {name: gateway.name, value: ''}\n    \
               - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let report = findings(&Policy::default(), "pod.yaml", pod);
    assert!(report.contains("missing-gateway-name at /spec/containers/0/env/0\n"), "{report}");
}

#[test]
fn a_token_that_is_projected_by_hand_is_not_removed_alone() {
    let report = |mount: &str| {
        let pod_spec = format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: orders}}\nspec:\n  template:\n    spec:\n      \
             containers:\n      - name: orders\n        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1\n        \
             env: [{{name: AZURE_FEDERATED_TOKEN_FILE, value: /var/run/token/file}}]\n        volumeMounts: \
             [{{name: token, mountPath: {mount}}}]\n      volumes:\n      - name: token\n        projected: {{sources: \
             [{{serviceAccountToken: {{audience: 'api://AzureADTokenExchange', path: file}}}}]}}\n"
        );
        Folder::with(&[("a.yaml", &pod_spec)]).check("a.yaml").stdout
    };
    assert!(report("/var/run/token").contains("Install azure-workload-identity"), "{}", report("/var/run/token"));
    assert!(report("/other").contains("Remove env AZURE_FEDERATED_TOKEN_FILE"), "{}", report("/other"));
}

#[test]
fn a_static_tag_beside_an_unknown_digest_is_reported_and_not_warned_about() {
    for (tag, is_warned) in [("2.11.1", false), ("v2", true)] {
        let name = IMAGE.rsplit_once(':').unwrap().0;
        let image = json!({"image": format!("{name}:{tag}@sha256:{}", "a".repeat(64))});
        let object = with_container("Deployment", "containers", merged(valid_container(), image));
        let answer = validated(&Policy::default(), &RelatedObjects::default(), &object);
        assert!(answer.findings.iter().any(|finding| finding.rule.id == "unverifiable-version"), "{tag}");
        let mut warnings = answer.response.warnings.iter();
        assert_eq!(warnings.any(|warning| warning.contains("unverifiable-version")), is_warned, "{tag}");
    }
}

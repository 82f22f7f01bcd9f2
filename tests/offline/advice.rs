//! What a message advises is possible, names things as they are written, and ends the finding.

use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::{Edit, Finding, Mode, Policy};
use apim_keyless_manifest::Manifests;
use test_support::TODAY;
use test_support::run::Folder;

const ACCOUNT: &str = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: orders\n  labels: \
                       {app.kubernetes.io/component: self-hosted-gateway, azure.workload.identity/use: \"true\"}\n";
const ID: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
const OTHER_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

/// The findings of `rule` about the objects of a file.
fn found(policy: &Policy, rule: &str, text: &str) -> Vec<Finding> {
    let mut manifests = Manifests::default();
    manifests.parse("a.yaml", text);
    let recognize = |value: &serde_json::Value| KubernetesObject::recognize(value.to_string(), "shop").unwrap();
    let objects: Vec<_> = manifests.objects.iter().filter_map(|object| recognize(&object.value)).collect();
    let evaluated = policy.evaluate_all(&objects, Mode::Enforce, TODAY).into_iter();
    evaluated.flat_map(|evaluated| evaluated.findings).filter(|finding| finding.rule.id == rule).collect()
}

fn message(rule: &str, text: &str) -> String {
    found(&Policy::default(), rule, text).into_iter().map(|finding| finding.problem.message).collect()
}

fn config_map(data: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: orders-env}}\ndata: {{{data}}}\n")
}

const ENDPOINT: &str = "config.service.endpoint: contoso.configuration.azure-api.net";

#[test]
fn a_key_of_a_config_map_is_named_as_it_is_written() {
    for (rule, data, start) in [
        ("entra-app-auth-method", "Config__Service__Auth: azureAdApp", "Set Config__Service__Auth in"),
        ("other-auth-method", "CONFIG__SERVICE__AUTH: key", "Set CONFIG__SERVICE__AUTH in"),
        ("auth-key-literal", "CONFIG__SERVICE__AUTH: GatewayKey a", "Set CONFIG__SERVICE__AUTH in"),
        ("malformed-gateway-name", "Gateway__Name: a=b", "Set Gateway__Name in"),
        ("malformed-endpoint", "Config__Service__Endpoint: contoso.azure-api.net", "Set Config__Service__Endpoint in"),
        ("missing-auth-method", "Config__Service__Auth: \"\"", "Set Config__Service__Auth in"),
    ] {
        let data = if rule == "malformed-endpoint" {
            format!("{data}, config.service.auth: workloadIdentity")
        } else {
            format!("{data}, {ENDPOINT}")
        };
        let message = message(rule, &config_map(&data));
        assert!(message.starts_with(&format!("{start} ConfigMap \"orders-env\"")), "{rule}: {message}");
    }
}

#[test]
fn a_second_spelling_of_a_correct_setting_is_to_be_removed() {
    let correct = format!("{ENDPOINT}, config.service.auth: workloadIdentity, gateway.name: orders");
    for (rule, data, start) in [
        ("entra-app-auth-method", "CONFIG__SERVICE__AUTH: azureAdApp", "Remove CONFIG__SERVICE__AUTH in"),
        ("other-auth-method", "CONFIG__SERVICE__AUTH: key", "Remove CONFIG__SERVICE__AUTH in"),
        ("misspelled-auth-method", "CONFIG__SERVICE__AUTH: WorkloadIdentity", "Remove CONFIG__SERVICE__AUTH in"),
        ("auth-key-literal", "CONFIG__SERVICE__AUTH: GatewayKey a", "Remove CONFIG__SERVICE__AUTH in"),
        ("auth-key-literal", "config.service.auth.key: a", "Remove config.service.auth.key in"),
        ("malformed-gateway-name", "Gateway__Name: a=b", "Remove Gateway__Name in"),
        ("malformed-endpoint", "CONFIG__SERVICE__ENDPOINT: a b", "Remove CONFIG__SERVICE__ENDPOINT in"),
        (
            "retired-endpoint",
            "CONFIG__SERVICE__ENDPOINT: a.management.azure-api.net",
            "Remove CONFIG__SERVICE__ENDPOINT in",
        ),
    ] {
        let message = message(rule, &config_map(&format!("{data}, {correct}")));
        assert!(message.starts_with(&format!("{start} ConfigMap \"orders-env\"")), "{rule}: {message}");
        assert!(!message.contains(" set config.service.auth"), "{message}");
    }
    let findings = found(
        &Policy::default(),
        "misspelled-auth-method",
        &config_map(&format!("CONFIG__SERVICE__AUTH: WorkloadIdentity, {correct}")),
    );
    assert!(matches!(findings[0].problem.unsafe_fix.as_slice(), [Edit::Remove { .. }]));
}

#[test]
fn the_value_overrides_the_config_map_and_not_its_credential() {
    let pod = |value: &str| {
        format!(
            "{}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: orders}}\nspec:\n  containers:\n  - name: orders\n    image: \
             mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    envFrom: [{{configMapRef: {{name: orders-env}}}}]\n    env: \
             [{{name: config.service.auth, value: \"{value}\"}}]\n",
            config_map(&format!("{ENDPOINT}, config.service.auth: workloadIdentity, gateway.name: orders"))
        )
    };
    for (rule, value) in
        [("entra-app-auth-method", "azureAdApp"), ("auth-key-reference", "${TOKEN}"), ("other-auth-method", "key")]
    {
        let message = message(rule, &pod(value));
        assert!(message.ends_with("; it overrides ConfigMap \"orders-env\""), "{message}");
    }
}

#[test]
fn an_address_is_called_what_it_is() {
    let of = |rule: &str, endpoint: &str| {
        message(
            rule,
            &config_map(&format!("config.service.auth: workloadIdentity, config.service.endpoint: {endpoint}")),
        )
    };
    for endpoint in ["contoso.configuraton.azure-api.net", "contoso.scm.azure-api.net", "contoso.azure-api.net"] {
        let message = of("malformed-endpoint", endpoint);
        assert!(
            message.ends_with("it is in API Management's domain, but is not the host of a configuration API"),
            "{message}"
        );
    }
    assert!(of("retired-endpoint", "management.azure.com").contains("an address of Azure Resource Manager"));
    assert!(of("retired-endpoint", "a.management.azure-api.net").contains("version 1"));
}

#[test]
fn a_misspelled_key_beside_the_correct_one_is_removed() {
    for key in ["clientId", "tenantId"] {
        let meant = key.replace("Id", "-id");
        let annotations = format!(
            "  annotations: {{azure.workload.identity/client-id: {OTHER_ID}, azure.workload.identity/tenant-id: {OTHER_ID}, \
             azure.workload.identity/{key}: {ID}}}\n"
        );
        let findings = found(&Policy::default(), "misspelled-identity-key", &format!("{ACCOUNT}{annotations}"));
        let problem = &findings[0].problem;
        assert_eq!(
            problem.message,
            format!(
                "Remove azure.workload.identity/{key} from the annotations of the ServiceAccount: azure-workload-identity \
                 ignores a misspelled key, and azure.workload.identity/{meant} is already set"
            )
        );
        assert!(matches!(problem.unsafe_fix.as_slice(), [Edit::Remove { .. }]), "{:?}", problem.unsafe_fix);
    }
}

#[test]
fn a_misspelled_key_in_the_wrong_place_is_moved_with_its_correct_name() {
    let pod = |labels: &str, annotations: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: orders, labels: {{{labels}}}, annotations: {{{annotations}}}}}\nspec:\n  \
             containers:\n  - {{name: orders, image: \"mcr.microsoft.com/azure-api-management/gateway:2.11.1\"}}\n"
        )
    };
    let label = "azure.workload.identity/use: \"true\"";
    for (labels, key, start) in [
        (
            label,
            "tenantid",
            "Move azure.workload.identity/tenantid from the annotations of the pod template to the annotations of the \
             ServiceAccount as azure.workload.identity/tenant-id:",
        ),
        (
            "",
            "used",
            "Move azure.workload.identity/used from the annotations of the pod template to the labels of the pod template as \
             azure.workload.identity/use:",
        ),
        (label, "used", "Remove azure.workload.identity/used from the annotations of the pod template:"),
        (
            label,
            "skip-container",
            "Rename azure.workload.identity/skip-container in the annotations of the pod template to",
        ),
    ] {
        let text = pod(labels, &format!("azure.workload.identity/{key}: {ID}"));
        let findings = found(&Policy::default(), "misspelled-identity-key", &text);
        let problem = &findings[0].problem;
        assert!(problem.message.starts_with(start), "{}", problem.message);
        assert_eq!(problem.unsafe_fix.is_empty(), start.starts_with("Move"), "{key}");
        assert!(found(&Policy::default(), "misplaced-identity-setting", &text).is_empty());
    }
}

#[test]
fn an_annotation_that_does_not_count_is_not_advised() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: orders}\nspec:\n  containers:\n  - {name: orders, image: \
               \"mcr.microsoft.com/azure-api-management/gateway:2.11.1\"}\n";
    let ignoring = Policy::parse(
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata: {name: tests}\nspec: {namespaceAnnotations: ignore}\n",
    )
    .unwrap();
    for (rule, text) in [("missing-client-id", ACCOUNT), ("missing-service-account", pod)] {
        for (policy, is_advised) in [(&Policy::default(), true), (&ignoring, false)] {
            let findings = found(policy, rule, text);
            let message = &findings[0].problem.message;
            assert_eq!(message.contains("of the Namespace"), is_advised, "{message}");
        }
    }
}

#[test]
fn a_config_map_that_gives_no_setting_counts_as_not_taken() {
    let map = config_map(&format!("{ENDPOINT}, config.service.auth: workloadIdentity, gateway.name: orders"));
    let pod = |sources: &str| {
        format!(
            "{map}---\napiVersion: v1\nkind: Pod\nmetadata: {{name: orders}}\nspec:\n  containers:\n  - name: orders\n    image: \
             mcr.microsoft.com/azure-api-management/gateway:2.11.1\n    envFrom: [{sources}]\n"
        )
    };
    for (sources, is_found) in [
        ("{prefix: APIM_, configMapRef: {name: orders-env}}", true),
        ("{prefix: config., configMapRef: {name: orders-env}}", false),
        ("{prefix: APIM_, configMapRef: {name: orders-env}}, {configMapRef: {name: orders-env}}", false),
        ("{prefix: APIM_, configMapRef: {name: unknown}}", false),
    ] {
        let findings = found(&Policy::default(), "missing-configuration-reference", &pod(sources));
        assert_eq!(findings.len(), usize::from(is_found), "{sources}");
        let appended = findings.first().map(|finding| finding.problem.fix_text()).unwrap_or_default();
        assert_eq!(appended.contains("{\"configMapRef\":{\"name\":\"orders-env\"}}"), is_found, "{sources} {appended}");
    }
    let optional = pod("{configMapRef: {name: absent, optional: true}}");
    let folder = Folder::with(&[("a.yaml", &optional)]);
    assert!(!folder.check("a.yaml").stdout.contains("missing-configuration-reference"));
    let whole = folder.run(&["check", "a.yaml", "--complete"]);
    assert!(whole.stdout.contains("fixable[missing-configuration-reference]"), "{}", whole.everything());
}

#[test]
fn an_image_of_an_unknown_repository_is_not_told_to_use_a_static_tag() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: orders}\nspec:\n  containers:\n  - name: orders\n    image: \
               harbor.example/apim-gateway:2.11.1\n    env: [{name: config.service.auth, value: workloadIdentity}]\n";
    let message = message("unverifiable-version", pod);
    assert!(
        message.starts_with("Add the repository of the image in container \"orders\" to images of the policy document")
    );
    assert!(!message.contains("static tag"), "{message}");
}

#[test]
fn the_guid_of_zeros_is_no_id() {
    let nil = "00000000-0000-0000-0000-000000000000";
    let account = format!("{ACCOUNT}  annotations: {{azure.workload.identity/client-id: {nil}}}\n");
    assert!(message("malformed-client-id", &account).contains("the GUID of zeros is a placeholder"));
    let folder = Folder::with(&[]);
    let arguments =
        ["generate", "gateway", "--name", "orders", "-n", "shop", "--endpoint", "a.configuration.azure-api.net"];
    let ran = folder.run(&[&arguments[..], &["--client-id", nil]].concat());
    assert_eq!(ran.code, 2, "{}", ran.everything());
    let ran = folder.run(&[&arguments[..], &["--client-id", ID, "--service-account", "default"]].concat());
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("another ServiceAccount"), "{}", ran.stderr);
}

#[test]
fn a_label_without_quotes_becomes_the_value_that_counts() {
    let text =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {azure.workload.identity/use: yes, team: yes}}\n";
    let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
    assert!(ran.stderr.contains("write \"true\" in quotes"), "{}", ran.everything());
}

#[test]
fn an_image_of_null_is_a_missing_image() {
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: null\n    env: \
                [{name: config.service.auth, value: workloadIdentity}]\n";
    let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
    assert!(ran.stderr.contains("without image,"), "{}", ran.everything());
}

//! `--policy` and `--write-policy`.

use super::fixtures::VS_CODE;
use super::{CLIENT, findings, read};
use test_support::run::Folder;

#[test]
fn the_written_policy_is_accepted_and_expects_the_migrated_values() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let arguments = ["migrate", "a.yaml", "--client-id", CLIENT, "--write-policy", "policy.yaml"];
    let ran = folder.run(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let policy = read(&folder, "policy.yaml");
    assert_eq!(
        policy,
        format!(
            "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata:
  name: default
spec:
  namespaces:
    default:
      clientId: \"{CLIENT}\"
      configMap: orders-environment
      gatewayName: orders
      serviceAccount: apim-gateway-workload-identity
"
        )
    );
    let shown = Folder::with(&[("a.yaml", VS_CODE)]).run(&[&arguments[..], &["--diff"]].concat());
    assert!(shown.stdout.contains("+++ b/policy.yaml\n") && shown.stdout.contains("+      gatewayName: orders\n"));
    // the command can be repeated, and overwrites nothing else
    assert_eq!((folder.run(&arguments).code, read(&folder, "policy.yaml")), (0, policy));
    let checked =
        folder.run(&["check", "a.yaml", "--policy", "policy.yaml", "--ignore", "auth-key-literal", "--strict"]);
    assert_eq!(checked.code, 0, "{}", checked.everything());
    folder.write("policy.yaml", b"a: b\n");
    let ran = folder.run(&arguments);
    assert_eq!((ran.code, read(&folder, "policy.yaml").as_str()), (2, "a: b\n"));
    assert!(ran.stderr.contains("exists with other content"), "{}", ran.stderr);
}

#[test]
fn the_facts_of_a_policy_are_used() {
    let policy = format!(
        "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
spec:
  defaults: {{clientId: {CLIENT}, serviceAccount: apim, minimumVersion: 2.12.0}}
"
    );
    let folder = Folder::with(&[("a.yaml", VS_CODE), ("policy.yaml", &policy)]);
    let ran = folder.run(&["migrate", "a.yaml", "--policy", "policy.yaml"]);
    let after = read(&folder, "a.yaml");
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(after.contains("serviceAccountName: apim\n") && after.contains("gateway:2.12.0"), "{after}");
    assert!(findings(&folder, "a.yaml", &[("auth-key-literal", "Secret")]).is_empty(), "{after}");
}

#[test]
fn a_policy_without_a_namespace_is_not_written() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let ran = folder.run(&["migrate", "a.yaml", "--write-policy", "policy.yaml"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("--write-policy: policy.yaml is not written"), "{}", ran.everything());
    let ran = folder.run(&["migrate", "a.yaml", "--client-id", CLIENT, "--write-policy", "policy.yaml"]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(read(&folder, "policy.yaml").contains(CLIENT));
}

#[test]
fn a_base_whose_overlays_have_other_client_ids_in_the_policy_is_left() {
    let base = VS_CODE.replace("  namespace: default\n", "");
    let other = "2f4a6b8c-1111-2222-3333-444455556666";
    let policy = |prod: &str| {
        format!(
            "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec:\n  namespaces:\n    dev: {{clientId: {CLIENT}}}\n    prod: {{clientId: {prod}}}\n"
        )
    };
    let overlay = |namespace: &str| format!("namespace: {namespace}\nresources: [../base]\n");
    for (prod, expected) in [(CLIENT, 0), (other, 2)] {
        let folder = Folder::with(&[
            ("base/a.yaml", base.as_str()),
            ("base/kustomization.yaml", "resources: [a.yaml]\n"),
            ("dev/kustomization.yaml", overlay("dev").as_str()),
            ("prod/kustomization.yaml", overlay("prod").as_str()),
            ("policy.yaml", policy(prod).as_str()),
        ]);
        let ran = folder.run(&["migrate", "base", "dev", "prod", "--policy", "policy.yaml"]);
        assert_eq!(ran.code, expected, "{}", ran.everything());
        let is_named = ran.stderr.contains(&format!("client-id: {other} to the kustomization of namespace prod"));
        assert_eq!(is_named, expected == 2, "{}", ran.everything());
        assert_eq!(read(&folder, "base/a.yaml") == base, expected == 2);
    }
}

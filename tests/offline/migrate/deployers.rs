//! What Flux, Argo CD and kustomizations do to the namespaces, the names and the client ids of migrated gateways.

use super::CLIENT;
use super::leftovers::DEPLOYMENT;
use test_support::run::{Folder, RunOutput};

const FLUX: &str = "apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: shop, namespace: flux-system}
spec:
  path: ./apps/shop
";

/// A gateway whose manifest names no namespace.
fn without_namespace() -> String {
    DEPLOYMENT.replace(", namespace: shop", "")
}

fn migrate(files: &[(&str, &str)]) -> RunOutput {
    Folder::with(files).run(&["migrate", ".", "--client-id", CLIENT])
}

#[track_caller]
fn assert_subjects(ran: &RunOutput, expected: &[&str]) {
    assert_eq!(ran.code, 0, "{}", ran.everything());
    let subjects: Vec<&str> = ran.stdout.split("\"subject\":\"system:serviceaccount:").skip(1).collect();
    let subjects: Vec<&str> = subjects.iter().filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
    assert_eq!(subjects, expected, "{}", ran.stdout);
}

const ACCOUNT: &str = "apim-gateway-workload-identity";

#[test]
fn flux_gives_a_namespace_and_names() {
    let flux = format!("{FLUX}  targetNamespace: prod\n  namePrefix: eu-\n");
    // with a kustomization, and without one
    for files in [
        &[("apps/shop/gateway.yaml", DEPLOYMENT), ("apps/shop/kustomization.yaml", "resources: [gateway.yaml]\n")][..],
        &[("apps/shop/a/gateway.yaml", DEPLOYMENT)],
    ] {
        let ran = migrate(&[files, &[("flux/shop.yaml", &*flux)]].concat());
        assert_subjects(&ran, &[&format!("prod:eu-{ACCOUNT}")]);
        for line in [
            "- commit and push apps/shop: Kustomization \"shop\" at ./flux/shop.yaml:1:1 deploys it",
            "  flux reconcile kustomization shop -n flux-system --with-source",
            "  kubectl rollout status -n prod deployment/eu-orders",
            "  kubectl delete -n prod secret orders-token",
        ] {
            assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
        }
        assert!(!ran.stdout.contains("kubectl apply"), "{}", ran.stdout);
    }
    // a kustomization decides what is deployed of its folder
    let files = [
        ("apps/shop/gateway.yaml", DEPLOYMENT),
        ("apps/shop/kustomization.yaml", "resources: [other.yaml]\n"),
        ("flux/shop.yaml", &flux),
    ];
    assert_subjects(&migrate(&files), &[&format!("shop:{ACCOUNT}")]);
}

fn argo(end: &str) -> String {
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {{name: shop, namespace: argocd}}\nspec:\n  destination: {{namespace: prod}}\n  source:\n    path: apps/shop\n{end}"
    )
}

#[test]
fn argo_gives_a_namespace_to_what_names_none() {
    let without = without_namespace();
    let own = format!("shop:{ACCOUNT}");
    for (gateway, end, expected) in [
        (without.as_str(), "", "prod:apim-gateway-workload-identity"),
        (DEPLOYMENT, "", own.as_str()),
        (DEPLOYMENT, "    kustomize: {namespace: test, nameSuffix: -v2}\n", "test:apim-gateway-workload-identity-v2"),
    ] {
        let ran = migrate(&[("apps/shop/gateway.yaml", gateway), ("argo/shop.yaml", &argo(end))]);
        assert_subjects(&ran, &[expected]);
        assert!(ran.stdout.contains("  argocd app sync shop\n"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("Check namespace default"), "{}", ran.stdout);
    }
    // a folder in the folder is not deployed, unless the application says it
    let nested = [("apps/shop/a/gateway.yaml", without.as_str())];
    let ran = migrate(&[&nested[..], &[("argo/shop.yaml", &argo(""))]].concat());
    assert_subjects(&ran, &[&format!("default:{ACCOUNT}")]);
    let recursive = argo("    directory: {recurse: true}\n");
    let ran = migrate(&[&nested[..], &[("argo/shop.yaml", &recursive)]].concat());
    assert_subjects(&ran, &[&format!("prod:{ACCOUNT}")]);
}

#[test]
fn a_namespace_of_a_template_is_not_known() {
    let set = argo("").replace("kind: Application", "kind: ApplicationSet").replace(
        "spec:\n",
        "spec: {template: {spec: {destination: {namespace: '{{.name}}'}, source: {path: apps/shop}}}}\n",
    );
    let (set, _) = set.split_once("  destination").unwrap();
    let without = without_namespace();
    let folder = Folder::with(&[("apps/shop/gateway.yaml", &*without), ("argo/shop.yaml", set)]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT, "--write-policy", "policy.yaml"]);
    assert_subjects(&ran, &[&format!("NAMESPACE:{ACCOUNT}")]);
    assert!(ran.stdout.contains("Replace NAMESPACE"), "{}", ran.stdout);
    assert!(ran.stderr.contains("add the namespace of 1 gateway to policy.yaml"), "{}", ran.stderr);
}

const RELEASE: &str = "apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: billing}
spec:
  chart: {spec: {chart: azure-api-management-gateway, version: 1.14.1}}
  values:
    gateway: {name: billing, configuration: {uri: contoso.configuration.azure-api.net}, auth: {type: GatewayToken}}
    secret: {createSecret: false, existingSecretName: billing-key}
";

#[test]
fn a_release_has_the_namespace_of_its_overlays() {
    let overlay = |name: &str| format!("resources: [../base]\nnamespace: {name}\n");
    let files = [
        ("r/base/release.yaml", RELEASE),
        ("r/base/kustomization.yaml", "resources: [release.yaml]\n"),
        ("r/prod/kustomization.yaml", &overlay("prod")),
        ("r/test/kustomization.yaml", &overlay("test")),
    ];
    let ran = migrate(&files);
    let account = "billing-azure-api-management-gateway";
    assert_subjects(&ran, &[&format!("prod:{account}"), &format!("test:{account}")]);
    for namespace in ["prod", "test"] {
        let line = format!("kubectl delete -n {namespace} secret billing-key");
        assert!(ran.stdout.contains(&line), "{line}\n{}", ran.stdout);
    }
}

#[test]
fn an_overlay_can_have_a_client_id_of_its_own() {
    let other = "11111111-2222-3333-4444-555555555555";
    let head = format!("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {ACCOUNT}\n");
    let merge = format!("{head}  annotations: {{azure.workload.identity/client-id: {other}}}\n");
    let operation =
        format!("- {{op: replace, path: /metadata/annotations/azure.workload.identity~1client-id, value: {other}}}\n");
    for patch in [merge, operation] {
        let files = [
            ("k/base/gateway.yaml", &*without_namespace()),
            ("k/base/kustomization.yaml", "resources: [gateway.yaml]\n"),
            ("k/test/kustomization.yaml", "resources: [../base]\nnamespace: test\n"),
            (
                "k/prod/kustomization.yaml",
                "resources: [../base]\nnamespace: prod\npatches: [{path: p.yaml, target: {kind: ServiceAccount}}]\n",
            ),
            ("k/prod/p.yaml", &patch),
        ];
        let folder = Folder::with(&files);
        let ran = folder.run(&["migrate", ".", "--client-id", CLIENT, "--write-policy", "policy.yaml"]);
        assert_subjects(&ran, &[&format!("prod:{ACCOUNT}"), &format!("test:{ACCOUNT}")]);
        let (own, rest) = ran.stdout.split_once(&format!("Client {CLIENT} needs")).unwrap();
        assert!(
            own.contains(&format!("Client {other} needs")) && own.contains("serviceaccount:prod:"),
            "{}",
            ran.stdout
        );
        assert!(rest.contains("serviceaccount:test:") && !rest.contains("serviceaccount:prod:"), "{}", ran.stdout);
        let policy = super::read(&folder, "policy.yaml");
        assert!(policy.contains(&format!("prod:\n      clientId: \"{other}\"")), "{policy}");
    }
}

const COMPONENT: &str = "apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
patches:
- target: {kind: Deployment}
  patch: |-
    - {op: remove, path: /spec/template/metadata/labels}
";

#[test]
fn components_of_flux_and_argo_are_read() {
    let flux = format!("{FLUX}  components: [../../comps/x]\n");
    let argo = argo("    kustomize: {components: [../../comps/x]}\n");
    for deployer in [&flux, &argo] {
        let gateway =
            [("apps/shop/gateway.yaml", DEPLOYMENT), ("apps/shop/kustomization.yaml", "resources: [gateway.yaml]\n")];
        let ran =
            migrate(&[&gateway[..], &[("d.yaml", &**deployer), ("comps/x/kustomization.yaml", COMPONENT)]].concat());
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert!(ran.stderr.contains("not migrated: ./comps/x/kustomization.yaml:5:3: Change this"), "{}", ran.stderr);
        assert!(!ran.stdout.contains("kubectl delete"), "{}", ran.stdout);
        // one that is not in the input
        let ran = migrate(&[&gateway[..], &[("d.yaml", &**deployer)]].concat());
        assert!(ran.stderr.contains("Give comps/x to this command, too"), "{}", ran.everything());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        let harmless = COMPONENT
            .replace("remove, path: /spec/template/metadata/labels", "replace, path: /spec/replicas, value: 3");
        let ran =
            migrate(&[&gateway[..], &[("d.yaml", &**deployer), ("comps/x/kustomization.yaml", &harmless)]].concat());
        assert_eq!(ran.code, 0, "{}", ran.everything());
    }
}

/// The image of a gateway changes, and nobody sees the gateway.
#[test]
fn a_base_that_is_not_in_the_input_is_named() {
    let overlay =
        "resources: [../base]\nimages: [{name: mcr.microsoft.com/azure-api-management/gateway, newTag: 2.5.0}]\n";
    let folder = Folder::with(&[
        ("k/base/gateway.yaml", DEPLOYMENT),
        ("k/base/kustomization.yaml", "resources: [gateway.yaml]\n"),
        ("k/prod/kustomization.yaml", overlay),
    ]);
    let ran = folder.run(&["migrate", "k/prod", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("k/prod/kustomization.yaml:1:13: Give k/base to this command, too"), "{}", ran.stderr);
    assert_eq!(folder.run(&["migrate", "k", "--client-id", CLIENT]).code, 0);
}

/// A component that Flux adds changes names, too, with and without a kustomization in the folder.
#[test]
fn components_of_flux_give_names() {
    let flux = format!("{FLUX}  components: [../../comps/x]\n");
    let component =
        "kind: Component\napiVersion: kustomize.config.k8s.io/v1alpha1\nnamePrefix: cc-\nnamespace: other\n";
    let own =
        [("apps/shop/gateway.yaml", DEPLOYMENT), ("flux.yaml", &*flux), ("comps/x/kustomization.yaml", component)];
    let kustomization = [("apps/shop/kustomization.yaml", "resources: [gateway.yaml]\n")];
    for files in [own.to_vec(), [&own[..], &kustomization].concat()] {
        assert_subjects(&migrate(&files), &[&format!("other:cc-{ACCOUNT}")]);
    }
}

#[test]
fn a_client_id_of_a_deployer_or_of_a_chart_is_used_or_named() {
    let other = "11111111-2222-3333-4444-555555555555";
    let patch = format!(
        "  patches:\n  - target: {{kind: ServiceAccount}}\n    patch: |-\n      - {{op: add, path: /metadata/annotations/azure.workload.identity~1client-id, value: {other}}}\n"
    );
    let flux = format!("{FLUX}{patch}");
    let ran = migrate(&[("apps/shop/gateway.yaml", DEPLOYMENT), ("flux.yaml", &flux)]);
    assert!(ran.stdout.contains(&format!("Client {other} needs")) && !ran.stdout.contains(CLIENT), "{}", ran.stdout);
    // the folder is not in the input
    let ran = migrate(&[("elsewhere/gateway.yaml", DEPLOYMENT), ("flux.yaml", &flux)]);
    let line = format!("Check where this patch sets client id {other}: it needs a credential there, too");
    assert!(ran.stdout.contains(&line), "{}", ran.everything());
    let renderer = format!(
        "  postRenderers:\n  - kustomize:\n      patches:\n      - target: {{kind: ServiceAccount}}\n        patch: |-\n          - {{op: add, path: /metadata/annotations/azure.workload.identity~1client-id, value: {other}}}\n"
    );
    let ran = migrate(&[("release.yaml", &format!("{RELEASE}{renderer}"))]);
    assert!(ran.stdout.contains(&line), "{}", ran.everything());
    // annotations of all objects
    let files = [
        ("k/base/gateway.yaml", DEPLOYMENT),
        ("k/base/kustomization.yaml", "resources: [gateway.yaml]\n"),
        (
            "k/prod/kustomization.yaml",
            &format!("resources: [../base]\ncommonAnnotations: {{azure.workload.identity/client-id: {other}}}\n"),
        ),
    ];
    let ran = migrate(&files);
    assert!(
        ran.stdout.contains(&format!("Client {other} needs")) && !ran.stdout.contains(CLIENT),
        "{}",
        ran.everything()
    );
}

/// Objects that name no namespace are those of the kustomization that includes them.
#[test]
fn gateways_of_other_namespaces_share_nothing() {
    let gateway = |name: &str| without_namespace().replace("orders", name);
    let kustomization = |name: &str| format!("resources: [gateway.yaml]\nnamespace: {name}\n");
    let (orders, pay) = (gateway("orders"), gateway("pay"));
    let folder = Folder::with(&[
        ("a/gateway.yaml", &orders),
        ("a/kustomization.yaml", &kustomization("shop")),
        ("b/gateway.yaml", &pay),
        ("b/kustomization.yaml", &kustomization("billing")),
    ]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    assert_subjects(&ran, &[&format!("billing:{ACCOUNT}"), &format!("shop:{ACCOUNT}")]);
    for file in ["a/gateway.yaml", "b/gateway.yaml"] {
        assert!(super::read(&folder, file).contains("kind: ServiceAccount"), "{file}");
    }
    for (line, expected) in
        [("-n shop secret orders-token", 1), ("-n billing secret pay-token", 1), ("-n billing secret orders-token", 0)]
    {
        assert_eq!(ran.stdout.matches(line).count(), expected, "{line}\n{}", ran.stdout);
    }
}

#[test]
fn a_service_account_with_placeholders_is_not_written_twice() {
    let account = format!(
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {ACCOUNT}\n  namespace: shop\n  annotations: {{azure.workload.identity/client-id: \"${{CID}}\"}}\n"
    );
    let folder = Folder::with(&[("gateway.yaml", DEPLOYMENT), ("account.yaml", &account)]);
    let ran = folder.run(&["migrate", ".", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    let message = "not migrated: ./account.yaml:1:1: change Deployment shop/orders and this ServiceAccount by hand";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert_eq!(super::read(&folder, "gateway.yaml"), DEPLOYMENT);
}

//! Nothing looks as if it had no findings that was not evaluated: exit code 2, with place, cause and fix.

use std::fs;
use std::io::{self, Read};
use test_support::run::manifests::{KEYLESS, OUTDATED};
use test_support::run::{Folder, output_of};

/// The first error of `check` on a text on stdin.
fn error(text: &str) -> String {
    let ran = Folder::with(&[]).feed(&["check", "-"], text);
    assert_eq!(ran.code, 2, "{text}: {}", ran.everything());
    ran.stderr.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn an_object_that_lost_its_type_is_an_error() {
    for (text, place, words) in [
        (OUTDATED.replace("apiVersion: apps/v1\n", ""), "1:1", "without apiVersion; add it"),
        (OUTDATED.replace("kind: Deployment\n", ""), "1:1", "without kind; add it"),
        (OUTDATED.replace("kind: Deployment", "Kind: Deployment"), "2:1", "write kind, not Kind"),
        (OUTDATED.replace("apiVersion:", "apiversion:"), "1:1", "write apiVersion, not apiversion"),
        (OUTDATED.replace("apps/v1", "1"), "1:1", "apiVersion must be a string"),
        (OUTDATED.replace("apiVersion: apps/v1\nkind: Deployment\n", ""), "1:1", "without apiVersion and kind"),
        (OUTDATED.replace("kind: Deployment", "kind: deployment"), "2:1", "write kind: Deployment"),
        (OUTDATED.replace("kind: Deployment", "kind: Deployments"), "2:1", "write kind: Deployment"),
        (OUTDATED.replace("apps/v1", "v1"), "1:1", "write apiVersion: apps/v1 for a Deployment"),
        (OUTDATED.replace("apps/v1", "extensions/v1beta1"), "1:1", "write apiVersion: apps/v1 for a Deployment"),
        (OUTDATED.replace("apps/v1", "batch/v1"), "1:1", "write apiVersion: apps/v1 for a Deployment"),
        (
            "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: a}\nspec: {}\n".to_owned(),
            "1:1",
            "write apiVersion: batch/v1 for a CronJob",
        ),
    ] {
        let error = error(&text);
        assert!(error.starts_with(&format!("error: stdin:{place}: ")) && error.contains(words), "{text}: {error}");
    }
}

#[test]
fn such_an_object_is_an_error_in_a_folder_and_in_a_list_too() {
    let text = OUTDATED.replace("apiVersion: apps/v1\n", "");
    let ran = Folder::with(&[("a/orders.yaml", &text), ("a/payments.yaml", KEYLESS)]).check("a");
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.starts_with("error: a/orders.yaml:1:1: without apiVersion"), "{}", ran.stderr);
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", text.trim_end().replace('\n', "\n  "));
    assert!(error(&list).contains("stdin:4:3: without apiVersion"), "{}", error(&list));
}

#[test]
fn a_wrong_type_does_not_hide_the_findings() {
    let ran = Folder::with(&[("a.yaml", &OUTDATED.replace("apps/v1", "extensions/v1beta1"))]).check("a.yaml");
    assert_eq!(ran.code, 2);
    assert!(ran.stdout.contains("error[unsupported-version]"), "{}", ran.stdout);
}

#[test]
fn a_message_of_kubectl_is_an_error() {
    for text in [
        "Error from server (NotFound): deployments.apps \"orders\" not found\n",
        "error: the server doesn't have a resource type \"deploy2\"\n",
        "error: unable to read \"a\": b: c\n",
        "Unable to connect to the server: dial tcp: lookup contoso: no such host\n",
        "The connection to the server localhost:8080 failed - did you specify the right host or port?\n",
        "No resources found in shop namespace.\n",
    ] {
        let error = error(text);
        assert!(error.starts_with("error: stdin:1:1: a message of kubectl, not a manifest; run"), "{error}");
    }
    // what follows is evaluated
    let ran = Folder::with(&[]).feed(&["check", "-"], &format!("error: no: such: thing\n{OUTDATED}"));
    assert_eq!((ran.code, ran.stdout.matches("error[unsupported-version]").count()), (2, 1), "{}", ran.everything());
    assert!(ran.stdout.contains("stdin:13:9"), "{}", ran.stdout);
}

#[test]
fn an_answer_of_the_api_server_that_holds_no_object_is_an_error() {
    for (text, words) in [
        (
            "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"NotFound\"}",
            "an error of the API server",
        ),
        ("{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/v1\",\"rows\":[]}", "kubectl get -o yaml"),
        ("{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{}}", "apim-keyless review"),
    ] {
        assert!(error(text).contains(words), "{text}: {}", error(text));
    }
}

#[test]
fn what_has_to_be_rendered_is_an_error_with_the_command() {
    let values = "gateway:\n  name: orders\n  configuration: {uri: orders.configuration.azure-api.net}\n";
    let nested = format!("apim:\n  {}", values.trim_end().replace('\n', "\n  "));
    let release = format!(
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {{name: orders}}\nspec:\n  values:\n    {}",
        values.trim_end().replace('\n', "\n    ")
    );
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: orders}\nspec: {source: {chart: azure-api-management-gateway, repoURL: \"https://charts.example\"}}\n";
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nhelmCharts: [{name: azure-api-management-gateway}]\n";
    let helmfile = "repositories: []\n---\nreleases:\n- {name: a, chart: stable/redis}\n- {name: orders, chart: apim/azure-api-management-gateway, values: [a.yaml]}\n";
    let chart = "apiVersion: v2\nname: orders\nversion: 1.0.0\ndependencies: [{name: azure-api-management-gateway, version: 1.15.0, alias: apim}]\n";
    let requirements = "dependencies:\n- name: azure-api-management-gateway\n  repository: https://charts.example\n";
    let vendored = "apiVersion: v2\nname: azure-api-management-gateway\nversion: 1.15.0\n";
    let fleet = "helm: {chart: oci://charts.example/azure-api-management-gateway:1.15.0}\n";
    let pipeline = "steps: [{task: HelmDeploy@1, inputs: {chartName: apim/azure-api-management-gateway}}]\n";
    let crossplane = "apiVersion: helm.crossplane.io/v1beta1\nkind: Release\nmetadata: {name: a}\nspec: {forProvider: {chart: {name: azure-api-management-gateway}}}\n";
    let proxy = "apiVersion: addons.cluster.x-k8s.io/v1alpha1\nkind: HelmChartProxy\nmetadata: {name: a}\nspec: {chartName: azure-api-management-gateway}\n";
    for (text, command) in [
        (values, "helm template"),
        (&nested, "helm template"),
        (&release, "helm template"),
        (application, "argocd app manifests"),
        (kustomization, "kustomize build --enable-helm"),
        (helmfile, "`helmfile template | apim-keyless check -`"),
        (chart, "`helm dependency build DIR`"),
        (requirements, "`helm dependency build DIR`"),
        (vendored, "helm template"),
        (fleet, "helm template"),
        (pipeline, "helm template"),
        (crossplane, "helm template"),
        (proxy, "helm template"),
    ] {
        let by_name = error(text);
        assert!(by_name.contains("render") && by_name.contains(command), "{by_name}");
        let in_folder = Folder::with(&[("a/b.yaml", text), ("a/orders.yaml", KEYLESS)]).check("a");
        assert_eq!(in_folder.code, 2, "{text}: {}", in_folder.everything());
    }
}

#[test]
fn a_file_or_folder_of_which_nothing_was_evaluated_is_an_error() {
    let encrypted = "apiVersion: v1\nkind: Secret\nsops: {version: 3.9.0}\n";
    let folder = Folder::with(&[
        ("compose.yaml", "services: {orders: {image: orders}}\n"),
        ("encrypted.yaml", encrypted),
        ("kustomization.yaml", "resources: [orders.yaml]\n"),
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("orders.yaml", KEYLESS),
        ("other/compose.yaml", "services: {orders: {image: orders}}\n"),
    ]);
    for (path, words) in [
        ("compose.yaml", "without apiVersion and kind"),
        ("encrypted.yaml", "encrypted by SOPS"),
        ("kustomization.yaml", "--kustomize"),
        ("Chart.yaml", "the metadata of a Helm chart"),
        ("other", "no file in this folder holds a Kubernetes object"),
    ] {
        // beside another that was evaluated, too
        let ran = folder.run(&["check", "orders.yaml", path]);
        assert_eq!(ran.code, 2, "{path}: {}", ran.everything());
        let is_named = ran.stderr.starts_with(&format!("error: {path}:"));
        assert!(
            is_named && ran.stderr.contains("nothing was evaluated: ") && ran.stderr.contains(words),
            "{}",
            ran.stderr
        );
    }
    assert_eq!(folder.check(".").code, 0);
}

#[test]
fn other_charts_and_rendered_objects_are_no_errors() {
    let label = "labels: {chart: azure-api-management-gateway}";
    let rendered = KEYLESS.replace("namespace: shop}", &format!("namespace: shop, {label}}}"));
    let role =
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: a, {label}}}\nrules: []\n");
    for text in [
        "releases: [{name: a, chart: stable/azure-api-management-gateway-dashboards}]\n",
        "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: redis}]\n",
        "packageRules: [{matchPackageNames: [azure-api-management-gateway]}]\n",
        &rendered,
        &role,
    ] {
        let ran = Folder::with(&[("a/a.yaml", text), ("a/orders.yaml", KEYLESS)]).check("a");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{text}");
    }
}

#[test]
fn an_object_of_another_kind_with_the_gateways_image_is_named() {
    let text = "apiVersion: a.example/v1\nkind: Gateway\nmetadata: {name: a}\nspec: {image: \"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"}\n";
    let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
    let expected = "no findings in 1 object, 0 gateways; skipped 1 document of a kind that is not evaluated, with the gateway's image; check what its controller creates\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, expected));
}

#[test]
fn an_odd_member_of_a_list_hides_no_other() {
    let object = |name: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"{name}"}},"spec":{{"containers":[{{"name":"g","image":"mcr.microsoft.com/azure-api-management/gateway:2.9.0"}}]}}}}"#
        )
    };
    let (a, b) = (object("a"), object("b"));
    for (text, place, what) in [
        (format!("[{a},\n\"Y2FuYXJ5\",\n{b}]"), "2:1", "scalar"),
        (format!("[7,\n{a},{b}]"), "1:2", "scalar"),
        (format!("- {a}\n- {b}\n- - a\n"), "3:5", "sequence"),
        (format!("- {a}\n- Y2FuYXJ5\n- {b}\n"), "2:3", "scalar"),
        (format!("kind: List\napiVersion: v1\nitems:\n- {a}\n- true\n- {b}\n"), "5:3", "scalar"),
        (format!("{{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"items\":[{a},\n[],{b}]}}"), "2:1", "sequence"),
    ] {
        for path in ["a/a.json", "a"] {
            let ran = Folder::with(&[("a/a.json", &text)]).check(path);
            assert_eq!(
                (ran.code, ran.stdout.matches("error[unsupported-version]").count()),
                (2, 2),
                "{text}: {}",
                ran.everything()
            );
            let expected = format!("error: a/a.json:{place}: a Kubernetes object is a mapping, but this is a {what};");
            assert!(ran.stderr.starts_with(&expected), "{text}: {}", ran.stderr);
            assert!(!ran.everything().contains("Y2FuYXJ5"), "{}", ran.everything());
        }
    }
}

#[test]
fn a_file_or_stream_above_the_limit_is_an_error() {
    let folder = Folder::with(&[("a/orders.yaml", OUTDATED)]);
    fs::File::create(folder.path("a/dump.json")).unwrap().set_len(257 << 20).unwrap();
    let ran = folder.check("a");
    assert_eq!((ran.code, ran.stdout.contains("error[unsupported-version]")), (2, true), "{}", ran.everything());
    let error = "larger than 256 MiB, the most that is read; split it, such as by namespace\n";
    assert_eq!(ran.stderr, format!("error: a/dump.json: {error}"));
    for arguments in [&["check", "-"][..], &["fix", "-"]] {
        let mut child = folder.spawn(arguments);
        let mut stdin = child.stdin.take().unwrap();
        // the program stops reading at its limit
        _ = io::copy(&mut io::repeat(b' ').take(300 << 20), &mut stdin);
        drop(stdin);
        let ran = output_of(child);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert!(ran.stderr.starts_with("error: stdin") && ran.stderr.contains("larger than 256 MiB"), "{}", ran.stderr);
    }
}

#[test]
fn a_path_that_is_no_file_is_explained() {
    let folder = Folder::with(&[]);
    for (path, words) in [
        ("https://example.com/a.yaml", "a URL, which is not read"),
        ("manifests/*.yaml", "no file matches it"),
        ("none.yaml", "does not exist"),
    ] {
        let ran = folder.check(path);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.starts_with(&format!("error: {path}: ")) && ran.stderr.contains(words), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches(path).count(), 1, "{}", ran.stderr);
    }
}

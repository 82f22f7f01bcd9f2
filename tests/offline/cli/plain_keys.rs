//! An auth key in plain text is an error in whatever a file holds, also in what is not evaluated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use test_support::run::Folder;
use test_support::run::manifests::KEYLESS;

const KEY: &str = "GatewayKey orders&202701010000&Y2FuYXJ5";

/// The line and exit code of the only finding in a file, which is the key.
fn line(file: &str, text: &str, arguments: &[&str]) -> (String, i32) {
    let folder = Folder::with(&[(file, text), ("orders.yaml", KEYLESS)]);
    let ran = folder.run(&[&["check", "."], arguments].concat());
    assert!(!ran.everything().contains("Y2FuYXJ5"), "the key is shown: {}", ran.everything());
    assert_eq!(ran.stdout.matches("[auth-key-literal]").count(), 1, "{text}: {}", ran.everything());
    let place = ran.stdout.lines().find_map(|line| line.trim_start().strip_prefix("--> ")).unwrap();
    (place.to_owned(), ran.code)
}

#[test]
fn a_key_is_an_error_wherever_it_is() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n";
    let generator = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n";
    for (file, text, place) in [
        ("a.yaml", format!("{secret}data:\n  value: {}\n", STANDARD.encode(KEY)), "5:3"),
        ("a.yaml", format!("{secret}stringData:\n  token: {KEY}\n"), "5:3"),
        ("a.json", format!(r#"{{"apiVersion":"v1","kind":"Secret","stringData":{{"a":"{KEY}"}}}}"#), "1:50"),
        (
            "kustomization.yaml",
            format!("{generator}secretGenerator:\n- name: a\n  literals:\n  - value={KEY}\n"),
            "6:5",
        ),
        ("kustomization.yaml", format!("configMapGenerator:\n- literals: ['config.service.auth={KEY}']\n"), "2:14"),
        ("compose.yaml", format!("services:\n  a:\n    environment:\n      config.service.auth: {KEY}\n"), "4:7"),
        (
            "external.yaml",
            format!(
                "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec: {{target: {{template: {{data: {{a: \"{KEY}\"}}}}}}}}\n"
            ),
            "3:35",
        ),
    ] {
        assert_eq!(line(file, &text, &[]), (format!("./{file}:{place}"), 1), "{text}");
    }
}

#[test]
fn a_key_in_values_is_an_error_beside_the_one_that_says_to_render_them() {
    let values = |indent: &str| format!("{indent}gateway:\n{indent}  auth:\n{indent}    key: Y2FuYXJ5\n");
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: a}\nspec:\n  values:\n";
    let argo =
        "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source:\n    helm:\n";
    for (text, place) in [
        (values(""), "3:5"),
        (format!("{release}{}", values("    ")), "8:9"),
        (format!("{argo}      valuesObject:\n{}", values("        ")), "10:13"),
        (format!("{argo}      values: |\n{}", values("        ")), "7:7"),
        (format!("{argo}      parameters:\n      - name: gateway.auth.key\n        value: Y2FuYXJ5\n"), "9:9"),
    ] {
        let (found, _) = line("a.yaml", &text, &[]);
        assert_eq!(found, format!("./a.yaml:{place}"), "{text}");
    }
}

#[test]
fn a_key_in_a_comment_or_in_a_document_that_cannot_be_read_is_an_error() {
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n";
    for (text, place, code) in [
        (format!("# {KEY}\n{config_map}"), "1:1", 1),
        (format!("{config_map}# until January: orders&202701010000&Y2FuYXJ5\n"), "5:1", 1),
        (format!("metadata: {{}} # '{KEY}'\n"), "1:14", 1),
        (format!("{config_map}---\n# {KEY}\n"), "6:1", 1),
        (format!("{config_map}---\na: [\n  b: '{KEY}'\n"), "7:3", 2),
    ] {
        let (found, exit) = line("a.yaml", &text, &[]);
        assert_eq!((found, exit), (format!("./a.yaml:{place}"), code), "{text}");
    }
    for comment in
        ["GatewayKey <name>&<expiry>&<signature>", "begins with GatewayKey and a name", "GatewayKey ${TOKEN}"]
    {
        let ran = Folder::with(&[("a.yaml", &format!("# {comment}\n{config_map}"))]).check("a.yaml");
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{comment}: {}", ran.stdout);
    }
}

#[test]
fn a_key_in_base64_is_an_error() {
    let key = STANDARD.encode(KEY);
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
    let values = STANDARD.encode(format!("gateway:\n  auth:\n    key: {KEY}\n"));
    for (text, place) in [
        (format!("{config_map}binaryData:\n  a: {key}\n"), "5:3"),
        (format!("{config_map}binaryData:\n  a: {}\n", STANDARD.encode("orders&202701010000&Y2FuYXJ5")), "5:3"),
        (format!("{config_map}data:\n  a: {key}\n"), "5:3"),
        (format!("{secret}data:\n  values.yaml: {values}\n"), "5:3"),
        (format!("spec:\n  token: {key}\n"), "2:3"),
        (format!("configMapGenerator:\n- literals: [a={key}]\n"), "2:14"),
    ] {
        let file = if text.starts_with("configMapGenerator") { "kustomization.yaml" } else { "a.yaml" };
        let folder = Folder::with(&[(file, &text), ("orders.yaml", KEYLESS)]);
        let ran = folder.check(".");
        assert!(ran.stdout.contains(&format!("--> ./{file}:{place}")), "{text}: {}", ran.everything());
        assert_eq!(
            (ran.code, ran.stdout.matches("[auth-key-literal]").count()),
            (1, 1),
            "{text}: {}",
            ran.everything()
        );
        assert!(!ran.everything().contains(&key), "{}", ran.everything());
    }
}

#[test]
fn references_and_placeholders_are_no_keys() {
    for text in [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {value: hunter2}\n",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {value: 'GatewayKey ${TOKEN}'}\n",
        "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a}\nspec: {target: {template: {data: {value: 'GatewayKey {{ .token }}'}}}}\n",
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: a}\nspec: {encryptedData: {value: AgBy3i4OJSWK}}\n",
    ] {
        let ran = Folder::with(&[("a.yaml", text)]).check("a.yaml");
        assert_eq!((ran.code, ran.stdout.as_str()), (0, "no findings in 1 object, 0 gateways\n"), "{text}");
    }
}

#[test]
fn the_mode_of_the_rule_and_of_the_namespace_counts() {
    let secret =
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a, namespace: shop}}\nstringData: {{a: '{KEY}'}}\n");
    assert_eq!(line("a.yaml", &secret, &["--mode", "audit"]).1, 0);
    let policy =
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec: {rules: {auth-key-literal: MODE}}\n";
    for (mode, words) in [("audit", "warning[auth-key-literal]"), ("off", "no findings")] {
        let folder = Folder::with(&[("a/a.yaml", &secret), ("policy.yaml", &policy.replace("MODE", mode))]);
        let ran = folder.run(&["check", "a", "--policy", "policy.yaml"]);
        assert_eq!(ran.code, 0, "{mode}: {}", ran.everything());
        assert!(ran.stdout.contains(words), "{mode}: {}", ran.stdout);
    }
}

#[test]
fn no_finding_about_something_else_hides_a_key() {
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
    let endpoint = "data:\n  config.service.endpoint: contoso.configuration.azure-api.net\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: \
               mcr.microsoft.com/azure-api-management/gateway:2.11.1\n";
    let address = "    env:\n    - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let known = format!("{map}{endpoint}  config.service.auth: workloadIdentity\n  gateway.name: a\n---\n{pod}");
    for (text, place, other) in [
        (format!("{map}{endpoint}  token: {KEY}\n"), "7:3", "missing-auth-method"),
        (format!("{map}{endpoint}  gateway.env: |\n    token={KEY}\n"), "7:3", "missing-auth-method"),
        (
            format!(
                "{map}  labels: {{app.kubernetes.io/component: self-hosted-gateway}}\n  annotations:\n    a: {KEY}\n{endpoint}"
            ),
            "7:5",
            "missing-auth-method",
        ),
        (format!("{pod}{address}    - {{name: OTHER, value: '{KEY}'}}\n"), "10:21", "missing-auth-method"),
        (
            format!("{known}    envFrom: [{{configMapRef: {{name: a}}}}]\n    args: ['--config.service.auth={KEY}']\n"),
            "18:12",
            "auth-setting-in-command",
        ),
    ] {
        let (found, code) = line("a.yaml", &text, &[]);
        let folder = Folder::with(&[("a.yaml", &text)]);
        let report = folder.report(&["a.yaml"]);
        let rules: Vec<&str> =
            report["findings"].as_array().unwrap().iter().filter_map(|one| one["rule"].as_str()).collect();
        assert!(rules.contains(&other), "{text}: {rules:?}");
        assert_eq!(code, 1, "{text}");
        let key = report["findings"].as_array().unwrap().iter().find(|one| one["rule"] == "auth-key-literal").unwrap();
        let location = &key["location"];
        assert_eq!(format!("{}:{}", location["line"], location["column"]), place, "{text} {found}");
    }
}

#[test]
fn a_gateway_whose_command_assigns_another_value_is_in_no_inventory_as_keyless() {
    let with = |argument: &str| {
        KEYLESS.replace("        envFrom:", &format!("        args: ['{argument}']\n        envFrom:"))
    };
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: orders-env, namespace: shop}\ndata: {config.service.endpoint: \
               contoso.configuration.azure-api.net, config.service.auth: workloadIdentity, gateway.name: orders}\n---\n";
    for (argument, authentication) in [
        (format!("--config.service.auth={KEY}"), "key"),
        ("--config.service.auth=azureAdApp".to_owned(), "unknown"),
        ("--config.service.auth=workloadIdentity".to_owned(), "workloadIdentity"),
        ("--log=a".to_owned(), "workloadIdentity"),
    ] {
        let report = Folder::with(&[("a.yaml", &format!("{map}{}", with(&argument)))]).report(&["a.yaml"]);
        assert_eq!(report["gateways"][0]["authentication"], authentication, "{argument}");
    }
}

#[test]
fn a_key_that_a_rule_reports_is_reported_once() {
    let workload = KEYLESS.replace(
        "        envFrom:",
        &format!("        env:\n        - {{name: config.service.auth, value: \"{KEY}\"}}\n        envFrom:"),
    );
    let config_map = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: b, namespace: shop}}\ndata:\n  config.service.auth: {KEY}\n"
    );
    assert_eq!(line("a.yaml", &workload, &[]), ("./a.yaml:14:11".to_owned(), 1));
    assert_eq!(line("b.yaml", &config_map, &[]), ("./b.yaml:5:3".to_owned(), 1));
}

//! `migrate` on sources that are not plain manifests: Helm values, `HelmRelease`, Argo CD, Terraform, Kustomize, scripts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, io};
use test_support::run::{Folder, RunOutput};
use walkdir::WalkDir;

/// Sources as people write them, the same after `migrate`, and what it prints.
const FIXTURES: &str = "tests/migration-sources";
const CLIENT_ID: &str = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
/// A part of every key in the fixtures.
const KEY: &str = "c2VjcmV0c2VjcmV0";

fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file());
    let file = |entry: walkdir::DirEntry| {
        let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    entries.map(file).collect()
}

fn folder(files: &BTreeMap<String, String>) -> Folder {
    Folder::with(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
}

fn migrate(folder: &Folder, arguments: &[&str]) -> RunOutput {
    folder.run(&[&["migrate", ".", "--client-id", CLIENT_ID], arguments].concat())
}

#[test]
fn every_source_becomes_what_a_person_accepted() {
    let before = files(&Path::new(FIXTURES).join("before"));
    let folder = folder(&before);
    let shown = migrate(&folder, &["--diff"]);
    assert!(!shown.everything().contains(KEY), "{}", shown.everything());
    assert_eq!(files(&folder.path(".")), before, "--diff writes nothing");
    let output = migrate(&folder, &[]);
    let after = files(&folder.path("."));
    if env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always") {
        for (name, text) in &after {
            let path = Path::new(FIXTURES).join("after").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::write(Path::new(FIXTURES).join("checklist.txt"), &output.stdout).unwrap();
    }
    let expected = files(&Path::new(FIXTURES).join("after"));
    assert_eq!(after.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, text) in &after {
        assert_eq!(text, &expected[name], "{name}:\n{text}");
    }
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert_eq!(
        output.stdout,
        fs::read_to_string(Path::new(FIXTURES).join("checklist.txt")).unwrap(),
        "{}",
        output.stdout
    );
    assert!(!output.everything().contains(KEY), "{}", output.everything());
    for name in ["other/app.tf", "other/values.yaml", "other/release.yaml", "other/script.sh"] {
        assert_eq!(after[name], before[name], "{name}");
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let before = files(&Path::new(FIXTURES).join("before"));
    let folder = folder(&before);
    migrate(&folder, &[]);
    let after = files(&folder.path("."));
    let second = migrate(&folder, &[]);
    assert_eq!(files(&folder.path(".")), after);
    assert_eq!(second.code, 0, "{}", second.everything());
    assert_eq!(migrate(&folder, &["--check"]).code, 0);
}

#[test]
fn migrated_sources_hold_no_key() {
    let migrated = folder(&files(&Path::new(FIXTURES).join("after")));
    for folder in ["helm", "flux", "argo"] {
        let output = migrated.run(&["check", folder]);
        assert!(!output.everything().contains("auth-key-literal"), "{}", output.everything());
    }
}

#[test]
fn the_output_folder_gets_the_changed_files_and_the_input_stays() {
    let before = files(&Path::new(FIXTURES).join("before"));
    let folder = folder(&before);
    let output = migrate(&folder, &["--output-dir", "out"]);
    assert_eq!(output.code, 0, "{}", output.stderr);
    let out = folder.path("out");
    let written = files(&out);
    fs::remove_dir_all(out).unwrap();
    assert_eq!(files(&folder.path(".")), before);
    let expected = files(&Path::new(FIXTURES).join("after"));
    assert!(written.len() > 8, "{:?}", written.keys());
    for (name, text) in written {
        assert_eq!(text, expected[&name], "{name}");
    }
}

#[test]
fn what_is_missing_is_said_and_the_rest_is_migrated() {
    let values =
        "gateway:\n  configuration:\n    uri: contoso.configuration.azure-api.net\n  auth:\n    key: ${TOKEN}\n";
    let folder =
        Folder::with(&[("values.yaml", values), ("other.yaml", &values.replace("  auth:", "  name: orders\n  auth:"))]);
    let output = migrate(&folder, &[]);
    assert_eq!(output.code, 2);
    assert!(
        output.stderr.contains("not migrated: ./values.yaml:2:3: Pass --gateway-name, ")
            || output.stderr.contains("not migrated: ./values.yaml:2:1: Pass --gateway-name, ")
            || output.stderr.contains("not migrated: ./values.yaml:1:1: Pass --gateway-name, "),
        "{}",
        output.stderr
    );
    assert_eq!(fs::read_to_string(folder.path("values.yaml")).unwrap(), values);
    assert!(fs::read_to_string(folder.path("other.yaml")).unwrap().contains("type: WorkloadIdentity"));
}

#[test]
fn what_cannot_be_changed_safely_is_said_with_its_place() {
    let files = [
        (
            "main.tf",
            "resource \"kubernetes_manifest\" \"a\" {\n  manifest = yamldecode(\"image: mcr.microsoft.com/azure-api-management/gateway:v2\")\n}\n",
        ),
        ("deploy.sh", "ssh host \"helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=$TOKEN\"\n"),
        ("values.yaml", "a: &a\n  gateway:\n    name: orders\n    auth: {type: GatewayToken}\nb: *a\n"),
    ];
    let folder = Folder::with(&files);
    let output = migrate(&folder, &[]);
    assert_eq!(output.code, 2, "{}", output.everything());
    assert!(output.stdout.contains("- ./main.tf:1: "), "{}", output.everything());
    assert!(output.stdout.contains("- ./deploy.sh:1: "), "{}", output.everything());
    assert!(output.stderr.contains("not migrated: ./values.yaml:2:3: "), "{}", output.everything());
    for (name, text) in files {
        assert_eq!(fs::read_to_string(folder.path(name)).unwrap(), text, "{name}");
    }
}

#[test]
fn a_remote_base_gets_new_files() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: orders\nspec:\n  template:\n    spec:\n      containers:\n        - name: gateway\n          image: mcr.microsoft.com/azure-api-management/gateway:2.12.2\n";
    let kustomization = "namespace: gateways\nresources:\n  - https://git.example/base?ref=v1 # theirs\npatches:\n  - path: replicas.yaml\n";
    let folder = Folder::with(&[("k/kustomization.yaml", kustomization), ("k/replicas.yaml", patch)]);
    folder.run(&["migrate", "k/kustomization.yaml", "--client-id", CLIENT_ID]);
    let read = |name: &str| fs::read_to_string(folder.path(name)).unwrap();
    assert!(read("k/kustomization.yaml").contains("?ref=v1 # theirs\n  - workload-identity.yaml\npatches:\n"));
    assert!(read("k/workload-identity.yaml").contains(CLIENT_ID));
    assert!(read("k/workload-identity-patch.yaml").contains("value: workloadIdentity\n"));
}

#[test]
fn the_values_of_the_corpus_are_migrated() -> io::Result<()> {
    let corpus = env::var_os("CORPUS").map_or_else(|| Path::new("../shared/corpus").to_owned(), PathBuf::from);
    let Ok(entries) = fs::read_dir(&corpus) else {
        return io::Write::write_fmt(
            &mut io::stderr(),
            format_args!("not run: there is no corpus in {}\n", corpus.display()),
        );
    };
    let mut count = 0;
    for path in entries.map(|entry| entry.map(|entry| entry.path())) {
        let path = path?;
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(".values.yaml") {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path)?
            .replace("<apim-tenant>", "contoso")
            .replace("${CONFIGURATION_URI}", "contoso.configuration.azure-api.net")
            .replace(r"${GATEWAY_TOKEN//\'/\'\'}", "GatewayKey orders&202701010000&c2VjcmV0");
        let folder = Folder::with(&[("values.yaml", &text)]);
        let arguments = ["migrate", "values.yaml", "--client-id", CLIENT_ID, "--gateway-name", "orders"];
        let output = folder.run(&arguments);
        assert_eq!(output.code, 0, "{name}: {}", output.everything());
        let migrated = fs::read_to_string(folder.path("values.yaml"))?;
        let value = apim_keyless_manifest::value(&migrated).unwrap();
        let auth = serde_json::json!({"type": "WorkloadIdentity", "azureAd": {"app": {"id": CLIENT_ID}}});
        assert_eq!(
            (&value["gateway"]["auth"], &value["gateway"]["name"]),
            (&auth, &serde_json::json!("orders")),
            "{name}"
        );
        // every other line stays
        let new = ["auth:", "key:", "type:", "azureAd:", "app:", "id:", "name:", "secret:", "createSecret:", "tag:"];
        let others = |text: &str| {
            let lines = text.lines().filter(|line| !new.iter().any(|key| line.trim_start().starts_with(key)));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(others(&migrated), others(&text), "{name}");
        assert_eq!(folder.run(&[&arguments[..], &["--check"]].concat()).code, 0, "{name}");
    }
    assert_eq!(count, 3);
    Ok(())
}

/// A gateway of which Kustomize makes the names.
const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: store\nspec:\n  selector: {matchLabels: {app: store}}\n  template:\n    metadata:\n      labels: {app: store}\n    spec:\n      containers:\n        - name: gateway\n          image: mcr.microsoft.com/azure-api-management/gateway:2.11.0\n          env:\n            - name: config.service.endpoint\n              value: contoso.configuration.azure-api.net\n            - name: config.service.auth\n              valueFrom:\n                secretKeyRef: {name: store-token, key: value}\n";

fn kustomize() -> Folder {
    let overlay = "namespace: prod\nnamePrefix: eu-\nresources: [../../base]\nsecretGenerator:\n  - name: store-token\n    literals:\n      - value=${TOKEN}\n";
    Folder::with(&[
        ("k/base/deployment.yaml", DEPLOYMENT),
        ("k/base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        ("k/overlays/prod/kustomization.yaml", overlay),
    ])
}

#[test]
fn names_are_those_that_kustomize_makes() {
    let folder = kustomize();
    let output = folder.run(&["migrate", "k", "--client-id", CLIENT_ID, "--write-policy", "policy.yaml"]);
    assert_eq!(output.code, 0, "{}", output.everything());
    for expected in [
        "system:serviceaccount:prod:eu-apim-gateway-workload-identity",
        "kubectl rollout status -n prod deployment/eu-store\n",
        "- delete the generated Secrets named eu-store-token-…: `kubectl get secrets -n prod` lists them\n",
    ] {
        assert!(output.stdout.contains(expected), "{expected}\n{}", output.stdout);
    }
    assert!(!output.stdout.contains("kubectl delete"), "{}", output.stdout);
    let policy = fs::read_to_string(folder.path("policy.yaml")).unwrap();
    assert!(policy.contains("    prod:\n"), "{policy}");
    assert!(policy.contains("serviceAccount: eu-apim-gateway-workload-identity\n"), "{policy}");
}

#[test]
fn a_kustomization_is_built_after_the_changed_files_were_copied() {
    let folder = kustomize();
    let output = folder.run(&["migrate", "k", "--client-id", CLIENT_ID, "--output-dir", "out"]);
    assert!(output.stdout.contains("  cp -R out/. k/\n     kubectl apply -k k/overlays/prod\n"), "{}", output.stdout);
}

/// Values of Microsoft's chart with a key in a variable.
const VALUES: &str = "gateway:\n  name: orders\n  configuration:\n    uri: contoso.configuration.azure-api.net\n  auth:\n    key: ${TOKEN}\n";

#[test]
fn the_steps_name_the_new_files() {
    let script = "helm upgrade a x/azure-api-management-gateway -f values.yaml --version 1.12.0\n";
    let folder = Folder::with(&[("hx/values.yaml", VALUES), ("hx/deploy.sh", script)]);
    let output = folder.run(&["migrate", "hx", "--client-id", CLIENT_ID, "--output-dir", "out"]);
    assert!(output.stdout.contains("  cp -R out/. hx/\n"), "{}", output.stdout);
    let run_it = "- run hx/deploy.sh as before, or its new helm commands: it installs hx/values.yaml\n";
    assert!(output.stdout.contains(run_it), "{}", output.stdout);
    assert!(output.stdout.contains("`helm rollback -n NAMESPACE RELEASE`"), "{}", output.stdout);
    assert!(!output.stdout.contains("still exist"), "{}", output.stdout);
    assert_eq!(output.stderr.lines().last(), Some("1 gateway migrated in 2 files (Helm values, script)"));
}

#[test]
fn a_second_run_says_what_was_done_already() {
    let folder = Folder::with(&[("values.yaml", VALUES)]);
    let arguments = ["migrate", "values.yaml", "--client-id", CLIENT_ID];
    let first = folder.run(&arguments);
    assert_eq!(first.stderr.lines().last(), Some("1 gateway migrated in 1 file (Helm values)"));
    let second = folder.run(&arguments);
    assert_eq!(second.stderr, "0 gateways migrated in 0 files; 1 with workload identity already\n");
    let policy = folder.run(&[&arguments[..], &["--write-policy", "policy.txt"]].concat());
    assert!(policy.stderr.starts_with("--write-policy: add to policy.txt what 1 source "), "{}", policy.stderr);
}

#[test]
fn what_is_left_beside_a_migrated_source_is_said_in_every_run() {
    let release = "resource \"helm_release\" \"a\" {\n  name = \"orders\"\n  chart = \"azure-api-management-gateway\"\n  values = [<<-EOT\n    gateway:\n      name: orders\n      auth:\n        key: GatewayKey orders&202701010000&c2VjcmV0c2VjcmV0\n  EOT\n  ]\n}\n";
    let manifest = "resource \"kubernetes_manifest\" \"b\" {\n  manifest = {\n    image = \"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"\n    value = \"GatewayKey other&202701010000&c2VjcmV0c2VjcmV0\"\n  }\n}\n";
    let script = "helm upgrade a x/azure-api-management-gateway --set gateway.name=a --set gateway.auth.key=$T\nbash -c \"helm upgrade b x/azure-api-management-gateway --set gateway.auth.key=$T\"\n";
    let folder = Folder::with(&[("main.tf", &format!("{release}{manifest}")), ("deploy.sh", script)]);
    for arguments in [&["--diff"][..], &["--check"], &[], &[]] {
        let output = migrate(&folder, arguments);
        assert_eq!(output.code, 2, "{arguments:?}: {}", output.everything());
        assert!(output.stderr.contains("not migrated: ./main.tf:"), "{}", output.stderr);
        assert!(output.stderr.contains("not migrated: ./deploy.sh:2: "), "{}", output.stderr);
        assert!(output.stderr.ends_with("; 2 not migrated\n"), "{}", output.stderr);
        assert!(!output.everything().contains(KEY), "{}", output.everything());
    }
    let folder = Folder::with(&[("main.tf", &format!("{release}{manifest}"))]);
    let keys = migrate(&folder, &[]).stdout;
    assert!(keys.contains("- ./main.tf:8\n") && keys.contains("- ./main.tf:15\n"), "{keys}");
}

#[test]
fn a_policy_has_what_the_sources_say() {
    let application = fs::read_to_string(Path::new(FIXTURES).join("before/argo/app.yaml")).unwrap();
    let folder = Folder::with(&[("app.yaml", &application), ("values.yaml", VALUES)]);
    let output = migrate(&folder, &["--write-policy", "policy.txt"]);
    assert!(
        output.stderr.contains("--write-policy: add the namespace of 1 gateway to policy.txt"),
        "{}",
        output.stderr
    );
    let policy = fs::read_to_string(folder.path("policy.txt")).unwrap();
    assert!(policy.contains("    gateways:\n"), "{policy}");
    assert!(policy.contains("serviceAccount: billing-azure-api-management-gateway\n"), "{policy}");
    assert!(policy.contains(CLIENT_ID), "{policy}");
    assert!(output.stdout.contains("./app.yaml:23:18\n"), "{}", output.stdout);
    assert!(output.stdout.contains("- first commit and push ./app.yaml"), "{}", output.stdout);
}

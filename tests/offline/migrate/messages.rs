//! The messages of `migrate` name the cause, and the steps can be printed again.

use super::fixtures::VS_CODE;
use super::several::{ENDPOINT, config_map, gateway};
use super::{CLIENT, migrated, read};
use test_support::run::Folder;

#[test]
fn the_namespace_of_a_manifest_without_one_is_said_and_used_in_each_command() {
    let note = "Check namespace default: the manifest names none, and neither does --namespace";
    let (ran, _) = migrated(VS_CODE, &[]);
    assert!(ran.stdout.contains(note), "{}", ran.stdout);
    for namespace in ["default", "shop"] {
        let (ran, _) = migrated(VS_CODE, &["--namespace", namespace]);
        assert!(!ran.stdout.contains(note), "{}", ran.stdout);
        let commands = ran.stdout.lines().filter(|line| line.trim().starts_with("kubectl "));
        let commands: Vec<&str> = commands.collect();
        assert!(commands.len() >= 3, "{}", ran.stdout);
        for command in commands {
            assert!(command.contains(&format!(" -n {namespace}")), "{command}");
        }
    }
}

/// kubectl rejects `-n` for an object of another namespace.
#[test]
fn a_file_with_namespaces_is_applied_without_the_option() {
    let own = "        - {name: config.service.endpoint, value: contoso.configuration.azure-api.net}\n";
    let text = gateway("a", own);
    for arguments in [&[][..], &["--namespace", "other"]] {
        let (ran, _) = migrated(&text, arguments);
        assert!(ran.stdout.contains("     kubectl apply -f a.yaml\n"), "{}", ran.stdout);
        assert!(!ran.stdout.contains("Check namespace"), "{}", ran.stdout);
    }
    let mixed = format!("{text}---\n{}", VS_CODE.replace("name: orders", "name: b"));
    let (ran, _) = migrated(&mixed, &[]);
    assert!(ran.stdout.contains("     kubectl apply -f a.yaml\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("kubectl config set-context --current --namespace=default"), "{}", ran.stdout);
}

#[test]
fn a_config_map_that_is_not_found_is_said_with_its_cause() {
    let workload = gateway("a", "        envFrom: [{configMapRef: {name: a-env}}]\n");
    let settings = config_map("a-env", ENDPOINT);
    for (other, message) in [
        (config_map("b-env", ENDPOINT), "Add ConfigMap \"a-env\" of Deployment \"a\" to the input"),
        (
            settings.replace("namespace: shop", "namespace: orders"),
            "Write the same metadata.namespace into ConfigMap \"a-env\" and Deployment \"a\"",
        ),
        (
            settings.replace("contoso", "${INSTANCE}"),
            "Render ConfigMap \"a-env\" of Deployment \"a\" first, or decrypt it",
        ),
    ] {
        let (ran, _) = migrated(&[workload.clone(), other].join("---\n"), &[]);
        assert_eq!(ran.code, 2, "{}", ran.everything());
        assert!(ran.stderr.contains(&format!("not migrated: a.yaml:1:1: {message}")), "{message}\n{}", ran.stderr);
    }
}

#[test]
fn the_gateway_that_blocks_a_group_is_named() {
    let shared = "        envFrom: [{configMapRef: {name: shared}}, {configMapRef: {name: absent}}]\n";
    let text = [
        gateway("a", &shared.replace(", {configMapRef: {name: absent}}", "")),
        gateway("b", shared),
        config_map("shared", "  a: b\n"),
    ];
    let (ran, _) = migrated(&text.join("---\n"), &["--endpoint", "contoso.configuration.azure-api.net"]);
    let message = "Migrate Deployment \"a\" together with Deployment \"b\", which takes ConfigMap \"shared\", too";
    assert!(ran.code == 2 && ran.stderr.contains(message), "{}", ran.everything());
}

#[test]
fn plan_asks_for_the_migration_first() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let ran = folder.run(&["plan", "a.yaml"]);
    assert_eq!((ran.code, ran.everything().contains("no gateway")), (1, false), "{}", ran.everything());
    let message = "Run `apim-keyless migrate` on the manifests of Deployment default/orders first: it authenticates with an \
                   auth key";
    assert!(ran.everything().contains(message), "{}", ran.everything());
    folder.run(&["migrate", "a.yaml", "--client-id", CLIENT]);
    let ran = folder.run(&["plan", "a.yaml"]);
    assert!(ran.code == 0 && !ran.everything().contains("migrate"), "{}", ran.everything());
}

#[test]
fn the_steps_are_printed_again_from_the_old_files() {
    let folder = Folder::with(&[("old/a.yaml", VS_CODE), ("a.yaml", VS_CODE)]);
    let first = folder.run(&["migrate", "a.yaml", "--client-id", CLIENT]);
    let after = read(&folder, "a.yaml");
    let again = folder.run(&["migrate", "old/a.yaml", "--client-id", CLIENT, "--checklist"]);
    assert_eq!((again.code, again.stdout.as_str()), (0, first.stdout.replace("a.yaml", "old/a.yaml").as_str()));
    assert_eq!((read(&folder, "old/a.yaml").as_str(), read(&folder, "a.yaml")), (VS_CODE, after));
    let piped = folder.feed(&["migrate", "-", "--client-id", CLIENT, "--checklist"], VS_CODE);
    assert!(piped.code == 0 && piped.stdout.starts_with("1. Read the changed files"), "{}", piped.everything());
}

//! Kustomizations: their patches are left out, and `--kustomize` checks what they build.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use test_support::project;
use test_support::run::Folder;
use test_support::run::manifests::{KEYLESS, OUTDATED};

const KUSTOMIZATION: &str = "resources: [orders.yaml]\n";

/// Runs `check --kustomize` on the folder `base`, with only these programs to find.
fn check(folder: &Folder, programs: &[(&str, &str)]) -> (i32, String) {
    let bin = folder.path("bin");
    fs::create_dir_all(&bin).unwrap();
    for (name, script) in programs {
        fs::write(bin.join(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(project::binary())
        .args(["check", "--kustomize", "base"])
        .current_dir(folder.path("."))
        .env("PATH", &bin)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn the_output_of_the_installed_program_is_checked() {
    let folder = Folder::with(&[("base/kustomization.yaml", KUSTOMIZATION), ("base/orders.yaml", OUTDATED)]);
    let (code, text) = check(&folder, &[("kubectl", "test \"$1\" = kustomize && /bin/cat \"$2/orders.yaml\"")]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("--> base (output of kubectl kustomize):12:9"), "{text}");
    // kustomize itself comes first
    let (code, text) = check(&folder, &[("kustomize", "test \"$1\" = build && /bin/cat \"$2/orders.yaml\"")]);
    assert!(code == 1 && text.contains("base (output of kustomize build):12:9"), "{text}");
}

#[test]
fn a_build_that_fails_or_cannot_run_is_an_error() {
    let folder = Folder::with(&[("base/kustomization.yaml", KUSTOMIZATION), ("base/orders.yaml", KEYLESS)]);
    let (code, text) = check(&folder, &[]);
    assert!(code == 2 && text.contains("neither is installed; install one of them"), "{text}");
    let (code, text) = check(&folder, &[("kubectl", "echo hunter2 >&2; exit 1")]);
    assert!(code == 2 && text.contains("error: base: kubectl kustomize failed; run it"), "{text}");
    assert!(!text.contains("hunter2"), "the output of a failed build can hold a secret: {text}");
    let folder = Folder::with(&[("base/orders.yaml", KEYLESS)]);
    let (code, text) = check(&folder, &[]);
    assert!(code == 2 && text.contains("error: base: no kustomization.yaml in this folder"), "{text}");
}

#[test]
fn the_real_kubectl_builds_a_kustomization() {
    if Command::new("kubectl").arg("help").output().is_err() {
        return test_support::go_tools::print_to_stderr("not run: there is no kubectl");
    }
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: orders, namespace: shop}\nspec: {template: {spec: {containers: [{name: gateway, image: \"mcr.microsoft.com/azure-api-management/gateway:2.9.0\"}]}}}\n";
    let folder = Folder::with(&[
        ("base/kustomization.yaml", "resources: [orders.yaml]\npatches: [{path: patch.yaml}]\nnamespace: team-a\n"),
        ("base/orders.yaml", KEYLESS),
        ("base/patch.yaml", patch),
    ]);
    let ran = folder.run(&["check", "--kustomize", "base"]);
    assert_eq!(ran.code, 1, "{}", ran.everything());
    assert!(ran.stdout.contains("in Deployment team-a/orders"), "{}", ran.stdout);
    // without the flag, the patch is left out
    let ran = folder.run(&["check", "base"]);
    assert_eq!(ran.code, 0, "{}", ran.everything());
    assert!(ran.stdout.contains("a patch of Kustomize"), "{}", ran.stdout);
}

//! Where `migrate` writes: never outside of the folder that was named, and nothing unless everything can be written.

use super::fixtures::VS_CODE;
use super::{CLIENT, read};
use std::fs;
use std::os::unix::fs::symlink;
use test_support::run::Folder;
use test_support::run::manifests::UNLABELED;

#[test]
fn nothing_is_written_behind_a_link_in_the_output_folder() {
    let folder = Folder::with(&[("in/a/orders.yaml", VS_CODE), ("elsewhere/keep", ""), ("out/keep", "")]);
    symlink(folder.path("elsewhere"), folder.path("out/a")).unwrap();
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT, "--output-dir", "out"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("nothing was written: out/a/orders.yaml: a symbolic link leads out"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path("elsewhere")).unwrap().count(), 1);
    // a folder of the arguments can itself be a link
    symlink(folder.path("elsewhere"), folder.path("link")).unwrap();
    let ran = folder.run(&["migrate", "in", "--client-id", CLIENT, "--output-dir", "link"]);
    assert!(ran.code == 0 && read(&folder, "elsewhere/a/orders.yaml").contains("workloadIdentity"));
}

#[test]
fn a_policy_is_not_written_through_a_link() {
    let folder = Folder::with(&[("in/a.yaml", VS_CODE), ("other.yaml", ""), ("elsewhere/keep", ""), ("out/keep", "")]);
    symlink(folder.path("other.yaml"), folder.path("out/policy.yaml")).unwrap();
    symlink(folder.path("absent.yaml"), folder.path("out/dangling.yaml")).unwrap();
    symlink(folder.path("elsewhere"), folder.path("out/b")).unwrap();
    for (path, message) in [
        ("out/policy.yaml", "is a symbolic link"),
        ("out/dangling.yaml", "is a symbolic link"),
        ("out/b/policy.yaml", "a symbolic link leads out of the folder out"),
    ] {
        let arguments = ["migrate", "in", "--client-id", CLIENT, "--output-dir", "out", "--write-policy", path];
        let ran = folder.run(&arguments);
        assert!(ran.code == 2 && ran.stderr.contains(message), "{path}: {}", ran.everything());
    }
    assert_eq!(read(&folder, "other.yaml"), "");
    assert!(!folder.path("absent.yaml").exists() && !folder.path("elsewhere/policy.yaml").exists());
    assert!(!folder.path("out/a.yaml").exists(), "nothing was written");
}

/// A kustomization of a remote base, which gets new files.
const KUSTOMIZATION: &str = "namespace: gateways
resources:
  - https://git.example/base?ref=v1
patches:
  - path: gateway.yaml
";
const PATCH: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  template:
    spec:
      containers:
        - name: gateway
          image: mcr.microsoft.com/azure-api-management/gateway:2.12.2
";

#[test]
fn a_new_file_that_exists_is_an_error_before_anything_is_written() {
    let own = "a: b\n";
    let files = [("k/kustomization.yaml", KUSTOMIZATION), ("k/gateway.yaml", PATCH), ("k/workload-identity.yaml", own)];
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "k/kustomization.yaml", "--client-id", CLIENT]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(ran.stderr.contains("nothing was written: k/workload-identity.yaml exists"), "{}", ran.stderr);
    for (file, text) in files {
        assert_eq!(read(&folder, file), text, "{file}");
    }
    // the same content is no obstacle: the command can be repeated
    let repeated = ["migrate", "k/kustomization.yaml", "--client-id", CLIENT, "--output-dir", "out"];
    for _ in 0..2 {
        let ran = folder.run(&repeated);
        assert!(!ran.stderr.contains("nothing was written"), "{}", ran.everything());
        assert!(read(&folder, "out/workload-identity.yaml").contains(CLIENT));
    }
}

#[test]
fn new_files_of_two_folders_are_not_written_to_one() {
    let of = |folder: &'static str| {
        [(format!("{folder}/kustomization.yaml"), KUSTOMIZATION), (format!("{folder}/gateway.yaml"), PATCH)]
    };
    let files = [of("a/x"), of("a/y")].concat();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (file.as_str(), *text)).collect();
    let folder = Folder::with(&files);
    let ran = folder.run(&["migrate", "a/x", "a/y", "--client-id", CLIENT, "--output-dir", "out"]);
    assert_eq!(ran.code, 2, "{}", ran.everything());
    assert!(!folder.path("out").exists(), "{}", ran.everything());
}

#[test]
fn a_diff_shows_new_files_and_a_check_names_them() {
    let folder = Folder::with(&[("k/kustomization.yaml", KUSTOMIZATION), ("k/gateway.yaml", PATCH)]);
    let ran = folder.run(&["migrate", "k/kustomization.yaml", "--client-id", CLIENT, "--diff"]);
    assert!(ran.stdout.contains("--- /dev/null\n+++ b/k/workload-identity.yaml\n"), "{}", ran.everything());
    assert!(ran.stdout.contains("+kind: ServiceAccount\n"), "{}", ran.stdout);
    let ran = folder.run(&["migrate", "k/kustomization.yaml", "--client-id", CLIENT, "--check"]);
    for line in ["would change k/kustomization.yaml\n", "would create k/workload-identity.yaml\n"] {
        assert!(ran.stderr.contains(line), "{line}\n{}", ran.stderr);
    }
    assert!(!folder.path("k/workload-identity.yaml").exists());
}

#[test]
fn control_characters_are_not_sent_to_a_terminal() {
    let name = "a\u{1b}[2J\u{9b}.yaml";
    let text = VS_CODE.replace("app: orders\n    spec", "app: orders\n        \"\u{202e}odd\": a\n    spec");
    assert_ne!(text, VS_CODE);
    let script = "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=$T \\\n  --set a=b\u{1b}[2J\n";
    let folder = Folder::with(&[(name, &text), ("deploy\u{1b}.sh", script), ("c\u{1b}.yaml", UNLABELED)]);
    let migrate = ["migrate", name, "deploy\u{1b}.sh", "--client-id", CLIENT, "--diff"];
    for arguments in [&migrate[..], &["fix", "c\u{1b}.yaml", "--diff"]] {
        let ran = folder.run(arguments);
        assert!(ran.stdout.contains("+++ b/") && ran.stdout.contains("\\u{1b}"), "{}", ran.everything());
        let is_raw = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
        assert!(!ran.everything().contains(is_raw), "{:?}", ran.everything());
    }
}

//! `migrate`: what it writes for each form of a gateway's manifests, and what it leaves as it is.

mod built;
mod containers;
mod corpus;
mod deployers;
mod files;
mod fixtures;
mod generate;
mod helmfiles;
mod kustomize;
mod layouts;
mod leftovers;
mod mentioned;
mod messages;
mod output;
mod policy;
mod releases;
mod safety;
mod scripts;
mod secret_copies;
mod several;
mod size;
mod stated;
mod targets;
mod terminal;
mod terraform;
mod undone;
mod unread;
mod users;
mod values;

use serde_json::Value;
use std::fs;
use test_support::corpus::{CLIENT, KEY};
use test_support::run::{Folder, RunOutput};

fn read(folder: &Folder, file: &str) -> String {
    fs::read_to_string(folder.path(file)).unwrap()
}

/// Migrates the file `a.yaml` of this text with the client id and these arguments.
fn migrated(text: &str, arguments: &[&str]) -> (RunOutput, String) {
    let folder = Folder::with(&[("a.yaml", text)]);
    let ran = folder.run(&[&["migrate", "a.yaml", "--client-id", CLIENT], arguments].concat());
    (ran, read(&folder, "a.yaml"))
}

/// The rules of the errors and fixable findings of a file, each with the kind of its object; without `except`.
fn findings(folder: &Folder, file: &str, except: &[(&str, &str)]) -> Vec<(String, String)> {
    let report = folder.report(&[file]);
    let found = report["findings"].as_array().unwrap().iter().filter(|finding| finding["level"] != "warning");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = found.map(|finding| (text(&finding["rule"]), text(&finding["object"]["kind"])));
    found.filter(|(rule, kind)| !except.contains(&(rule.as_str(), kind.as_str()))).collect()
}

/// The lines of `before` that `after` does not have as often.
fn removed_lines<'t>(before: &'t str, after: &str) -> Vec<&'t str> {
    let mut left: Vec<&str> = after.lines().collect();
    let is_gone = |line: &&str| match left.iter().position(|other| other == line) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    before.lines().filter(is_gone).collect()
}

/// Words of the lines that a migration may remove or change.
const CHANGED_WORDS: [&str; 17] = [
    "config.service.",
    "valueFrom",
    "secretKeyRef",
    "secretRef",
    "image:",
    "env:",
    "envFrom",
    "serviceAccount",
    "gateway.name",
    "key:",
    "name:",
    "value:",
    "---",
    "optional:",
    "volumeMounts:",
    "labels: {",
    "apim-gateway-env",
];

/// Migrates a file, and asserts what holds for each: `check` accepts the result, a second migration changes nothing, and
/// only lines about authentication and the image are gone.
fn assert_migrated(name: &str, text: &str, arguments: &[&str]) -> String {
    let folder = Folder::with(&[("a.yaml", text)]);
    let arguments = [&["migrate", "a.yaml", "--client-id", CLIENT], arguments].concat();
    let ran = folder.run(&arguments);
    assert_eq!(ran.code, 0, "{name}: {}", ran.everything());
    let after = read(&folder, "a.yaml");
    assert_ne!(after, text, "{name}");
    // the Secret is deleted after the rollout
    let found = findings(&folder, "a.yaml", &[("auth-key-literal", "Secret")]);
    assert!(found.is_empty(), "{name}: {found:?}\n{after}");
    for line in removed_lines(text, &after) {
        assert!(CHANGED_WORDS.iter().any(|word| line.contains(word)), "{name}: {line:?} is gone\n{after}");
    }
    assert!(!ran.everything().contains("c2lnbmF0dXJl"), "{name}: the key is shown");
    let again = folder.run(&arguments);
    assert_eq!((again.code, read(&folder, "a.yaml").as_str()), (0, after.as_str()), "{name}: {}", again.everything());
    assert_eq!(folder.run(&[arguments.as_slice(), &["--check"]].concat()).code, 0, "{name}");
    after
}

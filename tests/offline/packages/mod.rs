//! What people install: the version that the binary prints, the packages, and what a release needs to build them.

mod templates;
mod version;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// The operating systems and architectures of the archives that the release workflow builds.
fn platforms() -> BTreeSet<String> {
    let workflow = fs::read_to_string(".github/workflows/release.yml").unwrap();
    let workflow: Value = serde_saphyr::from_str(&workflow).unwrap();
    let entries = workflow["jobs"]["binaries"]["strategy"]["matrix"]["include"].as_array().unwrap().clone();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries.iter().map(|entry| format!("{}-{}", text(entry, "os"), text(entry, "architecture"))).collect()
}

#[test]
fn every_archive_is_built_by_the_workflow_and_used_by_each_package_manager() {
    let built = platforms();
    let expected = ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64"];
    assert_eq!(built, expected.map(str::to_owned).into());
    let read = |file: &str| fs::read_to_string(file).unwrap();
    for platform in &built {
        let archive = format!("{platform}.tar.gz");
        assert!(read("Cargo.toml").contains(&archive), "binstall");
        assert!(read("deploy/packages/apim-keyless.yaml").contains(&archive), "krew");
        let is_in_formula = read("deploy/packages/apim-keyless.rb").contains(&archive);
        assert_eq!(is_in_formula, !platform.starts_with("windows"), "Homebrew exists for macOS and Linux");
    }
}

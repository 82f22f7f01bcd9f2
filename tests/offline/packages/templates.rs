//! `deploy/packages/fill` writes a formula and a manifest that package managers can use.

use super::platforms;
use serde_json::Value;
use std::fs;
use std::process::{Command, Output};
use test_support::npm::not_run;
use test_support::run::Folder;

const REPOSITORY: &str = "https://github.example/team/apim-keyless";

fn fill(folder: &Folder) -> Output {
    let (archives, out) = (folder.path("archives"), folder.path("out"));
    Command::new("deploy/packages/fill").args(["1.2.3", REPOSITORY]).args([archives, out]).output().unwrap()
}

/// The SHA-256 of a file, as the user's own tool computes it.
fn sha256(folder: &Folder, file: &str) -> String {
    let output = Command::new("sha256sum").arg(folder.path(file)).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

/// The filled files, and the address and the checksum that each platform must have.
fn filled() -> (Folder, Vec<(String, String, String)>) {
    let folder = Folder::with(&[]);
    let names = platforms().into_iter().map(|platform| {
        let archive = format!("apim-keyless-1.2.3-{platform}.tar.gz");
        folder.write(&format!("archives/{archive}"), platform.as_bytes());
        let sum = sha256(&folder, &format!("archives/{archive}"));
        (platform, format!("{REPOSITORY}/releases/download/v1.2.3/{archive}"), sum)
    });
    let expected = names.collect();
    let output = fill(&folder);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (folder, expected)
}

#[test]
fn the_krew_manifest_has_the_address_and_the_checksum_of_each_archive() {
    let (folder, expected) = filled();
    let text = fs::read_to_string(folder.path("out/apim-keyless.yaml")).unwrap();
    let manifest: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!((&manifest["kind"], &manifest["spec"]["version"]), (&"Plugin".into(), &"v1.2.3".into()));
    assert!(manifest["spec"]["shortDescription"].as_str().unwrap().len() <= 50, "krew's limit");
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut listed: Vec<_> = platforms
        .iter()
        .map(|platform| {
            let labels = &platform["selector"]["matchLabels"];
            let is_windows = labels["os"] == "windows";
            assert_eq!(platform["bin"], if is_windows { "apim-keyless.exe" } else { "apim-keyless" });
            let name = format!("{}-{}", text(&labels["os"]), text(&labels["arch"]));
            (name, text(&platform["uri"]), text(&platform["sha256"]))
        })
        .collect();
    listed.sort();
    assert_eq!(listed, expected);
}

#[test]
fn the_formula_is_ruby_and_has_the_address_and_the_checksum_of_each_archive() {
    let (folder, expected) = filled();
    let formula = fs::read_to_string(folder.path("out/apim-keyless.rb")).unwrap();
    for (platform, url, sum) in expected.iter().filter(|(platform, ..)| !platform.starts_with("windows")) {
        let stanza = format!("url \"{url}\"\n      sha256 \"{sum}\"\n");
        assert!(formula.contains(&stanza), "{platform}: {formula}");
    }
    assert!(formula.starts_with("class ApimKeyless < Formula\n") && formula.contains("  version \"1.2.3\"\n"));
    match Command::new("ruby").arg("-c").arg(folder.path("out/apim-keyless.rb")).output() {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => not_run("the Homebrew formula", "ruby is not installed"),
    }
}

#[test]
fn without_an_archive_nothing_is_filled() {
    let (folder, _) = filled();
    fs::remove_file(folder.path("archives/apim-keyless-1.2.3-darwin-arm64.tar.gz")).unwrap();
    let output = fill(&folder);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.ends_with("apim-keyless-1.2.3-darwin-arm64.tar.gz does not exist; build it first\n"), "{stderr}");
}

#[test]
fn the_formulas_own_test_passes() {
    let formula = fs::read_to_string("deploy/packages/apim-keyless.rb").unwrap();
    let command = formula.split("shell_output(\"#{bin}/apim-keyless generate ").nth(1).unwrap().split('"').next();
    let arguments: Vec<&str> = ["generate"].into_iter().chain(command.unwrap().split(' ')).collect();
    let folder = Folder::with(&[]);
    let generated = folder.run(&arguments);
    assert_eq!(generated.code, 0, "{}", generated.stderr);
    folder.write("gateway.yaml", generated.stdout.as_bytes());
    let checked = folder.check("gateway.yaml");
    assert_eq!(checked.code, 0, "{}", checked.everything());
}

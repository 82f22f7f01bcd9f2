//! The steps of docs/pipelines.md for other systems: their scripts are correct, and those that need no further program run.

use super::{GOOD, VERSION, WITH_KEY, address, archive, can_download, output_of, releases, shellcheck};
use serde_json::Value;
use std::fs;
use std::process::Command;
use test_support::run::Folder;

/// Where the releases are, on the page.
const RELEASES: &str = "https://github.com/OWNER/REPOSITORY/releases/download";

/// The parsed examples of the page.
fn examples() -> Vec<Value> {
    let page = fs::read_to_string("docs/pipelines.md").unwrap();
    let blocks = page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    blocks.map(|block| serde_saphyr::from_str(block).unwrap()).collect()
}

/// A script in an example, with the variables that its job sets.
struct Script {
    text: String,
    variables: Vec<(String, String)>,
}

/// Every script in a value.
fn scripts(value: &Value, found: &mut Vec<Script>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| scripts(value, found)),
        Value::Object(fields) => {
            let text = fields.get("script").or(fields.get("run")).map(|script| match script {
                Value::Array(lines) => lines.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n"),
                line => line.as_str().unwrap().to_owned(),
            });
            let variables = fields.get("variables").or(fields.get("env")).and_then(Value::as_object);
            let variables =
                variables.into_iter().flatten().map(|(name, value)| (name.clone(), value.as_str().unwrap()));
            let variables = variables.map(|(name, value)| (name, value.to_owned())).collect();
            found.extend(text.map(|text| Script { text, variables }));
            fields.values().for_each(|value| scripts(value, found));
        }
        _ => {}
    }
}

fn all_scripts() -> Vec<Script> {
    let mut found = Vec::new();
    scripts(&examples().into(), &mut found);
    found
}

#[test]
fn every_example_calls_check_and_shellcheck_has_no_complaint() {
    let scripts = all_scripts();
    assert_eq!(scripts.len(), 5);
    let folder = Folder::with(&[]);
    for Script { text, variables } in scripts {
        // the step after the one that renders a chart is the action
        assert!(text.contains("apim-keyless check ") || text.starts_with("helm template "), "{text}");
        let names: Vec<String> = variables.iter().map(|(name, _)| format!("{name}=${{{name}:-}}")).collect();
        folder.write("script.sh", format!("#!/usr/bin/env bash\nset -e\n{}\n{text}\n", names.join("\n")).as_bytes());
        shellcheck(&folder.path("script.sh"));
    }
}

#[test]
fn the_scripts_that_download_a_release_run_and_report_what_is_wrong() {
    if !can_download() {
        return;
    }
    let is_download = |script: &Script| script.variables.iter().any(|(name, _)| name == "RELEASE");
    let scripts: Vec<Script> = all_scripts().into_iter().filter(is_download).collect();
    assert_eq!(scripts.len(), 2, "GitLab and Azure Pipelines");
    for Script { text, variables } in scripts {
        for (manifest, expected) in [(GOOD, 0), (WITH_KEY, 1)] {
            let folder = Folder::with(&[("deploy/a.yaml", manifest)]);
            let mut command = Command::new("bash");
            command.args(["-ec", &text]).current_dir(folder.path(""));
            for (name, value) in &variables {
                command.env(name, value.replace(RELEASES, &address(releases())));
            }
            // that of this machine
            command.env("ARCHIVE", archive());
            let (code, printed) = output_of(&mut command);
            assert_eq!(code, Some(expected), "{printed}");
            assert!(fs::read_to_string(folder.path("gateways.xml")).unwrap().contains("<testsuite"));
        }
        let sums = format!("{}  {}\n", "0".repeat(64), archive());
        let folder = Folder::with(&[("deploy/a.yaml", GOOD), ("release/SHA256SUMS", &sums)]);
        let released = releases().path(&format!("v{VERSION}/{}", archive()));
        fs::copy(released, folder.path("release").join(archive())).unwrap();
        let mut command = Command::new("bash");
        command.args(["-ec", &text]).current_dir(folder.path("")).env("ARCHIVE", archive());
        command.env("RELEASE", format!("file://{}", folder.path("release").display()));
        let (code, printed) = output_of(&mut command);
        assert_ne!(code, Some(0), "{printed}");
        assert!(!folder.path("gateways.xml").exists(), "an archive without the checksum of the release was used");
    }
}

#[test]
fn the_examples_name_one_version_and_the_package_of_this_one() {
    for page in ["docs/pipelines.md", "docs/packages.md"] {
        let text = fs::read_to_string(page).unwrap();
        for part in text.split("releases/download/v").skip(1).chain(text.split("rev: v").skip(1)) {
            assert!(part.starts_with(VERSION), "{page}: {}", part.lines().next().unwrap());
        }
        for part in text.split("OWNER/REPOSITORY@v").skip(1) {
            assert!(part.starts_with(VERSION), "{page}: {}", part.lines().next().unwrap());
        }
    }
}

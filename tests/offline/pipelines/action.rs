//! The steps of `action.yml`, run by bash with the environment that GitHub gives them.

use super::{GOOD, VERSION, WITH_KEY, address, archive, can_download, output_of, releases};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use test_support::project;
use test_support::run::Folder;

/// A run of the action in a folder, with inputs.
struct Action<'a> {
    folder: &'a Folder,
    inputs: &'a [(&'a str, &'a str)],
}

impl Action<'_> {
    /// The value of an input, an output or a variable of GitHub.
    fn value(&self, expression: &str, outputs: &BTreeMap<String, String>, definition: &Value) -> String {
        let expression = expression.trim();
        if let Some((first, second)) = expression.split_once(" || ") {
            let first = self.value(first, outputs, definition);
            return if first.is_empty() { self.value(second, outputs, definition) } else { first };
        }
        if let Some(input) = expression.strip_prefix("inputs.") {
            let given = self.inputs.iter().find(|(name, _)| *name == input).map(|(_, value)| (*value).to_owned());
            return given.unwrap_or_else(|| definition["inputs"][input]["default"].as_str().unwrap().to_owned());
        }
        if let Some(output) = expression.strip_prefix("steps.") {
            return outputs.get(output).cloned().unwrap_or_default();
        }
        match expression {
            "github.action_path" => project::FOLDER.to_owned(),
            "github.action_repository" => "OWNER/REPOSITORY".to_owned(),
            // port 9 discards; nothing listens there
            "github.server_url" => "http://127.0.0.1:9".to_owned(),
            "runner.temp" => self.folder.path("temp").display().to_string(),
            other => panic!("{other} is unknown"),
        }
    }

    /// A text with its expressions replaced.
    fn expand(&self, text: &str, outputs: &BTreeMap<String, String>, definition: &Value) -> String {
        let mut parts = text.split("${{");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |expanded, part| {
            let (expression, rest) = part.split_once("}}").unwrap();
            expanded + &self.value(expression, outputs, definition) + rest
        })
    }

    /// Runs the steps until one fails: the exit code, what is printed, and the outputs of the steps.
    fn run(&self) -> (Option<i32>, String, BTreeMap<String, String>) {
        let definition: Value = serde_saphyr::from_str(&fs::read_to_string("action.yml").unwrap()).unwrap();
        let (mut outputs, mut printed) = (BTreeMap::new(), String::new());
        for step in definition["runs"]["steps"].as_array().unwrap() {
            let condition = step.get("if").map(|condition| condition.as_str().unwrap().split_once(" == ''").unwrap().0);
            if condition.is_some_and(|empty| !self.value(empty, &outputs, &definition).is_empty()) {
                continue;
            }
            self.folder.write("output", b"");
            let mut command = Command::new("bash");
            command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
            command.current_dir(self.folder.path("")).env("GITHUB_OUTPUT", self.folder.path("output"));
            for (name, value) in step["env"].as_object().unwrap() {
                command.env(name, self.expand(value.as_str().unwrap(), &outputs, &definition));
            }
            let (code, text) = output_of(&mut command);
            printed += &text;
            for line in fs::read_to_string(self.folder.path("output")).unwrap().lines() {
                let (name, value) = line.split_once('=').unwrap();
                outputs.insert(format!("{}.outputs.{name}", step["id"].as_str().unwrap()), value.to_owned());
            }
            if code != Some(0) {
                return (code, printed, outputs);
            }
        }
        (Some(0), printed, outputs)
    }
}

#[test]
fn the_action_downloads_a_release_and_annotates_what_is_wrong() {
    if !can_download() {
        return;
    }
    let folder = Folder::with(&[("deploy/a.yaml", WITH_KEY), ("with space/b.yaml", GOOD)]);
    let inputs = [
        ("releases", address(releases())),
        ("paths", "deploy\nwith space\n".to_owned()),
        ("arguments", "--namespace=apim\r\n".to_owned()),
        ("sarif", "report.sarif".to_owned()),
    ];
    let inputs: Vec<(&str, &str)> = inputs.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (code, printed, outputs) = Action { folder: &folder, inputs: &inputs }.run();
    assert_eq!((code, outputs.get("check.outputs.exit-code").map(String::as_str)), (Some(1), Some("1")), "{printed}");
    assert!(printed.starts_with(&format!("apim-keyless {VERSION}\n")), "{printed}");
    assert!(printed.contains("::error file=deploy/a.yaml,line="), "{printed}");
    let sarif: Value = serde_json::from_str(&fs::read_to_string(folder.path("report.sarif")).unwrap()).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
}

#[test]
fn the_action_uses_an_existing_binary_and_then_downloads_nothing() {
    let folder = Folder::with(&[("a.yaml", GOOD)]);
    let binary = project::binary().display().to_string();
    let (code, printed, outputs) = Action { folder: &folder, inputs: &[("binary", &binary)] }.run();
    assert_eq!((code, outputs["check.outputs.exit-code"].as_str()), (Some(0), "0"), "{printed}");
    assert!(!folder.path("temp").exists());
}

#[test]
fn an_archive_that_is_not_that_of_the_release_is_not_run() {
    if !can_download() {
        return;
    }
    let folder = Folder::with(&[("a.yaml", GOOD)]);
    let changed = Folder::with(&[]);
    let file = |name: &str| format!("v{VERSION}/{name}");
    let sums = fs::read(releases().path(&file("SHA256SUMS"))).unwrap();
    changed.write(&file("SHA256SUMS"), &sums);
    changed.write(&file(&archive()), b"something else");
    let (code, printed, _) = Action { folder: &folder, inputs: &[("releases", &address(&changed))] }.run();
    assert_eq!(code, Some(2));
    assert!(printed.starts_with("::error::Do not use apim-keyless-"), "{printed}");
    assert!(!folder.path("temp/apim-keyless").join(archive()).exists());
}

#[test]
fn a_release_that_does_not_exist_is_named_with_the_fix() {
    if !can_download() {
        return;
    }
    let folder = Folder::with(&[("a.yaml", GOOD)]);
    let releases = address(releases());
    let (code, printed, _) =
        Action { folder: &folder, inputs: &[("releases", &releases), ("version", "v9.9.9")] }.run();
    assert_eq!(code, Some(2));
    assert!(
        printed.contains("::error::Set input version to a release that has apim-keyless-9.9.9-linux-"),
        "{printed}"
    );
}

#[test]
fn the_page_lists_the_inputs() {
    let definition: Value = serde_saphyr::from_str(&fs::read_to_string("action.yml").unwrap()).unwrap();
    let page = fs::read_to_string("docs/pipelines.md").unwrap();
    let listed: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut listed: Vec<String> = listed.into_iter().map(str::to_owned).collect();
    listed.sort();
    let mut inputs: Vec<String> = definition["inputs"].as_object().unwrap().keys().cloned().collect();
    inputs.sort();
    assert_eq!(listed, inputs);
}

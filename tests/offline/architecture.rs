//! Checks the structure of the project: which modules a module may use, that the core is pure, and that documents and
//! manifests agree with the code.

use apim_keyless::cli::Cli;
use apim_keyless_core::policy::rules::RULES;
use clap::CommandFactory;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module, and the modules that it may use.
const MODULES: &[(&str, &[&str])] = &[
    ("gateway", &[]),
    ("policy", &["gateway"]),
    ("admission", &["gateway", "policy"]),
    ("manifest", &["gateway", "policy"]),
    ("report", &["gateway", "policy"]),
    ("tls", &[]),
    ("server", &["admission", "tls"]),
    ("telemetry", &["admission", "cluster", "server"]),
    ("cli", &["admission", "cluster", "policy", "server", "telemetry"]),
    ("cluster", &["gateway", "tls"]),
    ("doctor", &["cluster", "gateway", "policy", "tls"]),
    (
        "command",
        &[
            "admission",
            "cli",
            "cluster",
            "doctor",
            "gateway",
            "manifest",
            "policy",
            "report",
            "server",
            "telemetry",
            "tls",
        ],
    ),
];

/// Code that must not occur in these modules.
const FORBIDDEN: &[(&[&str], &[&str])] = &[
    (
        &["gateway", "policy"],
        &[
            "async ",
            ".await",
            "tokio",
            "kube::",
            "tracing",
            "SystemTime",
            "Instant",
            "std::fs",
            "std::net",
            "std::env",
            "println!",
        ],
    ),
    (&["admission"], &["kube::", "std::fs", "std::env", "println!"]),
    (&["manifest", "report"], &["async ", ".await", "tracing", "println!", "std::net", "std::env"]),
    (&["doctor"], &["async ", ".await", "kube::", "tracing", "SystemTime::now", "println!", "std::fs", "std::env"]),
    (&["tls"], &["async ", ".await", "kube::", "tracing", "SystemTime::now", "std::net::Tcp"]),
    (&["cluster"], &["axum", "println!", "std::fs", "std::env"]),
    (&["server"], &["crate::policy", "crate::gateway", "kube::"]),
];

/// Length limit of a file, in lines.
/// The guide is 300 lines; beyond this a file gives a reason.
const LINES: usize = 400;
/// Start of the comment that gives the reason for a longer file.
const LONG_FILE: &str = "// longer than the guide: ";

#[test]
fn a_module_uses_only_its_allowed_modules() {
    let modules: Vec<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    for (module, allowed) in MODULES {
        for (path, code) in sources(&Path::new("src").join(module)) {
            let used = modules.iter().filter(|other| code.contains(&format!("crate::{other}")));
            for other in used.filter(|other| *other != module) {
                assert!(allowed.contains(other), "{} uses {other}", path.display());
            }
        }
    }
}

#[test]
fn no_module_uses_what_it_must_not() {
    for (modules, words) in FORBIDDEN {
        for (path, code) in modules.iter().flat_map(|module| sources(&Path::new("src").join(module))) {
            for word in *words {
                assert!(!code.contains(word), "{} contains {word:?}", path.display());
            }
        }
    }
}

#[test]
fn every_module_is_listed() {
    let mut modules: Vec<String> =
        fs::read_dir("src").unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    modules.retain(|module| module != "lib.rs" && module != "main.rs");
    modules.sort();
    let mut listed: Vec<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    listed.sort_unstable();
    assert_eq!(modules, listed);
}

#[test]
fn files_are_short_or_give_a_reason() {
    for (path, code) in sources(Path::new("src")).into_iter().chain(sources(Path::new("tests"))) {
        let lines = code.lines().count();
        assert!(lines <= LINES || code.contains(LONG_FILE), "{}: {lines} lines", path.display());
    }
}

#[test]
fn rules_are_sorted_and_each_has_a_file_and_a_page() {
    let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    let names = |folder: &str, end: &str| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> =
            entries.filter_map(|name| Some(name.strip_suffix(end)?.replace('_', "-"))).collect();
        names.retain(|name| name != "mod");
        names.sort();
        names
    };
    assert_eq!(names("docs/rules", ".md"), ids);
    assert_eq!(names("src/policy/rules", ".rs"), ids);
}

#[test]
fn the_readme_lists_every_rule() {
    let readme = fs::read_to_string("README.md").unwrap();
    let table: Vec<&str> = readme.lines().filter(|line| line.starts_with("| [")).collect();
    let row = |rule: &&apim_keyless_core::policy::Rule| {
        let problem = rule.page.lines().nth(2).unwrap();
        let fix = if rule.page.contains("```yaml fixable") { "◆" } else { "" };
        format!("| [{0}](docs/rules/{0}.md) | {1} | {fix} | {problem} |", rule.id, rule.mode)
    };
    let expected: Vec<String> = RULES.iter().map(row).collect();
    assert_eq!(table, expected, "the table must be:\n{}", expected.join("\n"));
}

#[test]
fn the_policy_documents_of_the_readme_and_of_deploy_are_valid() {
    let readme = fs::read_to_string("README.md").unwrap();
    let document = readme
        .split("```yaml\n")
        .filter_map(|part| part.split("```").next())
        .find(|part| part.contains("GatewayPolicy"))
        .unwrap();
    apim_keyless_core::policy::Policy::parse(document).unwrap();
    apim_keyless_core::policy::Policy::parse(&fs::read_to_string("deploy/policy.yaml").unwrap()).unwrap();
}

#[test]
fn the_page_about_serving_lists_every_limit() {
    let page = fs::read_to_string("docs/serving.md").unwrap();
    let listed: Vec<(String, String)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `--"))
        .map(|row| row.split(" | ").take(2).map(|cell| cell.trim_matches('`').to_owned()).collect::<Vec<_>>())
        .map(|cells| (cells[0].clone(), cells[1].clone()))
        .collect();
    let command = Cli::command();
    let serve = command.find_subcommand("serve").unwrap();
    let limits: Vec<(String, String)> = serve
        .get_arguments()
        .filter(|argument| argument.get_help_heading() == Some("Limits"))
        .map(|argument| (argument.get_long().unwrap().to_owned(), argument.get_default_values().join(OsStr::new(","))))
        .map(|(flag, default)| (flag, default.into_string().unwrap()))
        .collect();
    assert_eq!(listed, limits);
    assert_eq!(limits.len(), 12);
}

#[test]
fn a_release_has_one_version_and_one_name() {
    let chart = &documents("deploy/chart/Chart.yaml")[0];
    assert_eq!([&chart["version"], &chart["appVersion"]], [env!("CARGO_PKG_VERSION"); 2]);
    let values = &documents("deploy/chart/values.yaml")[0];
    assert_eq!([&chart["name"], &values["image"]["repository"]], [env!("CARGO_PKG_NAME"); 2]);
    // with a tag here the chart would not render the image of its own version
    assert_eq!(values["image"]["tag"], "");
}

#[test]
fn the_image_starts_the_binary_as_the_user_of_the_chart() {
    let file = fs::read_to_string("Containerfile").unwrap();
    let instruction = |name: &str| {
        let mut found = file.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let one = found.next().unwrap();
        assert_eq!(found.next(), None, "{name} occurs more than once");
        one.to_owned()
    };
    let manifests = documents("deploy/install.yaml");
    let deployment = manifests.iter().find(|object| object["kind"] == "Deployment").unwrap();
    let pod = &deployment["spec"]["template"]["spec"];
    let user = &pod["securityContext"];
    assert_eq!(instruction("USER"), format!("{}:{}", user["runAsUser"], user["runAsGroup"]));
    // without a command the arguments are passed to the image's ENTRYPOINT
    assert_eq!(pod["containers"][0].get("command"), None);
    let binary = format!("/{}", env!("CARGO_PKG_NAME"));
    assert_eq!(instruction("ENTRYPOINT"), format!("[\"{binary}\"]"));
    assert!(instruction("COPY").ends_with(&format!(" {binary}")));
    assert_eq!(instruction("FROM"), "scratch");
}

/// The documents of a YAML file.
fn documents(path: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Every Rust file below a path, without its inline tests.
fn sources(path: &Path) -> Vec<(PathBuf, String)> {
    if path.is_file() {
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        return vec![(path.to_owned(), code.to_owned())];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .flat_map(|path| sources(&path))
        .collect()
}

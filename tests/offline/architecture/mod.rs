//! Checks the structure of the project: which modules a module may use, that the core is pure, and that documents and
//! manifests agree with the code.

mod paths;

use apim_keyless::cli::Cli;
use apim_keyless_core::policy::rules::RULES;
use clap::CommandFactory;
use paths::paths;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the packages, and the modules that it may use. `apim-keyless-core` has `azure`, `gateway`, `migration`
/// and `policy`; `manifest` and `report` are packages.
const MODULES: &[(&str, &[&str])] = &[
    ("azure", &[]),
    ("gateway", &[]),
    ("policy", &["gateway"]),
    ("migration", &["gateway", "policy"]),
    ("manifest", &["gateway", "policy"]),
    ("report", &["gateway", "policy"]),
    ("admission", &["gateway", "policy"]),
    ("tls", &[]),
    ("server", &["admission", "tls"]),
    ("telemetry", &["admission", "cluster", "gateway", "policy", "server"]),
    ("migration_sources", &["gateway", "manifest", "migration", "policy"]),
    ("cli", &["admission", "azure", "cluster", "gateway", "migration", "plan", "policy", "server", "telemetry"]),
    ("cluster", &["gateway", "migration", "tls"]),
    ("native", &["gateway", "policy"]),
    ("plan", &["azure", "gateway", "policy", "report"]),
    ("audit", &["cluster", "gateway", "migration", "policy", "report"]),
    ("doctor", &["azure", "cluster", "gateway", "policy", "report", "tls"]),
    ("entra", &["cluster"]),
    ("verify", &["azure", "cluster", "doctor", "entra", "gateway", "policy", "report"]),
    (
        "command",
        &[
            "admission",
            "audit",
            "azure",
            "cli",
            "cluster",
            "doctor",
            "entra",
            "gateway",
            "manifest",
            "migration",
            "migration_sources",
            "native",
            "plan",
            "policy",
            "report",
            "server",
            "telemetry",
            "tls",
            "verify",
        ],
    ),
];

/// The packages with modules that other packages use, as they are named in paths.
const PACKAGES: [(&str, &str); 3] =
    [("apim_keyless_core::", ""), ("apim_keyless_manifest", "manifest"), ("apim_keyless_report", "report")];

/// What these modules must not use: the start or the end of a path.
const FORBIDDEN: &[(&[&str], &[&str])] = &[
    (&["azure", "gateway", "migration", "policy", "report"], &["async", ".await"]),
    (&["admission"], &["kube", "std::fs", "std::env", "println!"]),
    (&["manifest", "report"], &["async", ".await", "tracing", "println!", "std::net", "std::env"]),
    (
        &["audit", "doctor", "native", "plan", "verify"],
        &["async", ".await", "kube", "tracing", "SystemTime::now", "println!", "std::fs", "std::env"],
    ),
    (
        &["tls"],
        &["async", ".await", "kube", "tracing", "SystemTime::now", "std::net::TcpStream", "std::net::TcpListener"],
    ),
    (&["cluster"], &["axum", "println!", "std::fs", "std::env"]),
    (&["migration_sources"], &["async", ".await", "tracing", "println!", "std::fs", "std::env"]),
    (&["entra"], &["kube", "tracing", "println!", "std::fs", "std::env"]),
    (&["server"], &["kube"]),
];

/// What the packages without I/O may depend on. None of these reads a clock, waits, logs, or opens a file or a socket.
const PURE: [(&str, &[&str]); 3] = [
    (
        "core",
        &[
            "base64",
            "fnv",
            // only its calendar; clippy.toml disallows its clock
            "jiff",
            "json-patch",
            "jsonptr",
            "semver",
            "serde",
            "serde-saphyr",
            "serde_json",
            "serde_path_to_error",
            "similar",
            "strum",
            "thiserror",
        ],
    ),
    // the only one that reads files
    ("manifest", &["apim-keyless-core", "granit-parser", "jsonptr", "serde", "serde-saphyr", "serde_json", "walkdir"]),
    ("report", &["annotate-snippets", "apim-keyless-core", "fnv", "jsonptr", "maud", "serde", "serde_json"]),
];

/// Length limit of a file, in lines.
/// The guide is 300 lines; beyond this a file gives a reason.
const LINES: usize = 400;
/// Start of the comment that gives the reason for a longer file.
const LONG_FILE: &str = "// longer than the guide: ";

#[test]
fn a_module_uses_only_its_allowed_modules() {
    for (module, allowed) in MODULES {
        for file in files(&folder(module)) {
            let used = paths(&file).iter().filter_map(|path| module_of(path)).collect::<BTreeSet<_>>();
            for other in used.iter().filter(|other| other != module) {
                assert!(allowed.contains(&other.as_str()), "{} uses {other}", file.display());
            }
        }
    }
}

#[test]
fn no_module_uses_what_it_must_not() {
    for (modules, forbidden) in FORBIDDEN {
        for file in modules.iter().flat_map(|module| files(&folder(module))) {
            let used = paths(&file);
            for name in *forbidden {
                let found = used.iter().find(|path| is_part_of(name, path));
                assert_eq!(found, None, "{} uses {name}", file.display());
            }
        }
    }
}

/// Does a path start or end with this name?
fn is_part_of(name: &str, path: &str) -> bool {
    path == name || path.starts_with(&format!("{name}::")) || path.ends_with(&format!("::{name}"))
}

#[test]
fn every_module_is_listed() {
    let entries = |folder: &str| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.filter(|name| name != "lib.rs" && name != "main.rs").collect::<Vec<_>>()
    };
    let mut modules = entries("src");
    modules.extend(entries("crates/core/src"));
    modules
        .extend(entries("crates").into_iter().filter(|package| !["core", "test-support"].contains(&package.as_str())));
    modules.sort();
    let mut listed: Vec<&str> = MODULES.iter().map(|(module, _)| *module).collect();
    listed.sort_unstable();
    assert_eq!(modules, listed);
}

#[test]
fn pure_packages_depend_only_on_pure_packages() {
    for (package, allowed) in PURE {
        let manifest = fs::read_to_string(format!("crates/{package}/Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
        let names: Vec<&str> = dependencies
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| line.split(['.', ' ', '=']).next().unwrap())
            .collect();
        assert!(!names.is_empty() && names.iter().all(|name| allowed.contains(name)), "{package}: {names:?}");
        let other =
            ["[build-dependencies", "[target.", "[dependencies."].into_iter().find(|table| manifest.contains(table));
        assert_eq!(other, None, "{package}: this test reads only [dependencies]");
    }
}

#[test]
fn the_settings_of_clippy_for_the_core_include_those_for_all() {
    let core = fs::read_to_string("crates/core/clippy.toml").unwrap();
    // clippy reads only the nearest file
    for line in fs::read_to_string("clippy.toml").unwrap().lines() {
        assert!(core.lines().any(|other| other == line), "{line} is missing");
    }
    for name in [
        "std::fs::read",
        "std::env::var",
        "std::time::SystemTime::now",
        "std::time::Instant::now",
        "jiff::Timestamp::now",
        "jiff::Zoned::now",
        "std::println",
    ] {
        assert!(core.contains(&format!("\"{name}\"")), "{name} is not disallowed");
    }
}

#[test]
fn files_are_short_or_give_a_reason() {
    for path in ["src", "crates", "tests", "benches"].iter().flat_map(|folder| files(Path::new(folder))) {
        let code = fs::read_to_string(&path).unwrap();
        let lines = code.split("#[cfg(test)]\nmod tests").next().unwrap().lines().count();
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
    assert_eq!(names("crates/core/src/policy/rules", ".rs"), ids);
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
    assert_eq!(limits.len(), 13);
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

/// The folder of a module.
fn folder(module: &str) -> PathBuf {
    match module {
        "azure" | "gateway" | "migration" | "policy" => Path::new("crates/core/src").join(module),
        "manifest" | "report" => Path::new("crates").join(module).join("src"),
        _ => Path::new("src").join(module),
    }
}

/// The module of [`MODULES`] that a path leads to.
fn module_of(path: &str) -> Option<String> {
    let path = match PACKAGES.iter().find_map(|(package, module)| Some((path.strip_prefix(package)?, *module))) {
        Some((rest, "")) => rest,
        Some((_, module)) => module,
        None => path.strip_prefix("crate::")?,
    };
    let first = path.split("::").next()?;
    MODULES.iter().map(|(module, _)| *module).find(|module| *module == first).map(str::to_owned)
}

/// Every Rust file below a path.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .flat_map(|path| files(&path))
        .collect()
}

//! The hook, installed and run by pre-commit.

use super::{GOOD, WITH_KEY, output_of};
use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use test_support::npm::is_installed;
use test_support::project;
use test_support::python::PRE_COMMIT;
use test_support::run::Folder;

/// Runs git in a folder, without the settings of the user who runs the test.
fn git(folder: &Folder, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]);
    command.args(arguments).current_dir(folder.path(""));
    command.envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")]);
    let (code, printed) = output_of(&mut command);
    assert_eq!(code, Some(0), "git {arguments:?}: {printed}");
    printed.trim().to_owned()
}

/// A repository with one commit of these files.
fn repository(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::with(files);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "a"]);
    folder
}

#[test]
fn pre_commit_runs_the_hook_on_the_folder_and_fails_for_errors() {
    let Some(python) = PRE_COMMIT.python().filter(|_| is_installed("git", PRE_COMMIT.tests)) else { return };
    let hooks = fs::read_to_string(".pre-commit-hooks.yaml").unwrap();
    let hooks = repository(&[(".pre-commit-hooks.yaml", &hooks)]);
    let configuration = format!(
        "repos:\n- repo: {}\n  rev: {}\n  hooks: [{{id: apim-keyless, args: [deploy]}}]\n",
        hooks.path("").display(),
        git(&hooks, &["rev-parse", "HEAD"])
    );
    let folder = repository(&[
        (".pre-commit-config.yaml", &configuration),
        ("deploy/a.yaml", GOOD),
        ("other/with-key.yaml", WITH_KEY),
        ("README.md", "a"),
    ]);
    let home = Folder::with(&[]);
    let path =
        env::join_paths([project::binary().parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let run = || {
        git(&folder, &["add", "."]);
        let mut command = Command::new(&python);
        command.args(["-m", "pre_commit", "run", "--color=never"]).current_dir(folder.path(""));
        command.env("PATH", &path).env("HOME", home.path("")).env("PRE_COMMIT_HOME", home.path("pre-commit"));
        output_of(&mut command)
    };
    folder.write("README.md", b"b");
    let (code, printed) = run();
    assert!(code == Some(0) && printed.contains("(no files to check)Skipped"), "{printed}");
    folder.write("deploy/b.yaml", GOOD.replace("namespace: apim", "namespace: b").as_bytes());
    let (code, printed) = run();
    assert!(code == Some(0) && printed.contains("Passed"), "a folder that args do not name is not checked: {printed}");
    folder.write("deploy/c.yaml", WITH_KEY.as_bytes());
    let (code, printed) = run();
    assert!(code == Some(1) && printed.contains("- hook id: apim-keyless\n- exit code: 1\n"), "{printed}");
    assert!(printed.contains("error[auth-key-reference]"), "{printed}");
}

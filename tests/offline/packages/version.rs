//! `build.rs` finds the commit and its date, with git and without.

#[allow(dead_code, reason = "main runs in builds only")]
#[path = "../../../build.rs"]
mod build_script;

use build_script::origin;
use std::fs;
use std::process::Command;
use test_support::npm::is_installed;
use test_support::run::Folder;

/// `ARCHIVED` outside of an archive.
const PLACEHOLDER: &str = "$Format:%H %ct$";
/// 13:57 UTC on this day; in New Zealand it was already the 16th.
const TIME: &str = "1763215020 +1300";
const DAY: &str = "2025-11-15";

/// Runs git in a folder, without the settings of the user who runs the test.
fn git(folder: &Folder, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"])
        .args(arguments)
        .current_dir(folder.path(""))
        .envs([("GIT_COMMITTER_DATE", TIME), ("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_SYSTEM", "/dev/null")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with the real build script and its attribute in one commit, and the first digits of the commit; `None`
/// without git.
fn repository() -> Option<(Folder, String)> {
    if !is_installed("git", "the commit in the version") {
        return None;
    }
    let read = |file: &str| fs::read_to_string(file).unwrap();
    let folder = Folder::with(&[("build.rs", &read("build.rs")), (".gitattributes", &read(".gitattributes"))]);
    git(&folder, &["init", "--quiet"]);
    git(&folder, &["add", "."]);
    git(&folder, &["commit", "--quiet", "--message", "a"]);
    let commit = git(&folder, &["rev-parse", "HEAD"])[..12].to_owned();
    Some((folder, commit))
}

#[test]
fn in_a_repository_the_commit_and_its_day_in_utc_are_known() {
    let Some((folder, commit)) = repository() else { return };
    let shown = |source_date| origin(&folder.path(""), PLACEHOLDER, source_date);
    assert_eq!(shown(None), format!(" ({commit} {DAY})"));
    assert_eq!(shown(Some("86400")), format!(" ({commit} 1970-01-02)"), "SOURCE_DATE_EPOCH takes precedence");
    folder.write("untracked", b"");
    assert_eq!(shown(None), format!(" ({commit} {DAY})"));
    folder.write("build.rs", b"");
    assert_eq!(shown(None), format!(" ({commit}-changed {DAY})"));
}

#[test]
fn an_archive_of_the_source_knows_its_commit_without_git() {
    let Some((folder, commit)) = repository() else { return };
    git(&folder, &["archive", "--output", "source.tar", "HEAD"]);
    let tar =
        Command::new("tar").args(["-xOf", "source.tar", "build.rs"]).current_dir(folder.path("")).output().unwrap();
    let script = String::from_utf8(tar.stdout).unwrap();
    let archived = script.lines().find_map(|line| line.strip_prefix("const ARCHIVED: &str = \"")).unwrap();
    let empty = Folder::with(&[]);
    assert_eq!(origin(&empty.path(""), archived.trim_end_matches("\";"), None), format!(" ({commit} {DAY})"));
}

#[test]
fn without_a_commit_nothing_is_invented() {
    let empty = Folder::with(&[]);
    assert_eq!(origin(&empty.path(""), PLACEHOLDER, None), "");
    assert_eq!(origin(&empty.path(""), PLACEHOLDER, Some("86400")), " (1970-01-02)");
    assert_eq!(origin(&empty.path(""), PLACEHOLDER, Some("yesterday")), "");
    // the repository is that of another project, which contains this source
    let Some((folder, _)) = repository() else { return };
    folder.write("vendor/apim-keyless/Cargo.toml", b"");
    assert_eq!(origin(&folder.path("vendor/apim-keyless"), PLACEHOLDER, None), "");
}

//! Sets `APIM_KEYLESS_VERSION`, which `--version` prints: the version of the package, and in a release build the commit and
//! its date.
//!
//! The same source gives the same text, so that builds are reproducible: the date is the commit's, or that of
//! `SOURCE_DATE_EPOCH`, and never today's. Other builds print the version only, because with the commit in the binary each
//! commit would compile everything anew.

#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};
use std::{env, io};

/// The commit and its time. `git archive` writes both here (`.gitattributes`), so that an archive of the source knows its
/// commit without git.
const ARCHIVED: &str = "$Format:%H %ct$";

/// Digits of the commit's hash that are shown.
const DIGITS: usize = 12;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut version = env!("CARGO_PKG_VERSION").to_owned();
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
        let folder = env::current_dir()?;
        for path in changed_with_the_commit(&folder) {
            println!("cargo::rerun-if-changed={path}");
        }
        version.push_str(&origin(&folder, ARCHIVED, env::var("SOURCE_DATE_EPOCH").ok().as_deref()));
    }
    println!("cargo::rustc-env=APIM_KEYLESS_VERSION={version}");
    Ok(())
}

/// The commit and the date, such as ` (0c4c602d4b1f 2026-11-29)`; empty if neither is known.
pub(crate) fn origin(folder: &Path, archived: &str, source_date: Option<&str>) -> String {
    // only in an archive there is a hash instead of the placeholder
    let archived = (!archived.starts_with('$')).then(|| commit_and_time(archived)).flatten();
    let (commit, time) = archived.or_else(|| last_commit(folder)).unzip();
    let date = source_date.or(time.as_deref()).and_then(date);
    let known: Vec<String> = [commit, date].into_iter().flatten().collect();
    if known.is_empty() { String::new() } else { format!(" ({})", known.join(" ")) }
}

/// The last commit and its time. Changed files mark the commit: `0c4c602d4b1f-changed`.
fn last_commit(folder: &Path) -> Option<(String, String)> {
    // a folder inside of another project's repository has no commit of its own
    let root = git(folder, &["rev-parse", "--show-toplevel"])?;
    if Path::new(&root).canonicalize().ok()? != folder.canonicalize().ok()? {
        return None;
    }
    let (commit, time) = commit_and_time(&git(folder, &["log", "-1", "--format=%H %ct"])?)?;
    let is_changed = !git(folder, &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some((format!("{commit}{}", if is_changed { "-changed" } else { "" }), time))
}

fn commit_and_time(text: &str) -> Option<(String, String)> {
    let (hash, time) = text.split_once(' ')?;
    Some((hash.get(..DIGITS)?.to_owned(), time.to_owned()))
}

/// The day of a time in seconds since 1970, in UTC.
fn date(seconds: &str) -> Option<String> {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(seconds.trim().parse().ok()?))?;
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.split('T').next().map(str::to_owned)
}

/// The existing paths that change with the commit or with what is compiled.
fn changed_with_the_commit(folder: &Path) -> Vec<String> {
    let of_git = ["HEAD", "logs/HEAD"].iter().filter_map(|path| git(folder, &["rev-parse", "--git-path", path]));
    let compiled = ["src", "crates", "Cargo.toml", "Cargo.lock"].map(str::to_owned);
    // cargo would run this anew each time for a path that does not exist
    of_git.chain(compiled).filter(|path| folder.join(path).exists()).collect()
}

/// What git prints; `None` if it is not installed or fails.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).current_dir(folder).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

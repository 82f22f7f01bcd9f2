//! Finds and reads the policy: `--policy`, the environment variable, or a file in this folder or in one above.

use super::print_to_stderr;
use crate::cluster::{POLICY_CONFIG_MAP, ReadError, ReadResult};
use anyhow::{anyhow, bail};
use apim_keyless_core::policy::Policy;
use apim_keyless_manifest::STANDARD_INPUT;
use std::env;
use std::fmt;
use std::io::{ErrorKind, Read, stdin};
use std::path::{Path, PathBuf};

/// The environment variable that names the file. If it is empty, there is no policy and none is searched.
const VARIABLE: &str = "APIM_KEYLESS_POLICY";
/// The name of the file that is searched.
const FILE: &str = "apim-keyless.yaml";
/// What marks the root of a repository.
const REPOSITORY_MARKS: [&str; 3] = [".git", ".hg", ".svn"];

/// The policy of a command, and the file that it was read from.
pub(super) struct UsedPolicy {
    pub(super) policy: Policy,
    /// `None` for the built-in policy.
    pub(super) file: Option<PathBuf>,
}

/// Checks that stdin is not both the policy and one of the inputs.
///
/// # Errors
/// It is both.
pub(super) fn check_stdin(flag: Option<&Path>, inputs: &[PathBuf]) -> anyhow::Result<()> {
    let stdin = Path::new(STANDARD_INPUT);
    if flag == Some(stdin) && inputs.iter().any(|input| input == stdin) {
        bail!("-: stdin can hold either the manifests or the policy; name a file for one of them");
    }
    Ok(())
}

/// The policy for a command with this `--policy`. A file that the user did not name is said on stderr.
///
/// # Errors
/// The file cannot be read, or its policy is invalid.
pub(super) fn find(flag: Option<&Path>) -> anyhow::Result<UsedPolicy> {
    let file = match flag {
        Some(path) => Some(path.to_owned()),
        None => discover(),
    };
    let policy = match &file {
        None => Policy::default(),
        Some(path) if path == Path::new(STANDARD_INPUT) => {
            let mut bytes = Vec::new();
            let read = stdin().lock().read_to_end(&mut bytes).map(|_| bytes);
            parse(path, read)?.0
        }
        Some(path) => read(path)?.0,
    };
    Ok(UsedPolicy { policy, file })
}

fn discover() -> Option<PathBuf> {
    if let Some(value) = env::var_os(VARIABLE) {
        if value.is_empty() {
            return None;
        }
        let path = PathBuf::from(value);
        print_to_stderr(&format!("using policy {} ({VARIABLE})", path.display()));
        return Some(path);
    }
    let path = search(&env::current_dir().ok()?, env::home_dir().as_deref())?;
    print_to_stderr(&format!("using policy {}", path.display()));
    Some(path)
}

/// The file in `folder` or in one above. The search ends at the root of the repository or at the home folder. Outside both
/// it ends in `folder`: a folder above may belong to another user.
fn search(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let is_root = |folder: &Path| REPOSITORY_MARKS.iter().any(|mark| folder.join(mark).exists());
    let mut folders: Vec<&Path> = Vec::new();
    for above in folder.ancestors() {
        folders.push(above);
        if is_root(above) || home == Some(above) {
            break;
        }
    }
    let is_bounded = folders.last().is_some_and(|last| is_root(last) || home == Some(*last));
    let searched = if is_bounded { folders.as_slice() } else { folders.get(..1).unwrap_or_default() };
    let path = searched.iter().map(|folder| folder.join(FILE)).find(|path| path.is_file())?;
    Some(path.strip_prefix(folder).map(Path::to_owned).unwrap_or(path))
}

/// Reads the policy of a file, and returns also its text.
///
/// # Errors
/// The file cannot be read, or it has no valid policy.
pub(super) fn read(path: &Path) -> anyhow::Result<(Policy, String)> {
    parse(path, std::fs::read(path))
}

/// The policy of the installation in a namespace of a cluster, from what was read of its document; the built-in one if it
/// has none.
///
/// # Errors
/// The document cannot be read, or is invalid.
pub(super) fn installed(text: ReadResult<Option<String>>, namespace: &str) -> Result<Policy, ReadError> {
    let Some(text) = text? else { return Ok(Policy::default()) };
    Policy::parse(&text).map_err(|error| ReadError {
        attempt: "use the policy document of the installed webhook".to_owned(),
        reason: format!("{error} (ConfigMap {POLICY_CONFIG_MAP} in namespace {namespace}); or pass --policy FILE"),
    })
}

/// Parses what was read of a file; the error has file, line and column, the cause and the fix.
pub(super) fn parse(path: &Path, bytes: std::io::Result<Vec<u8>>) -> anyhow::Result<(Policy, String)> {
    let file = FileName(path);
    let bytes = bytes.map_err(|error| anyhow!("{file}: {}", read_error(error.kind())))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        bail!("{file}:1:1: the policy document is not UTF-8 but UTF-16; save it as UTF-8");
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default()).into_owned();
        let (line, column) =
            (before.split('\n').count(), before.rsplit('\n').next().map_or(0, |it| it.chars().count()));
        anyhow!("{file}:{line}:{}: the policy document is not UTF-8; save it as UTF-8", column + 1)
    })?;
    let policy = Policy::find(&text).map_err(|error| anyhow!("{file}:{error}"))?;
    Ok((policy, text))
}

fn read_error(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotFound => "the file does not exist; check the path of the policy",
        ErrorKind::PermissionDenied => "permission denied; make the policy readable for this user",
        ErrorKind::IsADirectory => "this is a folder; name the file with the policy document in it",
        _ => "the policy cannot be read; name another file",
    }
}

/// The name of a file in messages.
struct FileName<'a>(&'a Path);

impl fmt::Display for FileName<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == Path::new(STANDARD_INPUT) { formatter.write_str("stdin") } else { self.0.display().fmt(formatter) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn found(folder: &Path, home: Option<&Path>) -> Option<String> {
        Some(search(folder, home)?.display().to_string())
    }

    #[test]
    fn the_search_ends_at_the_repository_or_at_home() {
        let root = tempfile::tempdir().unwrap();
        let path = |path: &str| root.path().join(path);
        fs::create_dir_all(path("home/repository/.git")).unwrap();
        fs::create_dir_all(path("home/repository/a/b")).unwrap();
        fs::create_dir_all(path("elsewhere/a")).unwrap();
        let home = path("home");
        let in_repository = || found(&path("home/repository/a/b"), Some(&home));
        fs::write(path("apim-keyless.yaml"), "").unwrap();
        fs::write(path("home/apim-keyless.yaml"), "").unwrap();
        assert_eq!(in_repository(), None, "the file of the home folder is above the repository");
        let above = path("home/apim-keyless.yaml").display().to_string();
        fs::create_dir_all(path("home/other/a")).unwrap();
        assert_eq!(found(&path("home/other/a"), Some(&home)), Some(above));
        fs::write(path("home/repository/apim-keyless.yaml"), "").unwrap();
        assert_eq!(in_repository(), Some(path("home/repository/apim-keyless.yaml").display().to_string()));
        fs::write(path("home/repository/a/b/apim-keyless.yaml"), "").unwrap();
        assert_eq!(in_repository(), Some("apim-keyless.yaml".to_owned()));
        assert_eq!(found(&path("elsewhere/a"), Some(&home)), None, "neither in a repository nor at home");
        fs::write(path("elsewhere/a/apim-keyless.yaml"), "").unwrap();
        assert_eq!(found(&path("elsewhere/a"), None), Some("apim-keyless.yaml".to_owned()));
    }
}

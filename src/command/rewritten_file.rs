//! Shows and writes the changed texts of files, for `fix` and `migrate`.

use super::changed_words;
use anyhow::{Context, anyhow, bail};
use apim_keyless_core::policy::printable;
use apim_keyless_manifest::rewrite::{FileRewrite, masked};
use apim_keyless_manifest::{MAX_FILE_BYTES, STANDARD_INPUT, read_limited};
use similar::{ChangeTag, TextDiff};
use std::fs::{self, File};
use std::io::{ErrorKind, Write, stdin};
use std::path::{Component, Path, PathBuf};

/// What is shown of a line that cannot be masked in part.
const MASK: &str = "***";
/// Lines around a change in a diff of YAML, in which every value is masked that is not known to be harmless.
const CONTEXT_LINES: usize = 3;

/// The bytes of stdin, if it is one of the paths: what is not changed is written unchanged.
pub(super) fn read_stdin(paths: &[PathBuf]) -> anyhow::Result<Option<Vec<u8>>> {
    if paths.iter().all(|path| path != Path::new(STANDARD_INPUT)) {
        return Ok(None);
    }
    let too_large = || format!("stdin is larger than {} MiB, the most that is read; split it", MAX_FILE_BYTES >> 20);
    match read_limited(stdin().lock()) {
        Err(error) if error.kind() == ErrorKind::FileTooLarge => bail!(too_large()),
        read => Ok(Some(read.context("cannot read stdin")?)),
    }
}

/// The changes of YAML as a unified diff with masked values.
pub(super) fn diff(file: &str, rewrite: &FileRewrite) -> String {
    diff_of_change(file, rewrite, &[masked(&rewrite.before), masked(&rewrite.after)], CONTEXT_LINES)
}

/// The changes of a script, a pipeline or Terraform as a unified diff with masked words. Only the changed lines are shown:
/// others can hold a secret under any name.
/// `names` are the names, ids and addresses that are written.
pub(super) fn diff_of_text(file: &str, rewrite: &FileRewrite, names: &[String]) -> String {
    diff_of_change(file, rewrite, &changed_words::masked(&rewrite.before, &rewrite.after, names), 0)
}

fn diff_of_change(file: &str, rewrite: &FileRewrite, masked: &[String; 2], context_lines: usize) -> String {
    let [before, after] = masked;
    let (old, new) = (ShownText::of(&rewrite.before, before), ShownText::of(&rewrite.after, after));
    shown_diff((&header_name("a", file), &old), (&header_name("b", file), &new), context_lines)
}

/// A new file as a unified diff that shows the lines of `masked`.
pub(super) fn diff_of_new(file: &str, text: &str, masked: &str) -> String {
    let new = ShownText::of(text, masked);
    shown_diff(("/dev/null", &ShownText::default()), (&header_name("b", file), &new), CONTEXT_LINES)
}

/// The name of a file in the header of a diff, as `git apply` and `patch -p1` read it: a relative path below one folder.
/// Behind a name with a space they expect a tab.
fn header_name(folder: &str, file: &str) -> String {
    let parts = Path::new(file).components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::Prefix(_) | Component::RootDir => None,
    });
    let name = parts.fold(folder.to_owned(), |name, part| name + "/" + &part);
    printable(&name).to_string() + if name.contains(' ') { "\t" } else { "" }
}

/// The lines of a text, and what is shown of each: a line whose change is masked is still a change.
#[derive(Default)]
struct ShownText<'t> {
    lines: Vec<&'t str>,
    shown: Vec<String>,
}

impl<'t> ShownText<'t> {
    fn of(text: &'t str, masked: &str) -> Self {
        let lines = lines(text);
        let mut shown: Vec<String> = self::lines(masked).into_iter().map(printable_line).collect();
        if shown.len() != lines.len() {
            shown = vec![MASK.to_owned(); lines.len()];
        }
        Self { lines, shown }
    }
}

/// The lines of a text without their line breaks, each of which YAML knows.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    let inner = lines.into_iter().map(|line| line.strip_suffix('\r').unwrap_or(line));
    inner.flat_map(|line| line.split('\r')).collect()
}

/// The diff of two texts, each with its name.
fn shown_diff(
    (old_name, old): (&str, &ShownText<'_>),
    (new_name, new): (&str, &ShownText<'_>),
    context_lines: usize,
) -> String {
    let diff = TextDiff::from_slices(&old.lines, &new.lines);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(context_lines).iter_hunks() {
        if text.is_empty() {
            text = format!("--- {old_name}\n+++ {new_name}\n");
        }
        text += &format!("{}\n", hunk.header());
        for change in hunk.iter_changes() {
            let of_old = || old.shown.get(change.old_index()?);
            let of_new = || new.shown.get(change.new_index()?);
            let line = if change.tag() == ChangeTag::Delete { of_old() } else { of_new() };
            text += &format!("{}{}\n", change.tag(), line.map_or(MASK, String::as_str));
        }
    }
    text
}

/// A line with control characters escaped, except tabs: a terminal would obey them.
fn printable_line(line: &str) -> String {
    let parts: Vec<_> = line.split('\t').map(printable).collect();
    parts.join("\t")
}

/// The folder among the arguments in which a file was found that is outside of it, behind a symbolic link.
pub(super) fn folder_outside<'p>(file: &str, paths: &'p [PathBuf]) -> Option<&'p Path> {
    let file = Path::new(file);
    let target = fs::canonicalize(file).ok()?;
    let is_named = |path: &PathBuf| !path.is_dir() && fs::canonicalize(path).is_ok_and(|path| path == target);
    if paths.iter().any(is_named) {
        return None;
    }
    let mut folders = paths.iter().filter(|path| path.is_dir() && file.starts_with(path)).peekable();
    let folder = *folders.peek()?;
    let is_inside = |folder: &PathBuf| fs::canonicalize(folder).is_ok_and(|folder| target.starts_with(folder));
    (!folders.any(is_inside)).then_some(folder.as_path())
}

/// Why a file is not written that a link leads to from a folder.
pub(super) fn outside_message(file: &str, folder: &Path) -> String {
    let folder = folder.display();
    format!("{file}: a symbolic link to a file outside of the folder {folder}; name that file itself to change it")
}

/// Why a file with several names is not written.
pub(super) fn other_names_message(file: &str) -> String {
    format!(
        "{file}: it has several names (hard links), and only this one would get the changes; copy it to one name first"
    )
}

/// Whether a file has several names (hard links): writing it under one name would leave the old content under the others.
pub(super) fn has_other_names(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        _ = path;
        false
    }
}

/// Why a file is not fixed, although its text could be changed.
pub(super) fn why_not_written(file: &str, paths: &[PathBuf]) -> Option<String> {
    let has_others = || has_other_names(Path::new(file)).then(|| other_names_message(file));
    folder_outside(file, paths).map(|folder| outside_message(file, folder)).or_else(has_others)
}

/// Whether this is a file, and no link, with this content.
pub(super) fn is_written(path: &Path, text: &str) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
        && fs::read(path).is_ok_and(|old| old == text.as_bytes())
}

/// Creates a file; an existing one stays.
pub(super) fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| cannot_write(path, &error))?;
    // not through a link: it can lead anywhere
    match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists; remove it, or move its content, and run the command again", path.display());
        }
        file => file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| cannot_write(path, &error)),
    }
}

/// Replaces the content of a file: writes it to a file beside it first, so that an interruption leaves the old content.
pub(super) fn replace(path: &Path, rewrite: &FileRewrite) -> anyhow::Result<()> {
    let target = fs::canonicalize(path).map_err(|_| removed(path))?;
    write_at(&target, path, path, rewrite)
}

/// Writes the changed content of the file `source` to the file `path` at once, with the encoding, the mode and, if that is
/// allowed, the owner of `source`.
pub(super) fn write(path: &Path, source: &Path, rewrite: &FileRewrite) -> anyhow::Result<()> {
    write_at(path, path, source, rewrite)
}

/// Writes the file `target`; messages call it `name`.
fn write_at(target: &Path, name: &Path, source: &Path, rewrite: &FileRewrite) -> anyhow::Result<()> {
    let failed = |error: std::io::Error| cannot_write(name, &error);
    let Ok(old) = fs::read(source) else { return Err(removed(source)) };
    let Some(bytes) = rewrite.encoded(&old) else {
        bail!("{} was changed while it was read; run the command again", source.display());
    };
    let folder = target.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(&bytes).map_err(failed)?;
    let metadata = fs::metadata(source).map_err(failed)?;
    keep_owner(new.as_file(), &metadata);
    new.as_file().set_permissions(metadata.permissions()).map_err(failed)?;
    new.persist(target).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Only the root user can give a file away, and to another one it belongs already.
fn keep_owner(file: &File, metadata: &fs::Metadata) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        _ = fchown(file, Some(metadata.uid()), Some(metadata.gid()));
    }
    #[cfg(not(unix))]
    {
        _ = (file, metadata);
    }
}

/// The error of a file that cannot be written. It names no file of ours beside it.
fn cannot_write(path: &Path, error: &std::io::Error) -> anyhow::Error {
    anyhow!("cannot write {}: {}; check that its folder is writable", path.display(), error.kind())
}

fn removed(path: &Path) -> anyhow::Error {
    anyhow!("{} was removed or made unreadable while it was read; run the command again", path.display())
}

#[cfg(test)]
mod tests {
    use super::header_name;

    #[test]
    fn the_header_of_a_diff_has_a_relative_path() {
        for (file, expected) in [
            ("a.yaml", "a/a.yaml"),
            ("./b/./a.yaml", "a/b/a.yaml"),
            ("/tmp//b/a.yaml", "a/tmp/b/a.yaml"),
            ("../a.yaml", "a/../a.yaml"),
            ("b c/a.yaml", "a/b c/a.yaml\t"),
            ("-", "a/-"),
        ] {
            assert_eq!(header_name("a", file), expected);
        }
    }
}

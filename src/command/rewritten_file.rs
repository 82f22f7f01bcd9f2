//! Shows and writes the changed texts of files, for `fix` and `migrate`.

use anyhow::{Context, bail};
use apim_keyless_core::policy::printable;
use apim_keyless_manifest::rewrite::FileRewrite;
use apim_keyless_manifest::{MAX_FILE_BYTES, STANDARD_INPUT, read_limited};
use similar::TextDiff;
use std::fs::{self, File};
use std::io::{ErrorKind, Write, stdin};
use std::path::{Path, PathBuf};

/// The byte order mark, which a text that was read no longer has.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// Lines around a change in a diff.
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

/// The changes as a unified diff of what `mask` leaves of both texts: it also shows the lines around them.
pub(super) fn diff(file: &str, rewrite: &FileRewrite, mask: fn(&str) -> String) -> String {
    shown_diff((&format!("a/{file}"), &mask(&rewrite.before)), (&format!("b/{file}"), &mask(&rewrite.after)))
}

/// A new file as a unified diff of what `mask` leaves of it.
pub(super) fn diff_of_new(file: &str, text: &str, mask: fn(&str) -> String) -> String {
    shown_diff(("/dev/null", ""), (&format!("b/{file}"), &mask(text)))
}

/// The diff of two texts, each with its name. Control characters are escaped: a terminal would obey them.
fn shown_diff((old_name, old): (&str, &str), (new_name, new): (&str, &str)) -> String {
    let (old, new) = (printable_lines(old), printable_lines(new));
    let diff = TextDiff::from_lines(&old, &new);
    let (old_name, new_name) = (printable(old_name), printable(new_name));
    diff.unified_diff().context_radius(CONTEXT_LINES).header(&old_name, &new_name).to_string()
}

/// The lines with control characters escaped, except tabs.
fn printable_lines(text: &str) -> String {
    let line = |line: &str| {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let parts: Vec<_> = line.trim_end_matches('\r').split('\t').map(printable).collect();
        parts.join("\t") + end
    };
    text.split_inclusive('\n').map(line).collect()
}

/// The folder among the arguments in which a file was found that is outside of it, behind a symbolic link.
pub(super) fn folder_outside<'p>(file: &str, paths: &'p [PathBuf]) -> Option<&'p Path> {
    let file = Path::new(file);
    if paths.iter().any(|path| path == file) {
        return None;
    }
    let target = fs::canonicalize(file).ok()?;
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
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1)
    }
    #[cfg(not(unix))]
    {
        _ = path;
        false
    }
}

/// Whether this is a file, and no link, with this content.
pub(super) fn is_written(path: &Path, text: &str) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
        && fs::read(path).is_ok_and(|old| old == text.as_bytes())
}

/// Creates a file; an existing one stays.
pub(super) fn create(path: &Path, text: &str) -> anyhow::Result<()> {
    let cannot_write = || format!("cannot write {}; check that its folder is writable", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(cannot_write)?;
    // not through a link: it can lead anywhere
    match File::create_new(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("{} exists; remove it, or move its content, and run the command again", path.display());
        }
        file => file.and_then(|mut file| file.write_all(text.as_bytes())).with_context(cannot_write),
    }
}

/// Replaces the content of a file: writes it to a file beside it first, so that an interruption leaves the old content.
pub(super) fn replace(path: &Path, rewrite: &FileRewrite) -> anyhow::Result<()> {
    let target = fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
    write(&target, &target, rewrite)
}

/// Writes the changed content of the file `source` to the file `path` at once, with the mode of `source`.
pub(super) fn write(path: &Path, source: &Path, rewrite: &FileRewrite) -> anyhow::Result<()> {
    let cannot_write = || format!("cannot write {}; check that its folder is writable", path.display());
    let bytes = fs::read(source).with_context(cannot_write)?;
    let mark = match bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()) {
        Some(rest) if rest == rewrite.before.as_bytes() => BYTE_ORDER_MARK,
        _ if bytes == rewrite.before.as_bytes() => "",
        _ => bail!(
            "{} is not UTF-8, or was changed meanwhile; save it as UTF-8 and run the command again",
            source.display()
        ),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(cannot_write)?;
    let mut new = tempfile::NamedTempFile::new_in(folder).with_context(cannot_write)?;
    new.write_all(mark.as_bytes()).and_then(|()| new.write_all(rewrite.after.as_bytes())).with_context(cannot_write)?;
    let permissions = fs::metadata(source).with_context(cannot_write)?.permissions();
    new.as_file().set_permissions(permissions).with_context(cannot_write)?;
    new.persist(path).with_context(cannot_write)?;
    Ok(())
}

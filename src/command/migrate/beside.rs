//! Files that another file names, from its folder.

use apim_keyless_manifest::read_limited;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The text of a file that another one names.
pub(super) fn read_beside(file: &str, name: &str) -> Option<String> {
    read_regular(&beside(file, name))
}

/// The path of a file that another one names.
pub(super) fn beside(file: &str, name: &str) -> PathBuf {
    Path::new(file).parent().unwrap_or(Path::new("")).join(name)
}

/// The text of a regular file: a pipe or a device has no end.
fn read_regular(path: &Path) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    String::from_utf8(read_limited(File::open(path).ok()?).ok()?).ok()
}

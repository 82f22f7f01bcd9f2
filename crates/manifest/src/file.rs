//! A file and where its text comes from: it is read again where a finding shows it, so that the texts of thousands of
//! files are not kept.

use super::decode::decode;
use super::source::SourceFile;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

/// A file, or standard input.
#[derive(Debug)]
pub(super) struct FileSource {
    /// Its path as given; `-` for standard input.
    pub(super) name: String,
    /// Whether it was given by name: what is not a manifest is then an error. In a folder it is skipped.
    pub(super) is_named: bool,
    origin: Origin,
    opened: Mutex<Weak<SourceFile>>,
}

#[derive(Debug)]
enum Origin {
    /// It cannot be read twice: standard input, a pipe.
    Kept(Arc<SourceFile>),
    /// A regular file, and the hash of its text.
    OnDisk(PathBuf, u64),
}

impl FileSource {
    /// A file whose text is kept.
    pub(super) fn kept(source: &Arc<SourceFile>, is_named: bool) -> Self {
        Self { name: source.name.clone(), is_named, origin: Origin::Kept(Arc::clone(source)), opened: Mutex::default() }
    }

    /// A file that is read again when its text is needed.
    pub(super) fn on_disk(path: PathBuf, source: &Arc<SourceFile>, is_named: bool) -> Self {
        let origin = Origin::OnDisk(path, hash(&source.text));
        Self { name: source.name.clone(), is_named, origin, opened: Mutex::new(Arc::downgrade(source)) }
    }

    /// Whether it is a regular file, and is read again.
    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self.origin, Origin::OnDisk(..))
    }

    /// Its text; `None` if the file was changed or removed since it was read.
    pub(super) fn open(&self) -> Option<Arc<SourceFile>> {
        let (path, expected) = match &self.origin {
            Origin::Kept(source) => return Some(Arc::clone(source)),
            Origin::OnDisk(path, hash) => (path, *hash),
        };
        // a poisoned lock holds a file all the same
        let mut opened = self.opened.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(source) = opened.upgrade() {
            return Some(source);
        }
        let text = decode(fs::read(path).ok()?).ok()?;
        let source = Arc::new(SourceFile::new(&self.name, text));
        if hash(&source.text) != expected {
            return None;
        }
        *opened = Arc::downgrade(&source);
        Some(source)
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

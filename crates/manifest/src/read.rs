//! Reads files, folders and standard input.

use super::{InputError, Manifests};
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
const STANDARD_INPUT: &str = "-";

impl Manifests {
    /// Reads files, folders (`.yaml`, `.yml` and `.json` files in them and their subfolders, except hidden ones) and
    /// `-`, which is `stdin`. What cannot be read becomes a [`InputError`].
    pub fn read(paths: &[PathBuf], mut stdin: impl Read) -> Self {
        let mut manifests = Self::default();
        for path in paths {
            if path == Path::new(STANDARD_INPUT) {
                let mut bytes = Vec::new();
                let outcome = stdin.read_to_end(&mut bytes).map(|_| bytes);
                manifests.add_file(STANDARD_INPUT, outcome);
            } else if path.is_dir() {
                manifests.read_folder(path);
            } else {
                manifests.add_file(&path.display().to_string(), fs::read(path));
            }
        }
        manifests
    }

    fn read_folder(&mut self, folder: &Path) {
        let mut is_empty = true;
        let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_visible);
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_dir() || !is_manifest(entry.path()) => {}
                Ok(entry) => {
                    is_empty = false;
                    self.add_file(&entry.path().display().to_string(), fs::read(entry.path()));
                }
                Err(error) => {
                    is_empty = false;
                    self.add_error(folder, &error);
                }
            }
        }
        if is_empty {
            let name = folder.display().to_string();
            let message = "no .yaml, .yml or .json file in this folder; check the path".to_owned();
            self.errors.push(InputError { file: name, line: None, column: None, message });
        }
    }

    fn add_error(&mut self, folder: &Path, error: &walkdir::Error) {
        let name = error.path().unwrap_or(folder).display().to_string();
        let message = if error.loop_ancestor().is_some() {
            "a symbolic link to a folder that contains it; remove the link".to_owned()
        } else {
            unreadable(error.io_error().map(io::Error::kind))
        };
        self.errors.push(InputError { file: name, line: None, column: None, message });
    }

    fn add_file(&mut self, name: &str, outcome: io::Result<Vec<u8>>) {
        let text = outcome
            .map_err(|error| unreadable(Some(error.kind())))
            .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "not UTF-8; save it as UTF-8".to_owned()));
        match text {
            Ok(text) => self.parse(name, &text),
            Err(message) => self.errors.push(InputError { file: name.to_owned(), line: None, column: None, message }),
        }
    }
}

fn unreadable(kind: Option<io::ErrorKind>) -> String {
    match kind {
        Some(io::ErrorKind::NotFound) => "does not exist; check the path".to_owned(),
        Some(io::ErrorKind::PermissionDenied) => "permission denied; make it readable for this user".to_owned(),
        Some(kind) => format!("cannot be read ({kind}); check that it is a file or a folder"),
        None => "cannot be read; check that it is a file or a folder".to_owned(),
    }
}

/// Hidden files and folders are left out, except a folder that was given as an argument.
fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn is_manifest(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "apiVersion: v1\nkind: Pod\n";

    fn read(paths: &[&Path], stdin: &[u8]) -> Manifests {
        Manifests::read(&paths.iter().map(|path| path.to_path_buf()).collect::<Vec<_>>(), stdin)
    }

    fn files(manifests: &Manifests) -> Vec<&str> {
        manifests.objects.iter().map(super::super::ManifestObject::file).collect()
    }

    #[test]
    fn folders_are_read_in_order_without_hidden_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.yml", "a/z.yaml", "a/y.json", ".hidden/a.yaml", "a/.hidden.yaml", "c.txt", "c.yaml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, POD).unwrap();
        }
        let manifests = read(&[folder.path()], b"");
        let expected: Vec<_> = ["a/y.json", "a/z.yaml", "b.yml", "c.yaml"]
            .map(|name| folder.path().join(name).display().to_string())
            .into();
        assert_eq!(files(&manifests), expected);
        assert!(manifests.errors.is_empty());
    }

    #[test]
    fn a_dash_is_standard_input() {
        let manifests = read(&[Path::new("-")], POD.as_bytes());
        assert_eq!((files(&manifests), manifests.objects[0].source()), (vec!["-"], POD));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let latin = folder.path().join("latin.yaml");
        fs::write(&latin, b"a: \xe9\n").unwrap();
        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        let missing = folder.path().join("missing.yaml");
        let manifests = read(&[&latin, &empty, &missing], b"");
        for ((input_error, path), words) in
            manifests.errors.iter().zip([&latin, &empty, &missing]).zip(["not UTF-8", "no .yaml", "not exist"])
        {
            assert_eq!(input_error.file, path.display().to_string());
            assert!(
                input_error.message.contains(words) && !input_error.message.contains(&input_error.file),
                "{}",
                input_error.message
            );
        }
        assert_eq!(manifests.errors.len(), 3);
    }

    #[test]
    fn a_malformed_file_does_not_hide_the_next() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "a: [").unwrap();
        fs::write(folder.path().join("b.yaml"), POD).unwrap();
        let manifests = read(&[folder.path()], b"");
        assert_eq!((manifests.objects.len(), manifests.errors.len()), (1, 1));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_links_to_itself_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert!(read(&[folder.path()], b"").errors[0].message.contains("a symbolic link to a folder"));
    }
}

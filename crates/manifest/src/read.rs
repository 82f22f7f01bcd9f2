//! Lists and reads files, folders and standard input.

use super::content::FileContent;
use super::file::FileSource;
use super::source::SourceFile;
use super::{decode, deep_stack, yaml_error};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::{DirEntry, WalkDir};

const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];
/// The argument that means stdin.
pub const STANDARD_INPUT: &str = "-";
/// Why a FIFO, a socket or a device in a folder is skipped: reading it could wait for ever.
const NOT_REGULAR: &str = "not a regular file";

/// Largest file that is read, in bytes; also of stdin. A dump of a large cluster has a tenth of it. Reading takes several
/// times as much memory.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The files of some arguments, in their order. A file with several names is read once, under its first name.
#[derive(Default)]
pub struct Inputs {
    all: Vec<Input>,
    /// The indices of the regular files.
    files: HashMap<FileId, usize>,
    more_extensions: &'static [&'static str],
}

/// Identifies a file, whatever its name: links, also hard ones, lead to the same file.
#[cfg(unix)]
type FileId = (u64, u64);
/// Identifies a file, whatever the links to it.
#[cfg(not(unix))]
type FileId = PathBuf;

#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn file_id(path: &Path) -> Option<FileId> {
    fs::canonicalize(path).ok().filter(|path| path.is_file())
}

enum Input {
    Text { name: String, bytes: io::Result<Vec<u8>> },
    File { path: PathBuf, is_named: bool },
    Unreadable { name: String, message: String },
    Skipped { name: String, message: &'static str },
}

impl Inputs {
    /// Lists the files of these arguments; see [`add`](Self::add).
    pub fn list(paths: &[PathBuf], mut stdin: impl Read) -> Self {
        let mut inputs = Self::default();
        for path in paths {
            inputs.add(path, &mut stdin);
        }
        inputs
    }

    /// Adds a file, the files of a folder (`.yaml`, `.yml` and `.json` in it and its subfolders, except hidden ones), or
    /// `-`, which is `stdin`.
    pub fn add(&mut self, path: &Path, mut stdin: impl Read) {
        if path == Path::new(STANDARD_INPUT) {
            // it can be read once
            if self.all.iter().any(|input| matches!(input, Input::Text { name, .. } if name == STANDARD_INPUT)) {
                return;
            }
            self.all.push(Input::Text { name: STANDARD_INPUT.to_owned(), bytes: read_limited(&mut stdin) });
        } else if path.is_dir() {
            self.list_folder(path);
        } else {
            self.add_file(path.to_owned(), true);
        }
    }

    /// Adds a file, if it is not among the files under another name.
    fn add_file(&mut self, path: PathBuf, is_named: bool) {
        // its path in messages could be that of another file
        if path.to_str().is_none() {
            let message = "its path is not UTF-8; rename the file or its folder".to_owned();
            return self.all.push(Input::Unreadable { name: path.display().to_string(), message });
        }
        let next = self.all.len();
        let known = file_id(&path).map_or(next, |id| *self.files.entry(id).or_insert(next));
        match self.all.get_mut(known) {
            Some(Input::File { is_named: is_known_named, .. }) => *is_known_named |= is_named,
            _ => self.all.push(Input::File { path, is_named }),
        }
    }

    /// Inputs whose folders also give files with these extensions, or with these names if they have no extension, written
    /// in lower case, and the hidden files and folders of pipelines, such as `.github`.
    pub fn with_extensions(more_extensions: &'static [&'static str]) -> Self {
        Self { more_extensions, ..Self::default() }
    }

    /// Adds the output of another program, under a name for messages.
    pub fn add_text(&mut self, name: String, bytes: Vec<u8>) {
        self.all.push(Input::Text { name, bytes: Ok(bytes) });
    }

    /// Adds an argument that cannot be read: cause and fix.
    pub fn add_unreadable(&mut self, name: String, message: String) {
        self.all.push(Input::Unreadable { name, message });
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Reads every file and calls `visit` with its content, on every core. The results are in the order of the files.
    /// What cannot be read is an error in the content.
    pub fn read<T: Send>(self, visit: impl Fn(FileContent) -> T + Sync) -> Vec<T> {
        deep_stack::map(self.all, |input| visit(input.content()))
    }

    fn is_wanted(&self, path: &Path) -> bool {
        let is_more = |extension: &str| self.more_extensions.contains(&extension.to_ascii_lowercase().as_str());
        let extension = path.extension().or(path.file_name());
        is_manifest(path) || extension.and_then(OsStr::to_str).is_some_and(is_more)
    }

    fn list_folder(&mut self, folder: &Path) {
        let mut is_empty = true;
        let with_pipelines = !self.more_extensions.is_empty();
        let is_read = move |entry: &DirEntry| is_visible(entry) || with_pipelines && is_pipeline(entry);
        let entries = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().filter_entry(is_read);
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_type().is_dir() || !self.is_wanted(entry.path()) => {}
                Ok(entry) if entry.file_type().is_file() => {
                    is_empty = false;
                    self.add_file(entry.into_path(), false);
                }
                Ok(entry) => {
                    is_empty = false;
                    let name = entry.path().display().to_string();
                    self.all.push(Input::Skipped { name, message: NOT_REGULAR });
                }
                Err(error) => {
                    is_empty = false;
                    self.add_error(folder, &error);
                }
            }
        }
        if is_empty {
            let message = "no .yaml, .yml or .json file in this folder; check the path".to_owned();
            self.all.push(Input::Unreadable { name: folder.display().to_string(), message });
        }
    }

    fn add_error(&mut self, folder: &Path, error: &walkdir::Error) {
        let path = error.path().unwrap_or(folder);
        let message = if error.loop_ancestor().is_some() {
            "a symbolic link to a folder that contains it; remove the link".to_owned()
        } else {
            unreadable(path, error.io_error().map(io::Error::kind))
        };
        self.all.push(Input::Unreadable { name: path.display().to_string(), message });
    }
}

impl Input {
    fn content(self) -> FileContent {
        match self {
            Self::Unreadable { name, message } => FileContent::unreadable(name, true, message),
            Self::Skipped { name, message } => FileContent::skipped(name, message.to_owned()),
            Self::Text { name, bytes } => match bytes.map_err(|error| unreadable(Path::new(&name), Some(error.kind())))
            {
                Ok(bytes) => content_of_bytes(name, true, None, bytes),
                Err(message) => FileContent::unreadable(name, true, message),
            },
            Self::File { path, is_named } => {
                let name = path.display().to_string();
                let is_regular = fs::metadata(&path).is_ok_and(|metadata| metadata.is_file());
                match File::open(&path).and_then(read_limited) {
                    Ok(bytes) => content_of_bytes(name, is_named, Some(path).filter(|_| is_regular), bytes),
                    Err(error) => FileContent::unreadable(name, is_named, unreadable(&path, Some(error.kind()))),
                }
            }
        }
    }
}

/// The content of a file of which these bytes were read. `path` is given if it can be read again.
fn content_of_bytes(name: String, is_named: bool, path: Option<PathBuf>, bytes: Vec<u8>) -> FileContent {
    let mentions_objects = is_named || bytes.windows(b"apiVersion".len()).any(|window| window == b"apiVersion");
    let text = match decode::decode(bytes) {
        Ok(text) => text,
        Err(message) if mentions_objects => return FileContent::unreadable(name, is_named, message),
        Err(_) => return FileContent::skipped(name, "not text".to_owned()),
    };
    content_of_text(&Arc::new(SourceFile::new(&name, text)), is_named, path)
}

/// The content of a text.
pub(super) fn content_of_text(source: &Arc<SourceFile>, is_named: bool, path: Option<PathBuf>) -> FileContent {
    let file = Arc::new(match path {
        Some(path) => FileSource::on_disk(path, source, is_named),
        None => FileSource::kept(source, is_named),
    });
    let content = catch_unwind(AssertUnwindSafe(|| FileContent::parse(&file, source)));
    content.unwrap_or_else(|_| {
        let error = yaml_error::unknown(source);
        FileContent::unreadable(error.file, is_named, error.message)
    })
}

/// The bytes of a file or of stdin.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] for more than [`MAX_FILE_BYTES`]; any error of the reader.
pub fn read_limited(reader: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = reader.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_FILE_BYTES) {
        Ok(bytes)
    } else {
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

fn unreadable(path: &Path, kind: Option<io::ErrorKind>) -> String {
    let text = path.to_string_lossy();
    match kind {
        Some(io::ErrorKind::NotFound) if text.starts_with("http://") || text.starts_with("https://") => {
            "a URL, which is not read; download it and check the file, or pipe it to `apim-keyless check -`".to_owned()
        }
        Some(io::ErrorKind::NotFound) if text.contains(['*', '?', '[']) => {
            "no file has this name; if it is a pattern, no file matches it: check the path".to_owned()
        }
        Some(io::ErrorKind::NotFound) => "does not exist; check the path".to_owned(),
        Some(io::ErrorKind::PermissionDenied) => "permission denied; make it readable for this user".to_owned(),
        Some(io::ErrorKind::FileTooLarge) => {
            format!("larger than {} MiB, the most that is read; split it, such as by namespace", MAX_FILE_BYTES >> 20)
        }
        Some(kind) => format!("cannot be read ({kind}); check that it is a file or a folder"),
        None => "cannot be read; check that it is a file or a folder".to_owned(),
    }
}

/// Hidden files and folders are left out, except a folder that was given as an argument.
fn is_visible(entry: &DirEntry) -> bool {
    entry.depth() == 0 || !entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Hidden files and folders in which pipelines are, which install gateways and make Secrets.
const PIPELINES: [&str; 6] = [".azuredevops", ".circleci", ".github", ".gitlab", ".gitlab-ci.yml", ".tekton"];

fn is_pipeline(entry: &DirEntry) -> bool {
    entry.file_name().to_str().is_some_and(|name| PIPELINES.contains(&name))
}

fn is_manifest(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|extension| EXTENSIONS.contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifests;

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
    fn a_dash_is_standard_input_which_is_read_once() {
        let manifests = read(&[Path::new("-"), Path::new("-")], POD.as_bytes());
        assert_eq!((files(&manifests), manifests.objects[0].place.locate().source()), (vec!["-"], POD));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_name_that_is_not_utf_8_is_an_error() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for name in [&b"a\xff.yaml"[..], "a\u{fffd}.yaml".as_bytes()] {
            fs::write(folder.path().join(OsStr::from_bytes(name)), POD).unwrap();
        }
        let manifests = read(&[folder.path()], b"");
        assert_eq!((manifests.objects.len(), manifests.errors.len()), (1, 1));
        assert!(manifests.errors[0].message.contains("its path is not UTF-8"));
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
        fs::write(folder.path().join("a.yaml"), "apiVersion: [").unwrap();
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

    #[test]
    fn what_is_not_a_manifest_is_skipped_in_a_folder_and_an_error_by_name() {
        let gateway = "image: {{ .Values.image }} # azure-api-management/gateway";
        for (name, bytes, is_about_objects) in [
            ("a.yaml", &b"a: ["[..], false),
            ("b.json", b"// comment\n{\"a\": 1}", false),
            ("c.yaml", b"- a\n", false),
            ("d.yaml", b"# nothing\n", false),
            ("e.yaml", b"a: \xff\xff", false),
            ("f.yaml", b"{{ if .Values.a }}\napiVersion: v1\n{{ end }}\n", false),
            ("g.yaml", b"apiVersion: [", true),
            ("h.yaml", gateway.as_bytes(), true),
            ("i.yaml", b"apiVersion: v1\nkind: \xff\xff", true),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            assert_eq!(read(&[&path], b"").errors.len(), 1, "{name}");
            let in_folder = read(&[folder.path()], b"");
            let counts = (in_folder.errors.len(), in_folder.skipped.len());
            assert_eq!(counts, if is_about_objects { (1, 0) } else { (0, 1) }, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_in_a_folder_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let made = std::process::Command::new("mkfifo").arg(folder.path().join("a.yaml")).status().unwrap();
        assert!(made.success());
        let manifests = read(&[folder.path()], b"");
        assert_eq!(manifests.skipped[0].message, NOT_REGULAR);
    }

    #[test]
    fn an_object_is_located_in_its_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, format!("# comment\n---\n{POD}")).unwrap();
        let manifests = read(&[&path], b"");
        assert_eq!(manifests.objects[0].position("/kind").line, 4);
        fs::write(&path, format!("# another\n\n---\n{POD}")).unwrap();
        let located = manifests.objects[0].place.locate();
        assert_eq!((located.position("/kind").line, located.excerpt("/kind").text.as_str()), (1, ""));
    }
}

//! The real binary in a folder of its own: what goes in as arguments, files and stdin, and what comes out.

#![allow(dead_code, unused_imports, reason = "each test binary includes this module and uses its own part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "only tests call this, and a fault here is theirs to fail with"
)]

pub(crate) mod manifests;
mod serving;

pub(crate) use serving::{Serving, answer_of};

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A folder that goes when its test goes.
pub(crate) struct Folder {
    folder: TempDir,
}

/// What came out of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) code: i32,
    /// What was written to stdout.
    pub(crate) stdout: String,
    /// What was written to stderr.
    pub(crate) stderr: String,
}

impl Folder {
    /// A folder with these files, each a path in it and its text.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    /// A path in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, and the folders around it.
    pub(crate) fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs the binary in it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.feed(arguments, "")
    }

    /// The same with a text on stdin.
    pub(crate) fn feed(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = self.spawn(arguments);
        feed(&mut child, stdin);
        ran(child)
    }

    /// Starts the binary in it, its three streams piped.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        spawn(self.folder.path(), arguments)
    }

    /// What `check` says of one file.
    pub(crate) fn check(&self, file: &str) -> Ran {
        self.run(&["check", file])
    }

    /// The JSON report of `check` with these arguments.
    pub(crate) fn report(&self, arguments: &[&str]) -> Value {
        self.run(&[&["check", "--output", "json"], arguments].concat()).json()
    }
}

impl Ran {
    /// What stdout holds, which must be one JSON document, with nothing on stderr.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stderr, "");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// Everything that was written.
    pub(crate) fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// It could not even begin: exit code 2, nothing on stdout, and this on stderr.
    pub(crate) fn failed_with(&self, stderr: &str) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (2, "", stderr));
    }
}

/// Runs the binary in the folder of the project.
pub(crate) fn in_project(arguments: &[&str]) -> Ran {
    ran(spawn(Path::new(env!("CARGO_MANIFEST_DIR")), arguments))
}

/// Writes a text to the stdin of a child, and closes it. A child that does not want it is free to go.
pub(crate) fn feed(child: &mut Child, stdin: &str) {
    _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
}

/// What came out of a child, once it has ended.
pub(crate) fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("what is written is UTF-8");
    Ran {
        code: output.status.code().expect("it ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_apim-keyless"))
        .current_dir(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

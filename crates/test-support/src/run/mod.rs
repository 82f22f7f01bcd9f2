//! Runs the real binary in its own folder, with arguments, files and stdin, and returns its output.

pub mod manifests;
mod serving;

pub use serving::{Serving, http_get};

use crate::project;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A temporary folder that is removed at the end of its test.
pub struct Folder {
    folder: TempDir,
}

/// The output of a run.
#[derive(Debug)]
pub struct RunOutput {
    /// The exit code.
    pub code: i32,
    /// The text on stdout.
    pub stdout: String,
    /// The text on stderr.
    pub stderr: String,
}

impl Folder {
    /// Creates a folder with these files: paths in the folder and their texts.
    pub fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            folder.write(path, text.as_bytes());
        }
        folder
    }

    /// The path of a file in the folder.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file and creates its parent folders.
    pub fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Runs the binary in the folder.
    pub fn run(&self, arguments: &[&str]) -> RunOutput {
        self.feed(arguments, "")
    }

    /// Runs the binary in the folder with a text on stdin.
    pub fn feed(&self, arguments: &[&str], stdin: &str) -> RunOutput {
        let mut child = self.spawn(arguments);
        feed(&mut child, stdin);
        output_of(child)
    }

    /// Starts the binary in the folder, with pipes for its three standard streams.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        spawn(self.folder.path(), arguments)
    }

    /// Runs the binary in the folder with these environment variables.
    pub fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> RunOutput {
        let mut command = command(self.folder.path(), arguments);
        let mut child = command.envs(environment.iter().copied()).spawn().unwrap();
        feed(&mut child, "");
        output_of(child)
    }

    /// Runs the binary in a folder below this one, which is the home folder.
    pub fn run_below(&self, folder: &str, environment: &[(&str, &str)], arguments: &[&str]) -> RunOutput {
        let mut command = command(&self.path(folder), arguments);
        command.env("HOME", self.folder.path()).envs(environment.iter().copied());
        let mut child = command.spawn().unwrap();
        feed(&mut child, "");
        output_of(child)
    }

    /// Runs `check` on one file.
    pub fn check(&self, file: &str) -> RunOutput {
        self.run(&["check", file])
    }

    /// The JSON report of `check` with these arguments.
    pub fn report(&self, arguments: &[&str]) -> Value {
        self.run(&[&["check", "--output", "json"], arguments].concat()).json()
    }
}

impl RunOutput {
    /// The JSON document on stdout. Fails if stdout is anything else, or if there is text on stderr.
    pub fn json(&self) -> Value {
        assert_eq!(self.stderr, "");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }

    /// The text on stdout and stderr.
    pub fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// Asserts that the run could not start: exit code 2, nothing on stdout, and this text on stderr.
    pub fn failed_with(&self, stderr: &str) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (2, "", stderr));
    }
}

/// Runs the binary in the project's folder.
pub fn in_project(arguments: &[&str]) -> RunOutput {
    output_of(spawn(Path::new(project::FOLDER), arguments))
}

/// Writes a text to a child's stdin and closes it. The child may end without reading it.
pub fn feed(child: &mut Child, stdin: &str) {
    _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
}

/// Waits until a child ends, and returns its output.
pub fn output_of(child: Child) -> RunOutput {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).expect("the output is UTF-8");
    RunOutput {
        code: output.status.code().expect("no signal ends it"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn spawn(folder: &Path, arguments: &[&str]) -> Child {
    command(folder, arguments).spawn().unwrap()
}

/// The variables of a developer's environment that would change what the binary does.
const VARIABLES: [&str; 6] =
    ["APIM_KEYLESS_POLICY", "KUBECONFIG", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "RUST_LOG"];

/// The binary in a folder, which is also the home folder.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(project::binary());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.current_dir(folder).env("HOME", folder).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

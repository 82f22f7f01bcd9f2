//! Python packages that tests compare output with. They are installed once, and kept for the next run.

use crate::go_tools::cache_folder;
use crate::npm::{not_run, run};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

/// A package of the Python package index.
pub struct PythonPackage {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What does not run without it, for a message.
    pub tests: &'static str,
}

/// A parser of Bicep.
pub const PYCEP: PythonPackage = PythonPackage { name: "pycep-parser", version: "0.7.1", tests: "the syntax of Bicep" };

/// Runs hooks before a commit.
pub const PRE_COMMIT: PythonPackage =
    PythonPackage { name: "pre-commit", version: "4.7.0", tests: "the pre-commit hook" };

impl PythonPackage {
    /// A python that has the package; `None` if Python or the package index cannot be used, which a message on stderr says. With
    /// `CI=true` it panics instead.
    pub fn python(&self) -> Option<PathBuf> {
        self.install().map_err(|error| not_run(self.tests, &format!("{error:#}"))).ok()
    }

    fn install(&self) -> anyhow::Result<PathBuf> {
        let folder = cache_folder()?.join("python").join(format!("{}-{}", self.name, self.version));
        let (python, installed) = (folder.join("bin/python"), folder.join("installed"));
        fs::create_dir_all(&folder)?;
        let lock = File::create(folder.join("lock"))?;
        lock.lock()?;
        if !installed.is_file() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
            let package = format!("{}=={}", self.name, self.version);
            run(Command::new(&python).args(["-m", "pip", "install", "--quiet", &package]))?;
            File::create(installed)?;
        }
        Ok(python)
    }
}

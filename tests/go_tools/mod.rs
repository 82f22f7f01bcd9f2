//! What the tests need and is built from Go modules, kept in a folder of the cache for the next time.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// What is built together and kept in one folder, whose name has the versions.
pub(crate) struct Tools {
    /// What it is, in a sentence.
    pub(crate) what: &'static str,
    /// Where it is kept.
    pub(crate) folder: PathBuf,
    /// What it takes to build it, said while somebody waits.
    pub(crate) patience: &'static str,
    /// Are all binaries in a folder?
    pub(crate) is_complete: fn(&Path) -> bool,
}

impl Tools {
    /// Builds what is not there yet, `build` into the folder that it is given.
    ///
    /// Another test binary may do so at the same time: this one then waits for its lock, which the kernel takes back
    /// however its holder ends.
    pub(crate) fn kept(&self, build: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<&Path> {
        if (self.is_complete)(&self.folder) {
            return Ok(&self.folder);
        }
        let go = Command::new("go").arg("version").output();
        ensure!(go.is_ok(), "{} is built with Go, which is not here", self.what);
        let cache = self.folder.parent().context("the folder is one of the cache")?;
        fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
        let lock = File::create(cache.join("lock"))?;
        if lock.try_lock().is_err() {
            say(&format!("Another test binary builds {}, this one waits for it.", self.what));
            lock.lock()?;
        }
        if !(self.is_complete)(&self.folder) {
            self.build(build)?;
        }
        Ok(&self.folder)
    }

    fn build(&self, build: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let building = self.folder.with_added_extension("building");
        remove_if_there(&building)?;
        fs::create_dir_all(building.join("temporary"))?;
        say(&format!("Building {} into {}: {}, once.", self.what, self.folder.display(), self.patience));
        build(&building)?;
        fs::remove_dir_all(building.join("temporary"))?;
        ensure!((self.is_complete)(&building), "the build did not make all binaries");
        remove_if_there(&self.folder)?;
        fs::rename(&building, &self.folder).context("cannot move the binaries to their place")?;
        say(&format!("Built {}.", self.what));
        Ok(())
    }
}

/// `go build` in the folder of a module, with these flags for the linker.
///
/// Go's own scratch files stay inside the folder of the build, where a build cut short leaves them to be removed by the
/// next.
pub(crate) fn go_build(building: &Path, module: &Path, flags: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let mut build = Command::new("sh")
        .args(["-c", include_str!("build.sh"), "sh", "go", "build", "-trimpath", "-ldflags", flags])
        .args(arguments)
        .current_dir(module)
        .env("GOTMPDIR", building.join("temporary"))
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot start sh")?;
    // `wait` would close it first, which is how the build learns that the test binary has gone.
    let held = build.stdin.take();
    let status = build.wait()?;
    drop(held);
    if !status.success() {
        bail!("go build failed");
    }
    Ok(())
}

/// The version, such as `1.37.2`, of a module that a go.mod requires.
pub(crate) fn required_version(module_file: &str, module: &str) -> anyhow::Result<String> {
    module_file
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .find_map(|line| line.strip_prefix(module)?.strip_prefix(" v")?.split_whitespace().next())
        .map(str::to_owned)
        .with_context(|| format!("go.mod requires no version of {module}"))
}

/// Where everything that tests keep has its place.
pub(crate) fn cache_folder() -> anyhow::Result<PathBuf> {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(path::absolute(cache)?.join("apim-keyless"))
}

/// Must a test that could not run fail, as it must not look like one that passed?
pub(crate) fn in_continuous_integration() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Past the capture of test output: what is said here concerns more than the test that happens to be the first.
pub(crate) fn say(message: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{message}");
}

fn remove_if_there(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

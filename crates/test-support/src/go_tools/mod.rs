//! Builds the Go programs that the tests need, and keeps them in a cache folder for the next run.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

/// Programs that are built together and kept in one folder. The folder's name contains the versions.
pub struct Tools {
    /// Their name in messages.
    pub name: &'static str,
    /// The folder where they are kept.
    pub folder: PathBuf,
    /// The approximate build time, for a message.
    pub build_time: &'static str,
    /// Returns whether a folder contains all binaries.
    pub is_complete: fn(&Path) -> bool,
}

impl Tools {
    /// The folder with the programs. If they are missing, calls `build` with the folder to build into.
    ///
    /// If another test binary builds them at the same time, this one waits for its lock. The kernel releases the lock
    /// in whatever way the other one ends.
    pub fn built(&self, build: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<&Path> {
        if (self.is_complete)(&self.folder) {
            return Ok(&self.folder);
        }
        let go = Command::new("go").arg("version").output();
        ensure!(go.is_ok(), "{} is built with Go, which is not installed", self.name);
        let cache = self.folder.parent().context("the folder has no parent")?;
        fs::create_dir_all(cache).with_context(|| format!("cannot create {}", cache.display()))?;
        let lock = File::create(cache.join("lock"))?;
        if lock.try_lock().is_err() {
            print_to_stderr(&format!("Another test binary builds {}. Waiting for it.", self.name));
            lock.lock()?;
        }
        if !(self.is_complete)(&self.folder) {
            self.build(build)?;
        }
        Ok(&self.folder)
    }

    fn build(&self, build: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let building = self.folder.with_added_extension("building");
        remove_if_it_exists(&building)?;
        fs::create_dir_all(building.join("temporary"))?;
        print_to_stderr(&format!(
            "Building {} into {}: {}, only once.",
            self.name,
            self.folder.display(),
            self.build_time
        ));
        build(&building)?;
        fs::remove_dir_all(building.join("temporary"))?;
        ensure!((self.is_complete)(&building), "the build did not create all binaries");
        remove_if_it_exists(&self.folder)?;
        fs::rename(&building, &self.folder).context("cannot rename the folder of the build")?;
        print_to_stderr(&format!("Built {}.", self.name));
        Ok(())
    }
}

/// Runs `go build` in the folder of a module, with these linker flags.
///
/// Go's temporary files are inside the folder of the build. If a build is interrupted, the next one removes them.
pub fn go_build(building: &Path, module: &Path, flags: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let mut build = Command::new("sh")
        .args(["-c", include_str!("build.sh"), "sh", "go", "build", "-trimpath", "-ldflags", flags])
        .args(arguments)
        .current_dir(module)
        .env("GOTMPDIR", building.join("temporary"))
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .context("cannot start sh")?;
    // `wait` closes stdin, and build.sh then kills the build: keep it open until the build has ended
    let stdin = build.stdin.take();
    let status = build.wait()?;
    drop(stdin);
    if !status.success() {
        bail!("go build failed");
    }
    Ok(())
}

/// The version of a module that a `go.mod` requires, such as `1.37.2`.
pub fn required_version(module_file: &str, module: &str) -> anyhow::Result<String> {
    module_file
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .find_map(|line| line.strip_prefix(module)?.strip_prefix(" v")?.split_whitespace().next())
        .map(str::to_owned)
        .with_context(|| format!("go.mod requires no version of {module}"))
}

/// The folder for all files that tests keep: `apim-keyless` in `XDG_CACHE_HOME`, or in `~/.cache`.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(path::absolute(cache)?.join("apim-keyless"))
}

/// Does the run have `CI=true`? Then a test that cannot run must fail, so that it does not look like a passed one.
pub fn in_continuous_integration() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

/// Writes a line directly to stderr: cargo captures `eprintln!` of a test, and these messages concern all tests of the
/// binary.
pub fn print_to_stderr(message: &str) {
    // if stderr is closed, the message is lost
    let _ = writeln!(io::stderr().lock(), "{message}");
}

fn remove_if_it_exists(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

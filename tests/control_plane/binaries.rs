//! Where the servers' binaries come from: the folder that `KUBEBUILDER_ASSETS` names, or a build of
//! their Go modules, kept for the next time.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{self, Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::say;
use super::servers::CONTROLLERS;

/// The versions stand in these files and nowhere else.
const KUBERNETES_MODULE: &str = include_str!("../control-plane/go.mod");
const ETCD_MODULE: &str = include_str!("../control-plane/etcd/go.mod");

const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/control-plane");

/// The servers' binaries.
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) api_server: PathBuf,
    /// kube-controller-manager, which envtest's folder has not.
    pub(super) controllers: Option<PathBuf>,
}

impl Binaries {
    pub(super) fn find() -> anyhow::Result<Self> {
        if let Some(folder) = env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
            // The servers run in another folder.
            return Self::given(&path::absolute(folder)?);
        }
        let versions = Versions::read()?;
        let cache = cache_folder()?;
        let folder = cache.join(versions.folder_name());
        if !is_complete(&folder) {
            build_alone(&cache, &folder, &versions)?;
        }
        Self::of(&folder).context("the build did not make all binaries")
    }

    fn given(folder: &Path) -> anyhow::Result<Self> {
        let binaries = Self::of(folder)
            .with_context(|| format!("KUBEBUILDER_ASSETS={} has no etcd and kube-apiserver", folder.display()))?;
        if binaries.controllers.is_none() {
            say("KUBEBUILDER_ASSETS has no kube-controller-manager: the control plane has no controllers.");
        }
        Ok(binaries)
    }

    fn of(folder: &Path) -> Option<Self> {
        let binary = |name| Some(folder.join(name)).filter(|path: &PathBuf| path.is_file());
        Some(Self { etcd: binary("etcd")?, api_server: binary("kube-apiserver")?, controllers: binary(CONTROLLERS) })
    }
}

/// The versions of the two modules, such as `1.37.2`.
struct Versions {
    kubernetes: String,
    etcd: String,
}

impl Versions {
    fn read() -> anyhow::Result<Self> {
        Ok(Self {
            kubernetes: required_version(KUBERNETES_MODULE, "k8s.io/kubernetes")?,
            etcd: required_version(ETCD_MODULE, "go.etcd.io/etcd/server/v3")?,
        })
    }

    fn folder_name(&self) -> String {
        format!("kubernetes-{}-etcd-{}", self.kubernetes, self.etcd)
    }

    /// Kubernetes learns its version from the linker.
    fn linker_flags(&self) -> anyhow::Result<String> {
        let version = &self.kubernetes;
        let (major, rest) = version.split_once('.').context("a Kubernetes version has dots")?;
        let (minor, _) = rest.split_once('.').context("a Kubernetes version has two dots")?;
        let variable = "-X k8s.io/component-base/version";
        Ok(format!("-s -w {variable}.gitVersion=v{version} {variable}.gitMajor={major} {variable}.gitMinor={minor}"))
    }
}

fn required_version(module_file: &str, module: &str) -> anyhow::Result<String> {
    module_file
        .lines()
        .map(|line| line.trim().trim_start_matches("require "))
        .find_map(|line| line.strip_prefix(module)?.strip_prefix(" v")?.split_whitespace().next())
        .map(str::to_owned)
        .with_context(|| format!("go.mod requires no version of {module}"))
}

fn cache_folder() -> anyhow::Result<PathBuf> {
    let named = |variable| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")));
    let cache = cache.context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(path::absolute(cache)?.join("apim-keyless/control-plane"))
}

fn is_complete(folder: &Path) -> bool {
    Binaries::of(folder).is_some_and(|binaries| binaries.controllers.is_some())
}

/// Builds unless another test binary has done so while this one waited for the lock, which the kernel
/// takes back however its holder ends.
fn build_alone(cache: &Path, folder: &Path, versions: &Versions) -> anyhow::Result<()> {
    let go = Command::new("go").arg("version").output();
    ensure!(go.is_ok(), "its servers are built with Go, which is not here, nor is KUBEBUILDER_ASSETS set");
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let lock = File::create(cache.join("lock"))?;
    if lock.try_lock().is_err() {
        say("Another test binary builds the control plane, this one waits for it.");
        lock.lock()?;
    }
    if is_complete(folder) {
        return Ok(());
    }
    build(cache, folder, versions)
}

fn build(cache: &Path, folder: &Path, versions: &Versions) -> anyhow::Result<()> {
    let building = cache.join(format!("{}.building", versions.folder_name()));
    remove_if_there(&building)?;
    fs::create_dir_all(building.join("temporary"))?;
    say(&format!(
        "Building etcd {} and Kubernetes {} into {}: about 7 minutes, once.",
        versions.etcd,
        versions.kubernetes,
        folder.display()
    ));
    let output = building.join("etcd");
    let flags = versions.linker_flags()?;
    go_build(&building, "etcd", &["-s -w", "-o", &output.to_string_lossy(), "go.etcd.io/etcd/server/v3"])?;
    go_build(&building, ".", &[&flags, "-o", &format!("{}/", building.display()), "tool"])?;
    fs::remove_dir_all(building.join("temporary"))?;
    ensure!(is_complete(&building), "the build did not make all binaries");
    remove_if_there(folder)?;
    fs::rename(&building, folder).context("cannot move the binaries to their place")?;
    say("The binaries of the control plane are built.");
    Ok(())
}

/// Go's own scratch files stay inside the folder of the build, where a build cut short leaves them to
/// be removed by the next.
fn go_build(building: &Path, module: &str, arguments: &[&str]) -> anyhow::Result<()> {
    let mut build = Command::new("sh")
        .args(["-c", include_str!("build.sh"), "sh", "go", "build", "-trimpath", "-ldflags"])
        .args(arguments)
        .current_dir(Path::new(MODULES).join(module))
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

fn remove_if_there(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

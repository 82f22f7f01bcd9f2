//! Where the servers' binaries come from: the folder that `KUBEBUILDER_ASSETS` names, or a build of
//! their Go modules, kept for the next time.

use std::env;
use std::path::{self, Path, PathBuf};

use anyhow::Context as _;

use super::go_tools::{Tools, cache_folder, go_build, required_version, say};
use super::other_version;
use super::servers::CONTROLLERS;

/// The versions stand in these files and nowhere else; `K8S_VERSION` names another Kubernetes.
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
        let tools = Tools {
            what: "the control plane of the tests (or name one by KUBEBUILDER_ASSETS)",
            folder: cache_folder()?.join("control-plane").join(versions.folder_name()),
            patience: "about 7 minutes",
            is_complete,
        };
        let folder = tools.kept(|building| versions.build(building))?;
        Self::of(folder).context("the build did not make all binaries")
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

fn is_complete(folder: &Path) -> bool {
    Binaries::of(folder).is_some_and(|binaries| binaries.controllers.is_some())
}

/// The versions of the two modules, such as `1.37.2`.
struct Versions {
    kubernetes: String,
    /// Is it another than that of our module?
    is_other: bool,
    etcd: String,
}

impl Versions {
    fn read() -> anyhow::Result<Self> {
        let ours = required_version(KUBERNETES_MODULE, "k8s.io/kubernetes")?;
        let asked = env::var("K8S_VERSION").ok().filter(|version| !version.is_empty());
        let kubernetes = asked.map_or_else(|| ours.clone(), |version| version.trim_start_matches('v').to_owned());
        let etcd = required_version(ETCD_MODULE, "go.etcd.io/etcd/server/v3")?;
        Ok(Self { is_other: kubernetes != ours, kubernetes, etcd })
    }

    fn folder_name(&self) -> String {
        format!("kubernetes-{}-etcd-{}", self.kubernetes, self.etcd)
    }

    fn build(&self, building: &Path) -> anyhow::Result<()> {
        let modules = Path::new(MODULES);
        let etcd = building.join("etcd");
        let arguments = ["-o", &etcd.to_string_lossy(), "go.etcd.io/etcd/server/v3"];
        go_build(building, &modules.join("etcd"), "-s -w", &arguments)?;
        let into = format!("{}/", building.display());
        if self.is_other {
            let module = other_version::module(building, &self.kubernetes)?;
            let [api_server, controllers] = other_version::SERVERS;
            // It has no go.sum yet.
            let arguments = ["-mod=mod", "-o", &into, api_server, controllers];
            return go_build(building, &module, &self.linker_flags()?, &arguments);
        }
        go_build(building, modules, &self.linker_flags()?, &["-o", &into, "tool"])
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

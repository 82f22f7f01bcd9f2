//! Finds the servers' binaries: in the folder that `KUBEBUILDER_ASSETS` names, or in the cache, after a build of their
//! Go modules.

use std::env;
use std::path::{self, Path, PathBuf};

use anyhow::Context as _;

use super::other_version;
use super::servers::CONTROLLERS;
use crate::go_tools::{Tools, cache_folder, go_build, print_to_stderr, required_version};

/// These files are the only place of the versions. `K8S_VERSION` selects another Kubernetes version.
const KUBERNETES_MODULE: &str = include_str!("../../control-plane/go.mod");
const ETCD_MODULE: &str = include_str!("../../control-plane/etcd/go.mod");

const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/control-plane");

/// The servers' binaries.
#[derive(Clone)]
pub(super) struct Binaries {
    pub(super) etcd: PathBuf,
    pub(super) api_server: PathBuf,
    /// kube-controller-manager. envtest's folder does not contain it.
    pub(super) controllers: Option<PathBuf>,
}

impl Binaries {
    pub(super) fn find() -> anyhow::Result<Self> {
        if let Some(folder) = env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty()) {
            // the path must be absolute: the servers run in another folder
            return Self::from_assets(&path::absolute(folder)?);
        }
        let versions = Versions::read()?;
        let tools = Tools {
            name: "the control plane of the tests (or set KUBEBUILDER_ASSETS)",
            folder: cache_folder()?.join("control-plane").join(versions.folder_name()),
            build_time: "about 7 minutes",
            is_complete,
        };
        let folder = tools.built(|building| versions.build(building))?;
        Self::of(folder).context("the build did not create all binaries")
    }

    fn from_assets(folder: &Path) -> anyhow::Result<Self> {
        let binaries = Self::of(folder).with_context(|| {
            format!("KUBEBUILDER_ASSETS={} does not contain etcd and kube-apiserver", folder.display())
        })?;
        if binaries.controllers.is_none() {
            print_to_stderr(
                "KUBEBUILDER_ASSETS does not contain kube-controller-manager: the control plane has no controllers.",
            );
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
    /// Is it a different Kubernetes version than that of `go.mod`?
    is_other: bool,
    etcd: String,
}

impl Versions {
    fn read() -> anyhow::Result<Self> {
        let default = required_version(KUBERNETES_MODULE, "k8s.io/kubernetes")?;
        let selected = env::var("K8S_VERSION").ok().filter(|version| !version.is_empty());
        let kubernetes = selected.map_or_else(|| default.clone(), |version| version.trim_start_matches('v').to_owned());
        let etcd = required_version(ETCD_MODULE, "go.etcd.io/etcd/server/v3")?;
        Ok(Self { is_other: kubernetes != default, kubernetes, etcd })
    }

    fn folder_name(&self) -> String {
        format!("kubernetes-{}-etcd-{}", self.kubernetes, self.etcd)
    }

    fn build(&self, building: &Path) -> anyhow::Result<()> {
        let modules = Path::new(MODULES);
        let etcd = building.join("etcd");
        let arguments = ["-o", &etcd.to_string_lossy(), "go.etcd.io/etcd/server/v3"];
        go_build(building, &modules.join("etcd"), "-s -w", &arguments)?;
        let output_folder = format!("{}/", building.display());
        if self.is_other {
            let module = other_version::module(building, &self.kubernetes)?;
            let [api_server, controllers] = other_version::SERVERS;
            // the module has no go.sum yet
            let arguments = ["-mod=mod", "-o", &output_folder, api_server, controllers];
            return go_build(building, &module, &self.linker_flags()?, &arguments);
        }
        go_build(building, modules, &self.linker_flags()?, &["-o", &output_folder, "tool"])
    }

    /// The linker flags that set the version that Kubernetes reports.
    fn linker_flags(&self) -> anyhow::Result<String> {
        let version = &self.kubernetes;
        let (major, rest) = version.split_once('.').context("the Kubernetes version has no dot")?;
        let (minor, _) = rest.split_once('.').context("the Kubernetes version has only one dot")?;
        let variable = "-X k8s.io/component-base/version";
        Ok(format!("-s -w {variable}.gitVersion=v{version} {variable}.gitMajor={major} {variable}.gitMinor={minor}"))
    }
}

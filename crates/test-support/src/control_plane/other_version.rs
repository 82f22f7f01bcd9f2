//! Creates a Go module that builds another Kubernetes version than
//! `crates/test-support/control-plane/go.mod`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize;

/// The folder of Kubernetes' repository with the modules that are also published separately. Kubernetes' own `go.mod`
/// replaces them with this folder.
const STAGING: &str = "./staging/src/";

/// The packages to build. They are not `tool` directives of the module, because Go would then need modules that neither
/// server uses, and some of these are no longer published.
pub(super) const SERVERS: [&str; 2] =
    ["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"];

/// Creates the module inside the folder of a build.
///
/// It is Kubernetes' own `go.mod`, so all dependencies have the versions of the release. The modules that it takes from
/// its repository are taken from their published versions instead: `v0.34.4` belongs to Kubernetes `1.34.4`.
pub(super) fn module(building: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let (_, minor_and_patch) = version.split_once('.').context("the Kubernetes version has no dot")?;
    let original = fs::read_to_string(original_module_file(building, version)?)?;
    let published = original.lines().map(|line| match line.split_once(STAGING) {
        Some((replaced_by, module)) => format!("{replaced_by}{module} v0.{minor_and_patch}\n"),
        None if line == "module k8s.io/kubernetes" => "module apim-keyless.dev/tests/control-plane\n".to_owned(),
        None => format!("{line}\n"),
    });
    let module = building.join("module");
    fs::create_dir_all(&module)?;
    let written = format!("{}require k8s.io/kubernetes v{version}\n", published.collect::<String>());
    fs::write(module.join("go.mod"), written)?;
    Ok(module)
}

/// The output of `go mod download -json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    error: Option<String>,
    go_mod: Option<PathBuf>,
}

fn original_module_file(building: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", &format!("k8s.io/kubernetes@v{version}")]).current_dir(building);
    let output = command.output().context("cannot start go")?.stdout;
    let download: Download = serde_json::from_slice(&output).context("go mod download printed no JSON")?;
    download.go_mod.with_context(|| {
        format!("cannot download Kubernetes {version}: {}", download.error.as_deref().unwrap_or("it has no go.mod"))
    })
}

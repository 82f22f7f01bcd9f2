//! The Go module that builds another version of Kubernetes than that of `tests/control-plane/go.mod`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde::Deserialize;

/// Where Kubernetes' own go.mod takes the modules from that are published from its repository.
const BESIDE_IT: &str = "./staging/src/";

/// What is built of it. As tools of the module they would have Go ask for modules that neither needs, some of which are
/// published no more.
pub(super) const SERVERS: [&str; 2] =
    ["k8s.io/kubernetes/cmd/kube-apiserver", "k8s.io/kubernetes/cmd/kube-controller-manager"];

/// Makes the module inside the folder of a build.
///
/// It is Kubernetes' own go.mod, so that all it depends on has the version that it was released with. What that takes
/// from beside it, in its repository, is taken from where it is published: `v0.34.4` of it goes with `1.34.4`.
pub(super) fn module(building: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let (_, minor_and_patch) = version.split_once('.').context("a Kubernetes version has dots")?;
    let own = fs::read_to_string(own_module_file(building, version)?)?;
    let published = own.lines().map(|line| match line.split_once(BESIDE_IT) {
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

/// What `go mod download -json` says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    error: Option<String>,
    go_mod: Option<PathBuf>,
}

fn own_module_file(building: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let mut command = Command::new("go");
    command.args(["mod", "download", "-json", &format!("k8s.io/kubernetes@v{version}")]).current_dir(building);
    let said = command.output().context("cannot start go")?.stdout;
    let download: Download = serde_json::from_slice(&said).context("go mod download says nothing")?;
    download.go_mod.with_context(|| {
        format!(
            "there is no Kubernetes {version} to build: {}",
            download.error.as_deref().unwrap_or("it has no go.mod")
        )
    })
}

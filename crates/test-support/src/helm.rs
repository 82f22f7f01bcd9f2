//! Helm: the binary that the environment variable `HELM` names, or a build of its Go module that is kept for the next
//! run.

use crate::go_tools::{Tools, cache_folder, go_build, in_continuous_integration, print_to_stderr, required_version};
use crate::project;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// This file is the only place of the version.
const MODULE: &str = include_str!("../helm/go.mod");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/helm");

/// The folder of the chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/chart");

static SHARED: OnceLock<Option<Helm>> = OnceLock::new();

/// A Helm binary.
pub struct Helm {
    binary: PathBuf,
}

/// The result of a Helm command.
pub struct HelmOutput {
    /// The text on stdout.
    pub stdout: String,
    /// The text on stderr, including warnings of the API server.
    pub stderr: String,
    /// Was the exit code 0?
    pub is_success: bool,
}

impl Helm {
    /// Helm; `None` if it is not available, which a message on stderr says once. With `CI=true` it panics instead.
    pub fn shared() -> Option<&'static Self> {
        let find = || match Self::find() {
            Ok(binary) => Some(Self { binary }),
            Err(error) => {
                let message = format!("The tests of the chart did NOT run: {error:#}.");
                assert!(!in_continuous_integration(), "{message}");
                print_to_stderr(&message);
                None
            }
        };
        SHARED.get_or_init(find).as_ref()
    }

    fn find() -> anyhow::Result<PathBuf> {
        if let Some(binary) = env::var_os("HELM").filter(|binary| !binary.is_empty()) {
            return Ok(binary.into());
        }
        let tools = Tools {
            name: "Helm (or set HELM)",
            folder: cache_folder()?.join(format!("helm-{}", required_version(MODULE, "helm.sh/helm/v4")?)),
            build_time: "about 3 minutes",
            is_complete: |folder| folder.join("helm").is_file(),
        };
        let folder = tools.built(|building| {
            let helm = building.join("helm");
            go_build(building, Path::new(FOLDER), "-s -w", &["-o", &helm.to_string_lossy(), "helm.sh/helm/v4/cmd/helm"])
        })?;
        Ok(folder.join("helm"))
    }

    /// Runs Helm in the project's folder, without the settings of the user who runs the test.
    pub fn call(&self, arguments: &[&str]) -> HelmOutput {
        let home = tempfile::tempdir().unwrap();
        let Output { status, stdout, stderr } = Command::new(&self.binary)
            .args(arguments)
            .current_dir(project::FOLDER)
            .env_remove("KUBECONFIG")
            .env_remove("HELM_NAMESPACE")
            .env("HELM_CACHE_HOME", home.path())
            .env("HELM_CONFIG_HOME", home.path())
            .env("HELM_DATA_HOME", home.path())
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        HelmOutput { stdout: text(stdout), stderr: text(stderr), is_success: status.success() }
    }

    /// Renders the chart for namespace `apim-keyless` with these values (`a.b=c`, `c` in JSON).
    pub fn template(&self, values: &[&str]) -> HelmOutput {
        let mut arguments = vec!["template", "apim-keyless", CHART, "--namespace", "apim-keyless"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        self.call(&arguments)
    }
}

impl HelmOutput {
    /// The text on stdout. Fails if Helm failed.
    pub fn success(self) -> String {
        assert!(self.is_success, "helm: {}", self.stderr);
        self.stdout
    }
}

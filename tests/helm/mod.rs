//! Helm, as the binary that the environment variable `HELM` names, or built from its Go module and kept for the next
//! time.

#![allow(dead_code, reason = "each test binary includes this module and uses its own part of it")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "only tests call this, and a fault here is theirs to fail with")]

use crate::control_plane::go_tools::{Tools, cache_folder, go_build, in_continuous_integration, required_version, say};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// The version stands in this file and nowhere else.
const MODULE: &str = include_str!("go.mod");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/helm");

/// The chart.
pub(crate) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart");

static SHARED: OnceLock<Option<Helm>> = OnceLock::new();

/// A Helm that can be called.
pub(crate) struct Helm {
    binary: PathBuf,
}

/// What a call came to.
pub(crate) struct Said {
    /// What it wrote to standard output.
    pub(crate) output: String,
    /// What it wrote to standard error, warnings of the API server among it.
    pub(crate) errors: String,
    /// Did it do what it was asked for?
    pub(crate) is_done: bool,
}

impl Helm {
    /// Helm; `None` where it cannot be had, which standard error says once, and under `CI=true` a panic.
    pub(crate) fn shared() -> Option<&'static Self> {
        let find = || match Self::find() {
            Ok(binary) => Some(Self { binary }),
            Err(fault) => {
                let absence = format!("The tests of the chart did NOT run: {fault:#}.");
                assert!(!in_continuous_integration(), "{absence}");
                say(&absence);
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
            what: "Helm (or name one by HELM)",
            folder: cache_folder()?.join(format!("helm-{}", required_version(MODULE, "helm.sh/helm/v4")?)),
            patience: "some 3 minutes",
            is_complete: |folder| folder.join("helm").is_file(),
        };
        let folder = tools.kept(|building| {
            let helm = building.join("helm");
            go_build(building, Path::new(FOLDER), "-s -w", &["-o", &helm.to_string_lossy(), "helm.sh/helm/v4/cmd/helm"])
        })?;
        Ok(folder.join("helm"))
    }

    /// Calls it in the folder of the project, with nothing of its user's settings.
    pub(crate) fn call(&self, arguments: &[&str]) -> Said {
        let home = tempfile::tempdir().unwrap();
        let Output { status, stdout, stderr } = Command::new(&self.binary)
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("KUBECONFIG")
            .env_remove("HELM_NAMESPACE")
            .env("HELM_CACHE_HOME", home.path())
            .env("HELM_CONFIG_HOME", home.path())
            .env("HELM_DATA_HOME", home.path())
            .output()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.binary.display()));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { output: text(stdout), errors: text(stderr), is_done: status.success() }
    }

    /// What the chart comes to with these values (`a.b=c`), in namespace `apim-keyless`.
    pub(crate) fn template(&self, values: &[&str]) -> Said {
        let mut arguments = vec!["template", "apim-keyless", CHART, "--namespace", "apim-keyless"];
        arguments.extend(values.iter().flat_map(|value| ["--set-json", value]));
        self.call(&arguments)
    }
}

impl Said {
    /// The standard output of a call that must have gone well.
    pub(crate) fn done(self) -> String {
        assert!(self.is_done, "helm: {}", self.errors);
        self.output
    }
}

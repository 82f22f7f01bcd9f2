//! The chart of an earlier release, from the history of the repository, and today's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use test_support::helm::CHART;
use test_support::project;
use test_support::webhook::not_run;

/// The last commit before types, rules, flags and metrics got their present names.
const EARLIER: &str = "9ccee7072d75e2a5adef11a12078a96f5b465b60";

/// The earlier chart and today's, with two changes that the test needs: the webhook entries name another port, because
/// only root may listen on 443, and have longer timeouts, because test machines are slow.
pub(super) struct Charts {
    folder: TempDir,
}

impl Charts {
    /// The charts, whose webhook entries name this port of the Service. `None` if the history does not have the commit.
    /// With `CI=true` it panics instead, unless the clone is shallow.
    pub(super) fn with_port(port: u16) -> Option<Self> {
        if git(&["cat-file", "-e", &format!("{EARLIER}^{{commit}}")]).is_none() {
            let is_complete = git(&["rev-parse", "--is-shallow-repository"]).is_some_and(|text| text.trim() == "false");
            let in_ci = env::var("CI").is_ok_and(|value| value == "true");
            assert!(!(is_complete && in_ci), "the whole history does not have the commit {EARLIER}");
            not_run(&format!("the history of this clone does not have the commit {EARLIER} with the earlier chart"));
            return None;
        }
        let charts = Self { folder: tempfile::tempdir().unwrap() };
        let archive = charts.folder.path().join("earlier.tar");
        git(&["archive", "--output", archive.to_str().unwrap(), EARLIER, "deploy/chart"]).unwrap();
        run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(charts.folder.path()));
        run(Command::new("cp").arg("-r").arg(CHART).arg(charts.today()));
        for chart in [charts.earlier(), charts.today()] {
            let templates = chart.join("templates");
            replace(&templates.join("_webhooks.tpl"), "port: 443, path", &format!("port: {port}, path"));
            for name in ["mutating-webhooks.yaml", "validating-webhooks.yaml"] {
                replace(&templates.join(name), "timeoutSeconds: ", "timeoutSeconds: 1");
            }
        }
        Some(charts)
    }

    /// The folder of the earlier chart.
    pub(super) fn earlier(&self) -> PathBuf {
        self.folder.path().join("deploy/chart")
    }

    /// The folder of today's chart.
    pub(super) fn today(&self) -> PathBuf {
        self.folder.path().join("today")
    }

    /// Writes a file beside the charts.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// The output of a git command in the project's folder; `None` if it failed.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(project::FOLDER).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

fn replace(file: &Path, text: &str, with: &str) {
    let before = fs::read_to_string(file).unwrap();
    assert!(before.contains(text), "{}", file.display());
    fs::write(file, before.replace(text, with)).unwrap();
}

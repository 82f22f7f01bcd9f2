//! The hook, the action and the scripts of docs/pipelines.md run as their tools run them, with the real binary.

mod action;
mod documented;
mod pre_commit;

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use test_support::npm::{is_installed, not_run};
use test_support::project;
use test_support::run::Folder;

/// The version of the package, which names the archives of a release.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// A gateway with workload identity: nothing is wrong with it.
const GOOD: &str = include_str!("../../../deploy/examples/01-workload-identity.yaml");
/// A gateway that uses its auth key.
const WITH_KEY: &str = include_str!("../../../deploy/examples/04-chart-gateway-token.yaml");

/// A folder as the releases of a repository are on its server, with the archive for this machine.
fn releases() -> &'static Folder {
    static RELEASES: OnceLock<Folder> = OnceLock::new();
    RELEASES.get_or_init(|| {
        let folder = Folder::with(&[(&format!("v{VERSION}/SHA256SUMS"), "")]);
        // without the symbols, which are most of it
        let script = "strip -o apim-keyless \"$BINARY\" && tar -czf \"$ARCHIVE\" apim-keyless && rm apim-keyless && sha256sum \"$ARCHIVE\" > SHA256SUMS";
        let output = Command::new("bash")
            .args(["-ec", script])
            .env("ARCHIVE", archive())
            .env("BINARY", project::binary())
            .current_dir(folder.path(&format!("v{VERSION}")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        folder
    })
}

/// The address of the releases.
fn address(releases: &Folder) -> String {
    format!("file://{}", releases.path("").display()).trim_end_matches('/').to_owned()
}

/// Whether a script can download a release here.
fn can_download() -> bool {
    is_installed("curl", "scripts that download a release")
}

/// The archive of a release for this machine.
fn archive() -> String {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    format!("apim-keyless-{VERSION}-linux-{architecture}.tar.gz")
}

/// The exit code, and everything that is printed.
fn output_of(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text.into_owned())
}

/// Asserts that shellcheck has no complaint about a script.
fn shellcheck(script: &Path) {
    match Command::new("shellcheck").arg(script).output() {
        Ok(output) => {
            assert!(output.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&output.stdout));
        }
        Err(_) => not_run("scripts", "shellcheck is not installed"),
    }
}

#[test]
fn shellcheck_has_no_complaint_about_the_scripts() {
    for script in ["packages/fill", "pipelines/check.sh", "pipelines/install.sh", "site/build"] {
        shellcheck(&Path::new("deploy").join(script));
    }
    shellcheck(Path::new(".ci/run"));
}

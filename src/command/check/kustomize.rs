//! Builds kustomizations with the program that is installed: only its output shows the objects.

use apim_keyless_manifest::Inputs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// The programs that can build a kustomization, and their arguments before the folder.
const BUILDERS: [(&str, &str); 2] = [("kustomize", "build"), ("kubectl", "kustomize")];
/// Names of a kustomization's file.
const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Adds the objects of the kustomization in a folder. The output of a failed build is not shown: it can quote a secret.
pub(super) fn add(inputs: &mut Inputs, folder: &Path) {
    let name = folder.display().to_string();
    if !FILES.iter().any(|file| folder.join(file).is_file()) {
        let message = "no kustomization.yaml in this folder; give the folder that holds it, or leave --kustomize out";
        return inputs.add_unreadable(name, message.to_owned());
    }
    for (program, argument) in BUILDERS {
        let output = Command::new(program).arg(argument).arg(folder).stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => {
                return inputs.add_text(format!("{name} (output of {program} {argument})"), output.stdout);
            }
            Ok(_) => {
                let message =
                    format!("{program} {argument} failed; run it on this folder, and correct what it reports");
                return inputs.add_unreadable(name, message);
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("{program} cannot be started ({}); check its installation", error.kind());
                return inputs.add_unreadable(name, message);
            }
        }
    }
    let message = "--kustomize needs kustomize or kubectl, and neither is installed; install one of them";
    inputs.add_unreadable(name, message.to_owned());
}

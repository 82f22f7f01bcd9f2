//! Shows or writes the files of a migration, once each of them can be written.

use super::files::OutputPaths;
use super::{Planned, shown};
use crate::cli::MigrateArguments;
use crate::command::rewritten_file::{
    self, diff_of_new, folder_outside, has_other_names, is_written, other_names_message, outside_message, replace,
};
use crate::command::{print, print_to_stderr, print_unchanged};
use anyhow::bail;
use apim_keyless_core::gateway::Authentication;
use apim_keyless_core::migration::MigratedGateway;
use apim_keyless_core::policy::printable;
use apim_keyless_manifest::STANDARD_INPUT;
use apim_keyless_manifest::rewrite::masked;
use std::collections::HashSet;
use std::path::Path;

impl Planned {
    /// Checks before anything is written that each file can be: no link leads out of the folders that are to be changed,
    /// and no new file exists.
    pub(super) fn check_targets(&self, arguments: &MigrateArguments, output: &OutputPaths) -> anyhow::Result<()> {
        if arguments.shows_only() {
            return Ok(());
        }
        let mut taken = HashSet::new();
        for change in &self.changes {
            if let Some(path) = output.of_file(&change.file) {
                output.check_inside(path)?;
                taken.insert(path.to_owned());
            } else if let Some(folder) = folder_outside(&change.file, &arguments.paths) {
                bail!("nothing was written: {}", printable(&outside_message(&change.file, folder)));
            } else if has_other_names(Path::new(&change.file)) {
                bail!("nothing was written: {}", printable(&other_names_message(&change.file)));
            }
        }
        for (beside, path, text) in &self.other.new_files {
            let path = output.beside(beside, path);
            output.check_inside(&path)?;
            let why = if path.symlink_metadata().is_ok() && !is_written(&path, text) {
                "exists with other content; remove it, or move its content, and run the command again"
            } else if taken.insert(path.clone()) {
                continue;
            } else {
                "would be written twice; run the command for each folder"
            };
            bail!("nothing was written: {} {why}", printable(&path.display().to_string()));
        }
        if let Some(policy) = arguments.write_policy.as_deref().filter(|policy| taken.contains(*policy)) {
            bail!("nothing was written: --write-policy names {}, which holds migrated manifests", policy.display());
        }
        Ok(())
    }

    /// Shows or writes the changed files.
    pub(super) fn write(
        &self,
        arguments: &MigrateArguments,
        output: &OutputPaths,
        stdin: Option<&[u8]>,
    ) -> anyhow::Result<()> {
        let mut is_stdin_written = false;
        for change in &self.changes {
            if arguments.diff {
                print(&change.diff())?;
            }
            if arguments.shows_only() {
                continue;
            }
            match output.of_file(&change.file) {
                _ if change.file == STANDARD_INPUT => {
                    let encoded = stdin.and_then(|read| change.rewrite.encoded(read));
                    print_unchanged(encoded.as_deref().unwrap_or(change.rewrite.after.as_bytes()))?;
                    is_stdin_written = true;
                }
                Some(path) => rewritten_file::write(path, Path::new(&change.file), &change.rewrite)?,
                None => replace(Path::new(&change.file), &change.rewrite)?,
            }
        }
        for (beside, path, text) in &self.other.new_files {
            let path = output.beside(beside, path);
            if arguments.diff {
                print(&diff_of_new(&path.display().to_string(), text, &masked(text)))?;
            }
            if !arguments.shows_only() && !is_written(&path, text) {
                rewritten_file::create(&path, text)?;
            }
        }
        if let Some(text) = stdin.filter(|_| !is_stdin_written && !arguments.shows_only()) {
            print_unchanged(text)?;
        }
        self.print_changes(arguments, output);
        Ok(())
    }

    /// Says what became of each gateway and source; if nothing is written, also what to check, and the files.
    fn print_changes(&self, arguments: &MigrateArguments, output: &OutputPaths) {
        for gateway in self.changed_gateways() {
            print_to_stderr(&printable(&migrated(gateway)));
            let notes = gateway.guesses.iter().chain(&gateway.to_do);
            for note in notes.filter(|_| arguments.shows_only() && !arguments.checklist) {
                print_to_stderr(&printable(&format!("  - {note}")));
            }
        }
        let verb = if arguments.shows_only() { "would be changed" } else { "changed" };
        for plan in self.other.changed() {
            print_to_stderr(&printable(&format!("{}: {} {verb}", shown(&plan.file), plan.source_type.name())));
        }
        if !arguments.check {
            return;
        }
        for change in &self.changes {
            print_to_stderr(&printable(&format!("would change {}", shown(&change.file))));
        }
        for (beside, path, _) in &self.other.new_files {
            print_to_stderr(&printable(&format!("would create {}", output.beside(beside, path).display())));
        }
    }
}

/// What became of a gateway, in one line.
fn migrated(gateway: &MigratedGateway) -> String {
    let from = match gateway.from {
        Authentication::Key => "from an auth key",
        Authentication::EntraApp => "from an Entra app",
        Authentication::WorkloadIdentity => "completed",
        Authentication::None | Authentication::Unknown => "from an unknown auth method",
    };
    let config_maps: Vec<String> = gateway.config_maps.iter().map(|name| format!("ConfigMap \"{name}\"")).collect();
    format!("{}: {from}; ServiceAccount \"{}\", {}", gateway.object, gateway.service_account, config_maps.join(", "))
}

//! `completions` and `man`: what shells and `man` read about the command line.

use super::{cause, print};
use crate::cli::{Cli, CompletionsArguments, ManArguments};
use anyhow::{Context, anyhow};
use clap::CommandFactory;
use std::fs;
use std::process::ExitCode;

/// The name of the program that is completed.
const PROGRAM: &str = "apim-keyless";

/// Prints the completions for a shell.
pub(super) fn run(arguments: &CompletionsArguments) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), PROGRAM, &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the man pages: `apim-keyless.1`, and one for each command.
pub(super) fn write_man_pages(arguments: &ManArguments) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder))
        .map_err(|error| anyhow!(cause(&error)))
        .with_context(|| format!("cannot write the man pages to {}", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

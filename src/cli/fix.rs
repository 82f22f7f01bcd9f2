//! The arguments of `fix`.

use super::{EvaluationMode, values};
use clap::Args;
use std::path::PathBuf;

/// Exit codes of `fix`, for its long help.
const EXIT_CODES: &str = "Exit codes:
  0  every fix was written, or there was none
  1  a fix could not be written and is to be made by hand; with --check, a file would change
  2  a file or document could not be read, and the rest was fixed; or the command could not start";

/// Arguments of `fix`.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(after_long_help = EXIT_CODES)]
pub struct FixArguments {
    /// YAML or JSON files, folders of them (with subfolders), or - for stdin, which is written to stdout
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub paths: Vec<PathBuf>,
    /// Print the changes as a diff, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// Write nothing, and exit with code 1 if a file would change
    #[arg(long)]
    pub check: bool,
    /// Fix only findings of these rules
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Also make fixes that change what a person wrote: read the diff before you keep them
    #[arg(long = "unsafe")]
    pub is_unsafe: bool,
    /// Evaluate every namespace in this mode. Default: the mode label of each Namespace in the input, else enforce
    #[arg(long, value_enum)]
    pub mode: Option<EvaluationMode>,
    /// File with the policy: the policy document, the ConfigMap that holds it, or values of the Helm chart. Default: as
    /// for `check`
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects without metadata.namespace
    #[arg(short, long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// The input is the whole content of its namespaces
    #[arg(long)]
    pub complete: bool,
}

impl FixArguments {
    /// Whether nothing is written.
    pub fn shows_only(&self) -> bool {
        self.diff || self.check
    }
}

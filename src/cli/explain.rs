//! Arguments of `explain`.

use super::values;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// Id of the rule, code of doctor or verify, or error code of Entra such as AADSTS700213. Default: list all of them, one a line
    #[arg(value_name = "RULE|CODE", conflicts_with = "objects")]
    pub id: Option<String>,
    /// List the effective settings of every gateway in this file or folder, with the source of each; - for stdin.
    /// Repeatable. No value is printed
    #[arg(long = "object", value_name = "FILE|DIR|-")]
    pub objects: Vec<PathBuf>,
    /// Path to the policy document, whose images are recognized as the gateway's too
    #[arg(long, value_name = "FILE", requires = "objects")]
    pub policy: Option<PathBuf>,
    /// Namespace of objects without metadata.namespace
    #[arg(short, long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
}

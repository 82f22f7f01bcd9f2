//! Arguments about the report, the same for `check` and `doctor`.

use apim_keyless_core::policy::Level;
use clap::{Args, ValueEnum};

/// Arguments about the report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArguments {
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Output::Text)]
    pub output: Output,
    /// Print only the last line of the text report; what could not be read is still printed to stderr
    #[arg(short, long)]
    pub quiet: bool,
    /// Exit with code 1 for findings of this level and worse
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t = FailOn::Error)]
    pub fail_on: FailOn,
    /// Report only the findings of these rules; `apim-keyless explain` lists them
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    pub select: Vec<String>,
    /// Leave out the findings of these rules
    #[arg(long, value_name = "RULE,...", value_delimiter = ',')]
    pub ignore: Vec<String>,
}

/// Output format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Workflow commands of GitHub Actions: annotations of a pull request
    Github,
    /// One HTML page that needs no other file
    Html,
    /// One JSON document with a version
    Json,
    /// Test results in XML.
    #[value(help = "JUnit XML: test results for Jenkins, GitLab and Azure Pipelines")]
    Junit,
    /// SARIF 2.1.0: alerts of code scanning
    Sarif,
    /// Text for people
    Text,
}

/// The mildest level that makes the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Errors
    Error,
    /// Errors and fixable findings
    Fixable,
    /// Every finding
    Warning,
}

impl From<FailOn> for Level {
    fn from(fail_on: FailOn) -> Self {
        match fail_on {
            FailOn::Error => Self::Error,
            FailOn::Fixable => Self::Fixable,
            FailOn::Warning => Self::Warning,
        }
    }
}

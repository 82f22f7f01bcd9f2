//! Arguments about the messages of responses, the same for `serve` and `review`.

use super::values::docs_url;
use crate::admission::MessageOptions;
use clap::Args;

/// Arguments about the messages of responses.
#[derive(Debug, Args)]
#[command(next_help_heading = "Messages")]
pub struct MessageArguments {
    /// Base URL of the rule pages: a denial links the page of each of its rules. {rule} in the URL is replaced by the
    /// rule's id; without {rule} the id is appended. Empty or absent: no links
    #[arg(long, value_name = "URL", value_parser = docs_url)]
    pub docs_url: Option<String>,
    /// Do not warn about what the mutating webhook sets
    #[arg(long)]
    pub quiet_mutations: bool,
}

impl MessageArguments {
    /// The options that these arguments set.
    pub fn options(&self) -> MessageOptions {
        MessageOptions {
            docs_url: self.docs_url.clone().filter(|url| !url.is_empty()),
            quiet_mutations: self.quiet_mutations,
        }
    }
}

//! Terraform: `helm_release` with Microsoft's chart, and the resources of the Kubernetes provider.
//!
//! hcl-edit reads the configuration; the changes are made in its text, so that everything else stays as it is.

mod editor;
mod helm_release;
mod kubernetes;
mod values;
mod variables;
mod workload;

use super::shell_words::line;
use super::{NoteKind, SourceContext, SourceReport, TextMigration};
use editor::Editor;
use hcl_edit::structure::{Block, Body};

/// Migrates a Terraform configuration. `None` if it has no gateway.
pub fn migrate_terraform(text: &str, context: SourceContext<'_>) -> Option<TextMigration> {
    let body = match hcl_edit::parser::parse_body(text) {
        Ok(body) => body,
        Err(error) => return unreadable(text, error.location().line()),
    };
    let mut editor = Editor::new(text);
    let mut report = SourceReport::default();
    for block in resources(&body).filter(|block| resource_type(block) == "helm_release") {
        helm_release::migrate(block, &mut editor, context, &mut report);
    }
    kubernetes::migrate(&body, &mut editor, context, &mut report);
    let new = editor.finish().filter(|new| hcl_edit::parser::parse_body(new).is_ok());
    if new.is_none() {
        report.note(1, NoteKind::ByHand, "Change this file by hand: two changes are in the same place");
    }
    report.notes.sort_by_key(|note| note.at);
    let new = new.filter(|new| new != text);
    if new.is_some() {
        report.apply.push("terraform plan".to_owned());
        report.apply.push("terraform apply".to_owned());
    }
    (new.is_some() || !report.is_empty()).then_some(TextMigration { text: new, report })
}

/// A configuration that cannot be read. `None` if it does not mention a gateway.
fn unreadable(text: &str, line: usize) -> Option<TextMigration> {
    if !["azure-api-management", "config.service."].iter().any(|mention| text.contains(mention)) {
        return None;
    }
    let mut report = SourceReport::default();
    report.note(
        line,
        NoteKind::ByHand,
        "Correct the syntax here, and run the command again: `terraform validate` names the error",
    );
    Some(TextMigration { text: None, report })
}

fn resources(body: &Body) -> impl Iterator<Item = &Block> {
    body.blocks().filter(|block| block.has_ident("resource") && block.labels.len() == 2)
}

/// The type of a resource.
fn resource_type(block: &Block) -> &str {
    block.labels.first().map_or("", |label| label.as_str())
}

/// The local name of a resource.
fn resource_name(block: &Block) -> &str {
    block.labels.get(1).map_or("", |label| label.as_str())
}

//! Terraform: `helm_release` with Microsoft's chart, and the resources of the Kubernetes provider.
//!
//! hcl-edit reads the configuration; the changes are made in its text, so that everything else stays as it is.

mod account;
mod alignment;
mod config_maps;
mod contradiction;
mod editor;
mod format_lines;
mod helm_release;
mod kubernetes;
mod left_settings;
mod release_values;
mod takers;
mod values;
mod variables;
mod workload;

use super::{NoteKind, SourceContext, SourceReport, TextMigration};
use editor::Editor;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};
use std::collections::BTreeSet;
use takers::is_of_cluster;

pub use left_settings::left_settings;
pub use takers::{OtherResource, other_resources, taken_in_terraform, unread_line};

/// The files beside a configuration.
#[derive(Clone, Copy)]
pub struct FilesBeside<'f> {
    /// The text of the file of this name.
    pub read: &'f dyn Fn(&str) -> Option<String>,
    /// Whether a file of this name is migrated, too; `*` in it stands for any text.
    pub is_input: &'f dyn Fn(&str) -> bool,
}

/// Where the values of expressions are.
#[derive(Clone, Copy)]
struct Sources<'b, 'f> {
    body: &'b Body,
    files: &'f FilesBeside<'f>,
}

impl<'b> Sources<'b, '_> {
    /// The expression that a local value or the default of a variable stands for.
    fn resolved<'e>(&self, expression: &'e Expression) -> &'e Expression
    where
        'b: 'e,
    {
        self.named(expression.to_string().trim()).unwrap_or(expression)
    }

    /// The expression of a local value, or of the default of a variable: `local.NAME`, `var.NAME`.
    fn named(&self, reference: &str) -> Option<&'b Expression> {
        let named = |block: &'b Block, name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
        match reference.split_once('.')? {
            ("var", name) => {
                let is_it = |block: &&Block| block.labels.first().is_some_and(|label| label.as_str() == name);
                self.body.get_blocks("variable").find(is_it).and_then(|block| named(block, "default"))
            }
            ("local", name) => self.body.get_blocks("locals").find_map(|block| named(block, name)),
            _ => None,
        }
    }

    /// A text with the known texts in place of `${NAME}`, and the first expression that has one.
    fn filled(&self, text: &str) -> Option<(String, &'b Expression)> {
        let mut parts = text.split("${");
        let (mut filled, mut first) = (parts.next()?.to_owned(), None);
        for part in parts {
            let (reference, rest) = part.split_once('}')?;
            let expression = self.named(reference.trim())?;
            filled = filled + expression.as_str()? + rest;
            first.get_or_insert(expression);
        }
        Some((filled, first?))
    }

    /// The text of an expression, if it is known.
    fn text<'e>(&self, expression: &'e Expression) -> Option<&'e str>
    where
        'b: 'e,
    {
        self.resolved(expression).as_str()
    }
}

/// Migrates a Terraform configuration. `None` if it has no gateway.
pub fn migrate_terraform(text: &str, context: SourceContext<'_>, files: &FilesBeside<'_>) -> Option<TextMigration> {
    let body = match hcl_edit::parser::parse_body(text) {
        Ok(body) => body,
        Err(error) => return unreadable(text, error.location().line()),
    };
    let mut editor = Editor::new(text);
    let mut report = SourceReport::default();
    let sources = Sources { body: &body, files };
    let releases = resources(&body).filter(|block| resource_type(block) == "helm_release");
    let mut secrets = BTreeSet::new();
    for block in releases.chain(data_sources(&body).filter(|block| resource_type(block) == "helm_template")) {
        secrets.extend(helm_release::migrate(block, sources, &mut editor, context, &mut report));
    }
    kubernetes::migrate(sources, secrets, &mut editor, context, &mut report);
    let edited = editor.finish();
    let new = edited.clone().filter(|new| hcl_edit::parser::parse_body(new).is_ok());
    if new.is_none() {
        report.note(
            1,
            NoteKind::ByHand,
            if edited.is_none() {
                "Change this file by hand: two changes are in the same place"
            } else {
                "Change this file by hand: with the changes it would not be valid Terraform"
            },
        );
    }
    report.notes.sort_by_key(|note| note.at);
    let new = new.filter(|new| new != text);
    if new.is_some() {
        report.apply.push("terraform plan".to_owned());
        report.apply.push("terraform apply".to_owned());
    }
    (new.is_some() || !report.is_empty()).then_some(TextMigration { text: new, report })
}

/// The files, and the lines, of manifests that a configuration reads as one document each.
pub fn files_of_one_document(text: &str) -> Vec<(String, usize)> {
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return Vec::new() };
    let editor = Editor::new(text);
    let blocks = resources(&body).filter(|block| {
        ["kubernetes_manifest", "kubectl_manifest"].contains(&resource_type(block))
            && block.body.get_attribute("for_each").is_none()
    });
    let of_block = |block: &Block| {
        let read = ["manifest", "yaml_body"].iter().find_map(|name| block.body.get_attribute(name))?;
        let value = editor.slice(&read.value);
        let (_, path) = value.split_once("file(\"")?;
        let path = path.split('"').next()?;
        let path =
            ["${path.module}/", "${path.root}/"].iter().find_map(|start| path.strip_prefix(start)).unwrap_or(path);
        Some((path.to_owned(), editor.line(block)))
    };
    blocks.filter_map(of_block).collect()
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

fn data_sources(body: &Body) -> impl Iterator<Item = &Block> {
    body.blocks().filter(|block| block.has_ident("data") && block.labels.len() == 2)
}

/// The type of a resource.
fn resource_type(block: &Block) -> &str {
    block.labels.first().map_or("", |label| label.as_str())
}

/// The local name of a resource.
fn resource_name(block: &Block) -> &str {
    block.labels.get(1).map_or("", |label| label.as_str())
}

#[cfg(test)]
mod tests {
    use super::FilesBeside;

    /// A configuration without files beside it.
    pub(super) const NO_FILES: FilesBeside<'static> = FilesBeside { read: &|_| None, is_input: &|_| false };
}

//! The values of a `helm_release`: in `values`, in `set` and `set_sensitive`, and those that cannot be read here.

use super::editor::Editor;
use super::{Sources, values};
use crate::migration_sources::value_path::{self, ValuePath};
use hcl_edit::Span;
use hcl_edit::expr::{Expression, FuncCall, Object};
use hcl_edit::structure::Body;
use serde_json::{Value, json};
use std::ops::Range;

/// The blocks or lists with names and values.
const SETS: [&str; 2] = ["set", "set_sensitive"];
/// All blocks or lists that set values.
const ALL_SETS: [&str; 4] = ["set", "set_sensitive", "set_list", "set_wo"];

/// Where a release has values.
pub(super) enum Layer<'b> {
    /// `yamlencode({…})`.
    Object(&'b Object),
    /// YAML in a heredoc, whose text is in this range.
    Text(Range<usize>),
    /// The `set` and `set_sensitive` blocks or lists.
    Sets(Vec<SetEntry<'b>>),
    /// Values that can be read but not be changed here, at this line.
    Fixed(usize),
}

/// A name and a value.
pub(super) struct SetEntry<'b> {
    pub(super) path: ValuePath,
    pub(super) value: &'b Expression,
    pub(super) range: Range<usize>,
    /// The list whose one element it is.
    pub(super) whole_list: Option<Range<usize>>,
}

/// Values that cannot be read.
pub(super) struct Unreadable {
    pub(super) line: usize,
    /// What to do about them.
    pub(super) message: &'static str,
    /// How many layers are before them; later ones win.
    pub(super) layers_before: usize,
    /// Whether the values of another file are migrated there.
    pub(super) is_migrated_elsewhere: bool,
}

/// The values of a release.
#[derive(Default)]
pub(super) struct ReleaseValues<'b> {
    pub(super) layers: Vec<Layer<'b>>,
    pub(super) values: Vec<Value>,
    pub(super) unreadable: Vec<Unreadable>,
}

const FILE: &str = "Migrate the file with these values, too: give it to this command";
const EXPRESSION: &str = "Change these values by hand, or write them here in yamlencode or as set blocks: they are made by an \
                          expression that is not read. Remove gateway.auth.key, and set gateway.auth.type: \
                          WorkloadIdentity, gateway.auth.azureAd.app.id and gateway.name";
const SET: &str = "Write these values here as set blocks with plain names: they are made by an expression that is not read, and can \
                   set gateway.auth again";

impl<'b> ReleaseValues<'b> {
    pub(super) fn of(body: &'b Body, editor: &Editor<'_>, sources: Sources<'b, '_>) -> Self {
        let mut read = Self::default();
        if let Some(attribute) = body.get_attribute("values") {
            match sources.resolved(&attribute.value) {
                Expression::Array(elements) => {
                    elements.iter().for_each(|element| read.element(element, editor, sources));
                }
                _ => read.unreadable(editor.line(attribute), EXPRESSION),
            }
        }
        let mut entries: Vec<SetEntry<'_>> = Vec::new();
        for name in ALL_SETS {
            read.sets(body, name, editor, &mut entries);
        }
        if !entries.is_empty() {
            let mut layer = json!({});
            for entry in &entries {
                value_path::set(&mut layer, &entry.path, values::value(entry.value, editor));
            }
            read.values.push(layer);
            read.layers.push(Layer::Sets(entries));
        }
        read
    }

    fn unreadable(&mut self, line: usize, message: &'static str) {
        // sets win over all values
        let layers_before = if message == SET { usize::MAX } else { self.layers.len() };
        self.unreadable.push(Unreadable { line, message, layers_before, is_migrated_elsewhere: message == FILE });
    }

    /// Reads the blocks or the list of this name.
    fn sets(&mut self, body: &'b Body, name: &'b str, editor: &Editor<'_>, entries: &mut Vec<SetEntry<'b>>) {
        let is_pair = SETS.contains(&name);
        // the name, the value, the bytes
        let mut found = Vec::new();
        for block in body.get_blocks(name) {
            let attribute = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
            found.push((attribute("name"), attribute("value"), block.span(), None));
        }
        let list = body.get_attribute(name);
        let elements = list.and_then(|attribute| attribute.value.as_array());
        let whole = elements.filter(|elements| elements.len() == 1).and_then(Span::span);
        for element in elements.into_iter().flatten() {
            let member = |name: &str| values::member(element.as_object()?, name);
            found.push((member("name"), member("value"), element.span(), whole.clone()));
        }
        if let Some(attribute) = list.filter(|attribute| !attribute.value.is_array()) {
            self.unreadable(editor.line(attribute), SET);
        }
        for (name, value, range, whole_list) in found {
            let line = editor.line_at(range.as_ref().map_or(0, |range| range.start));
            match entry(name, value, (range, whole_list)).filter(|_| is_pair) {
                Some(entry) => entries.push(entry),
                None if is_harmless(name) => {}
                None => self.unreadable(line, SET),
            }
        }
        let is_it =
            |block: &&hcl_edit::structure::Block| block.labels.first().is_some_and(|label| label.as_str() == name);
        for block in body.get_blocks("dynamic").filter(is_it) {
            self.unreadable(editor.line(block), SET);
        }
    }

    fn element(&mut self, element: &'b Expression, editor: &Editor<'_>, sources: Sources<'b, '_>) {
        let known = match element {
            Expression::HeredocTemplate(heredoc) => {
                let range = heredoc.template.span();
                let value = range.clone().and_then(|range| apim_keyless_manifest::value(editor.text.get(range)?));
                range.map(Layer::Text).zip(value)
            }
            Expression::FuncCall(call) if call.name.name.as_str() == "yamlencode" => {
                let object = call.args.iter().next().and_then(|argument| argument.as_object());
                let own = object
                    .map(|object| (Layer::Object(object), values::value(&Expression::Object(object.clone()), editor)));
                own.or_else(|| {
                    let resolved = sources.resolved(call.args.iter().next()?);
                    let fixed = (Layer::Fixed(editor.line(element)), values::value(resolved, editor));
                    resolved.is_object().then_some(fixed)
                })
            }
            Expression::FuncCall(call) if ["file", "templatefile"].contains(&call.name.name.as_str()) => {
                let Some(path) = path_of(call, editor) else {
                    return self.unreadable(editor.line(element), EXPRESSION);
                };
                if (sources.files.is_input)(&path) {
                    return self.unreadable(editor.line(element), FILE);
                }
                let value = (sources.files.read)(&path).and_then(|text| apim_keyless_manifest::value(&text));
                value.map(|value| (Layer::Fixed(editor.line(element)), value))
            }
            _ => None,
        };
        match known.filter(|(_, value)| value.is_object()) {
            Some((layer, value)) => {
                self.layers.push(layer);
                self.values.push(value);
            }
            None => self.unreadable(editor.line(element), EXPRESSION),
        }
    }
}

/// The path of a file, from the folder of the configuration, with `*` for each expression in it.
fn path_of(call: &FuncCall, editor: &Editor<'_>) -> Option<String> {
    let text = editor.slice(call.args.iter().next()?).trim();
    let path = text.strip_prefix('"')?.strip_suffix('"')?;
    let folders = ["${path.module}/", "${path.root}/", "${path.cwd}/"];
    let path = folders.iter().find_map(|folder| path.strip_prefix(folder)).unwrap_or(path);
    let mut parts = path.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    Some(parts.fold(first, |path, part| path + "*" + part.split_once('}').map_or("", |(_, rest)| rest)))
}

fn entry<'b>(
    name: Option<&'b Expression>,
    value: Option<&'b Expression>,
    (range, whole_list): (Option<Range<usize>>, Option<Range<usize>>),
) -> Option<SetEntry<'b>> {
    Some(SetEntry { path: value_path::parse(name?.as_str()?), value: value?, range: range?, whole_list })
}

/// Whether a plain name is of values that say nothing about authentication.
fn is_harmless(name: Option<&Expression>) -> bool {
    let name = name.and_then(Expression::as_str);
    name.is_some_and(|name| {
        !["gateway", "secret", "serviceAccount", "image"].iter().any(|start| name.starts_with(start))
    })
}

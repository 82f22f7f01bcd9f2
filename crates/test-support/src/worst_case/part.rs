//! A part of a shape: a text that is repeated at one place of an object.

use super::{PARTS, Shape};

/// A text that is repeated at one place of an object.
#[derive(Debug)]
pub struct Part {
    /// Its place and what it is, for the table of results.
    pub name: &'static str,
    /// Where it is repeated.
    pub place: Place,
    /// Entries of `env` that its texts refer to, before it.
    pub variables: &'static str,
    /// The text before all repetitions.
    pub before: &'static str,
    /// The repeated text, with placeholders: `#` is the number of the repetition and `%` the previous one, `~` a text
    /// whose length and character are the shape's, and `^` spells the word before it in another case each time.
    pub item: &'static str,
    /// The text after all repetitions. If it is empty, the repetitions are elements of a list, with commas between.
    pub after: &'static str,
}

/// A place in an object at which parts are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A list in each container.
    Container(&'static str),
    /// The words of each command of a container: `command`, `args`, hooks and probes.
    Commands,
    /// A list in `spec` of the pod template.
    Pod(&'static str),
    /// Labels or annotations of the pod template.
    PodMetadata(&'static str),
    /// A list or mapping in the metadata of the object.
    Metadata(&'static str),
    /// A mapping of a `ConfigMap`: `data` or `binaryData`.
    Root(&'static str),
}

impl Part {
    /// A list or mapping in which `item` is repeated.
    pub(super) const fn list(name: &'static str, place: Place, item: &'static str) -> Self {
        Self { name, place, variables: "", before: "", item, after: "" }
    }

    /// One element in which the second text is repeated, between the first and the last one.
    pub(super) const fn text(name: &'static str, place: Place, [before, item, after]: [&'static str; 3]) -> Self {
        Self { name, place, variables: "", before, item, after }
    }

    /// Adds entries of `env` that its texts refer to.
    pub(super) const fn with_variables(self, variables: &'static str) -> Self {
        Self { variables, ..self }
    }

    /// The part of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PARTS.iter().find(|part| part.name == name)
    }

    /// The kinds of objects that have its place.
    pub fn kinds(&self) -> &'static [[&'static str; 2]] {
        match self.place {
            Place::Root(_) => &[Shape::CONFIG_MAP],
            Place::Metadata(_) => &Shape::KINDS,
            Place::Container(_) | Place::Commands | Place::Pod(_) | Place::PodMetadata(_) => &Shape::WORKLOADS,
        }
    }

    /// Whether it contains the text whose length and character are the shape's.
    pub fn has_text(&self) -> bool {
        self.item.contains('~') || self.variables.contains('~')
    }

    /// Whether its texts are repeated in one element.
    pub fn is_one_element(&self) -> bool {
        !self.after.is_empty()
    }

    /// Whether it is a part of a pod template.
    pub fn is_in_template(&self) -> bool {
        !matches!(self.place, Place::Metadata(_) | Place::Root(_))
    }

    /// Whether it is a part of each container.
    pub fn is_in_container(&self) -> bool {
        matches!(self.place, Place::Container(_) | Place::Commands)
    }

    /// Whether it refers to the related `ConfigMap`.
    pub fn refers_to_related(&self) -> bool {
        self.item.contains(r#""name":"m""#)
    }
}

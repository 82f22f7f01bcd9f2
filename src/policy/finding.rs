//! A fault that a rule found, and the same under a mode.

use super::{Edit, Mode, Rule};
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::borrow::Cow;

/// Longest problem in bytes. A name that is longer than Kubernetes allows is told of before anybody refuses it, perhaps
/// many times.
const MESSAGE_BYTES: usize = 1024;

/// A fault, its place, and what would put it right.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where: the place itself, or, once settled, the nearest thing around it that exists.
    pub at: PointerBuf,
    /// What is wrong and what to do; names of objects and keys may be said, values never.
    pub message: String,
    /// The edits that put it right, the first being the one that the rule is about; empty if nobody can know.
    pub fix: Vec<Edit>,
    /// Is it only to be remarked on, whatever the mode?
    pub only_warned: bool,
}

/// A finding of a rule under the mode that counts for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The mode that counts.
    pub mode: Mode,
    /// The mode that would count if the namespace were enforced.
    pub mode_if_enforced: Mode,
    /// What was found.
    pub problem: Problem,
}

/// What becomes of a ruling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is put right.
    Fixable,
    /// It is said and nothing more.
    Warning,
    /// The object is refused.
    Error,
}

impl Problem {
    /// A fault at `at` without a remedy.
    pub fn new(at: PointerBuf, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
            message.push('…');
        }
        Self { at, message, fix: Vec::new(), only_warned: false }
    }

    /// With an edit that puts it right, if there is one; more than one call adds more.
    #[must_use]
    pub fn with_fix(mut self, edit: impl IntoIterator<Item = Edit>) -> Self {
        self.fix.extend(edit);
        self
    }

    /// Moves `at` up to the nearest thing that exists in `object`.
    pub(super) fn settle(&mut self, object: Option<&Value>) {
        while !self.at.is_root() && object.is_none_or(|object| self.at.resolve(object).is_err()) {
            self.at.pop_back();
        }
    }
}

impl Finding {
    /// What becomes of it where remedies are carried out: at the mutate door, and over files.
    pub fn level(&self) -> Level {
        self.level_in(self.mode)
    }

    /// What would become of it if the namespace were enforced, where that is something else.
    pub fn level_if_enforced(&self) -> Option<Level> {
        (self.mode != self.mode_if_enforced).then(|| self.level_in(self.mode_if_enforced))
    }

    fn level_in(&self, mode: Mode) -> Level {
        match mode {
            Mode::Off | Mode::Audit => Level::Warning,
            Mode::Enforce if self.problem.fix.is_empty() => Level::Error,
            Mode::Enforce => Level::Fixable,
        }
    }

    /// The rule, the place and the problem in one line, whatever the names in it.
    pub fn sentence(&self) -> String {
        let sentence = format!("{} at {}: {}", self.rule.id, dotted(&self.problem.at), self.problem.message);
        printable(&sentence).into_owned()
    }
}

/// A text that names what a user chose, with control characters escaped, so that none can begin a line of its own.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) { Cow::Owned(text.escape_debug().to_string()) } else { Cow::Borrowed(text) }
}

/// A JSON pointer as people write it: `spec.template.spec.containers[0].env[0]`.
pub fn dotted(at: &Pointer) -> String {
    let mut dotted = String::new();
    for token in at.tokens() {
        let token = token.decoded();
        let is_index = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
        dotted += &match () {
            () if is_index => format!("[{token}]"),
            () if token.contains(['.', '/', ' ']) => format!("[\"{token}\"]"),
            () if dotted.is_empty() => token.into_owned(),
            () => format!(".{token}"),
        };
    }
    if dotted.is_empty() { "the object".to_owned() } else { printable(&dotted).into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_as_people_write_it() {
        for (pointer, text) in [
            ("/spec/template/spec/containers/0/env/12", "spec.template.spec.containers[0].env[12]"),
            ("/metadata/labels/azure.workload.identity~1use", "metadata.labels[\"azure.workload.identity/use\"]"),
            ("", "the object"),
        ] {
            assert_eq!(dotted(Pointer::parse(pointer).unwrap()), text);
        }
    }

    #[test]
    fn a_missing_field_points_at_what_is_around_it() {
        let mut problem = Problem::new(PointerBuf::parse("/metadata/labels/x").unwrap(), "");
        problem.settle(Some(&serde_json::json!({"metadata": {"name": "a"}})));
        assert_eq!(problem.at.as_str(), "/metadata");
    }
}

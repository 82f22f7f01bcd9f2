//! A problem that a rule found, and the finding that it becomes under a mode.

use super::{Edit, Mode, Rule};
use crate::gateway::Kind;
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use strum::IntoStaticStr;

/// Longest message in bytes. Webhooks run before the API server validates names, so a message may quote a name of any
/// length, many times in one review.
const MESSAGE_BYTES: usize = 1024;

/// What a rule returns: a problem, where it is and its fix.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// JSON pointer to the problem. In a [`Finding`] it is shortened to the nearest value on this path that exists in the
    /// object.
    pub at: PointerBuf,
    /// What to do, then why. It may name objects and keys, and never quotes the value of a setting.
    pub message: String,
    /// The edits that fix the problem, the main one first; empty if there is no fix. The webhook applies them.
    pub fix: Vec<Edit>,
    /// Edits that would fix the problem, but change what the owner wrote, so that a person must decide. The webhook
    /// never applies them.
    pub unsafe_fix: Vec<Edit>,
    /// Whether it is only a warning, whatever the mode.
    pub only_warned: bool,
    /// Whether the webhook leaves its warning out. It is logged and counted, and `check` shows it.
    pub only_reported: bool,
    /// The related object in which it was found; `None` if it is in the object itself.
    pub found_in: Option<FoundIn>,
}

/// A related object in which a problem was found. It is displayed as `ConfigMap "orders-env"`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FoundIn {
    kind: Kind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for FoundIn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} \"{}\"", self.kind, self.name)
    }
}

/// A problem with the rule that found it and its effective mode.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// The effective mode.
    pub mode: Mode,
    /// The effective mode if the namespace were enforced.
    pub mode_if_enforced: Mode,
    /// Whether it is only a warning because the update does not change what it is about.
    pub is_unchanged: bool,
    /// The problem.
    pub problem: Problem,
}

/// The level of a finding, as reports show it: `error`, `fixable` or `warning`. The order is from mild to severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Level {
    /// It is only reported.
    Warning,
    /// The mutating webhook sets it.
    Fixable,
    /// The validating webhook denies the object.
    Error,
}

impl Level {
    /// Its name as reports write it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl Problem {
    /// A problem at `at` without a fix.
    pub fn new(at: PointerBuf, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MESSAGE_BYTES {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
            message.push_str("...");
            message.shrink_to_fit();
        }
        Self {
            at,
            message,
            fix: Vec::new(),
            unsafe_fix: Vec::new(),
            only_warned: false,
            only_reported: false,
            found_in: None,
        }
    }

    /// Adds edits to the fix.
    #[must_use]
    pub fn with_fix(mut self, edit: impl IntoIterator<Item = Edit>) -> Self {
        self.fix.extend(edit);
        self
    }

    /// Adds edits that a person must decide about.
    #[must_use]
    pub fn with_unsafe_fix(mut self, edit: impl IntoIterator<Item = Edit>) -> Self {
        self.unsafe_fix.extend(edit);
        self
    }

    /// What its fix does, for a message: `set PATH to VALUE, append VALUE to PATH`; empty if there is no fix.
    pub fn fix_text(&self) -> String {
        Edit::described(&self.fix)
    }

    /// Marks it as found in a related object.
    #[must_use]
    pub fn found_in(self, kind: Kind, name: &str) -> Self {
        Self { found_in: Some(FoundIn { kind, name: name.to_owned() }), ..self }
    }

    /// Shortens `at` to the nearest value on its path that exists in `object`.
    pub(super) fn shorten_to_existing(&mut self, object: Option<&Value>) {
        while !self.at.is_root() && object.is_none_or(|object| self.at.resolve(object).is_err()) {
            self.at.pop_back();
        }
    }
}

impl Finding {
    /// The level in the effective mode.
    pub fn level(&self) -> Level {
        self.level_in(self.mode)
    }

    /// The level if the namespace were enforced; `None` if the mode is the same.
    pub fn level_if_enforced(&self) -> Option<Level> {
        (self.mode != self.mode_if_enforced).then(|| self.level_in(self.mode_if_enforced))
    }

    /// What an enforced namespace's webhook does about it.
    pub fn enforced_level(&self) -> Level {
        self.level_in(self.mode_if_enforced)
    }

    fn level_in(&self, mode: Mode) -> Level {
        match mode {
            Mode::Off | Mode::Audit => Level::Warning,
            Mode::Enforce if self.problem.fix.is_empty() => Level::Error,
            Mode::Enforce => Level::Fixable,
        }
    }

    /// The rule, the path and the message in one line, with control characters escaped.
    pub fn sentence(&self) -> String {
        let sentence = format!("{} at {}: {}", self.rule.id, dotted(&self.problem.at), self.problem.message);
        printable(&sentence).into_owned()
    }
}

/// A text with names that a user chose, with control characters escaped, so that a name cannot start a new line.
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        Cow::Owned(text.escape_debug().to_string())
    } else if text.chars().any(is_format) {
        let shown = |letter| if is_format(letter) { letter.escape_unicode().to_string() } else { String::from(letter) };
        Cow::Owned(text.chars().map(shown).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a character is invisible or changes the direction or the lines of the text around it.
fn is_format(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A JSON pointer as a dotted path: `spec.template.spec.containers[0].env[0]`.
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
    fn a_pointer_is_shown_as_a_dotted_path() {
        for (pointer, text) in [
            ("/spec/template/spec/containers/0/env/12", "spec.template.spec.containers[0].env[12]"),
            ("/metadata/labels/azure.workload.identity~1use", "metadata.labels[\"azure.workload.identity/use\"]"),
            ("", "the object"),
        ] {
            assert_eq!(dotted(Pointer::parse(pointer).unwrap()), text);
        }
    }

    #[test]
    fn the_pointer_to_a_missing_field_is_shortened_to_its_nearest_existing_parent() {
        let mut problem = Problem::new(PointerBuf::parse("/metadata/labels/x").unwrap(), "");
        problem.shorten_to_existing(Some(&serde_json::json!({"metadata": {"name": "a"}})));
        assert_eq!(problem.at.as_str(), "/metadata");
    }
}

//! A variable of a container's environment: its name, its value as far as it is known, and its source.

use crate::gateway::{AuthMethod, Setting};
use std::borrow::Cow;

/// Longest value, in bytes, that is known as a whole. Every valid value of an evaluated setting is far shorter.
///
/// Each variable can double the one before, so the expansion of `$(NAME)` needs a limit.
pub(in crate::gateway) const VALUE_BYTES: usize = 1024;

/// Returns true if nobody looks at the whole text. As an auth setting it counts as an auth key, whatever it contains:
/// neither whitespace nor anything else before a key hides it.
pub(in crate::gateway) fn is_too_long(text: &str) -> bool {
    text.len() > VALUE_BYTES
}

/// The text, or its beginning if it [is too long](is_too_long): then the beginning is too long as well.
pub(in crate::gateway) fn beginning(text: &str) -> &str {
    text.get(..text.ceil_char_boundary(VALUE_BYTES + 1)).unwrap_or(text)
}

/// A variable of the environment.
pub struct Variable<'a> {
    /// Its name, with the prefix of its `envFrom` source.
    pub name: Cow<'a, str>,
    /// The element of `env` or `envFrom` that sets it.
    pub index: EnvIndex,
    /// Its value.
    pub value: EnvValue<'a>,
    /// The source of its value.
    pub source: ValueSource<'a>,
    /// True if a later `envFrom` source with unknown keys may set it to another value.
    pub may_be_overridden: bool,
    /// True if its value is written in the workload itself: text, with references only to variables that are written
    /// there, too. Every other value can change without a review of the workload.
    pub is_written: bool,
    /// True if it is an auth setting whose text contains an auth key, before or behind a part that is not known.
    pub has_auth_key: bool,
    /// If it is an auth setting: the method that the text names that is known of it.
    pub method: Option<AuthMethod>,
}

/// The element of a container's `env` or `envFrom` that sets a variable, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvIndex {
    /// An element of `env`.
    Env(usize),
    /// An element of `envFrom`.
    EnvFrom(usize),
}

/// The value of a variable, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue<'a> {
    /// Known text.
    Text(Cow<'a, str>),
    /// A value from a Secret, or from a source that may contain a secret.
    Secret(SecretSource<'a>),
    /// A value that is not known, or too long to be evaluated. Holds the text that it is known to begin with, as
    /// the function `beginning` shortens it; empty if none.
    Unknown(Cow<'a, str>),
}

impl<'a> EnvValue<'a> {
    /// A value that is not known at all.
    pub(in crate::gateway) const UNKNOWN: Self = Self::Unknown(Cow::Borrowed(""));

    /// The value of a text. Of a long one only the beginning counts as known: the evaluation reads it several times.
    pub(in crate::gateway) fn bounded(text: &'a str) -> Self {
        let beginning = Cow::Borrowed(beginning(text));
        if is_too_long(text) { Self::Unknown(beginning) } else { Self::Text(beginning) }
    }
}

impl EnvValue<'_> {
    /// The method that the text names that is known of this value of `setting`; `None` if that is no auth setting.
    pub(in crate::gateway) fn method(&self, setting: Setting) -> Option<AuthMethod> {
        match self {
            Self::Text(text) | Self::Unknown(text) if setting.is_auth() => Some(AuthMethod::of(setting, text)),
            Self::Text(_) | Self::Unknown(_) | Self::Secret(_) => None,
        }
    }
}

/// The source of a secret value. The variants contain names of objects, keys and volumes, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the fields describe them")]
pub enum SecretSource<'a> {
    /// A key of a file that another container writes (`fileKeyRef`).
    File { volume: &'a str, key: &'a str },
    /// A path in a mounted Secret, CSI or projected Secret volume.
    Mount { volume: &'a str },
    /// A key of a Secret.
    Secret { name: &'a str, key: &'a str },
    /// Some key of a Secret in `envFrom`.
    WholeSecret { name: &'a str },
}

/// The source of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names of the fields describe them")]
pub enum ValueSource<'a> {
    /// A key of a `ConfigMap`, from `envFrom` or `configMapKeyRef`, and the setting that the key itself names.
    ConfigMap { name: &'a str, key: Cow<'a, str>, setting: Option<Setting> },
    /// The workload itself, or any other source that is not a `ConfigMap`.
    Object,
}

impl Variable<'_> {
    /// The name of the `ConfigMap` that its value comes from, if it comes from one.
    pub fn config_map(&self) -> Option<&str> {
        match &self.source {
            ValueSource::ConfigMap { name, .. } => Some(name),
            ValueSource::Object => None,
        }
    }

    /// The name of the `ConfigMap` that its value comes from, and the key there, if it comes from one.
    pub fn config_map_key(&self) -> Option<(&str, &str)> {
        match &self.source {
            ValueSource::ConfigMap { name, key, .. } => Some((name, key)),
            ValueSource::Object => None,
        }
    }

    /// The name of the `ConfigMap` that its value comes from, if the key there is itself the name of a setting.
    pub fn config_map_with_setting(&self) -> Option<&str> {
        match &self.source {
            ValueSource::ConfigMap { name, setting, .. } => setting.map(|_| *name),
            ValueSource::Object => None,
        }
    }

    /// Returns true if its value comes from a `ConfigMap` key that is itself a name of `setting`, or if the key and
    /// `setting` are both auth settings. A finding about the value is then reported once, at the `ConfigMap`.
    pub fn is_reported_at_config_map(&self, setting: Setting) -> bool {
        match &self.source {
            ValueSource::ConfigMap { setting: of_key, .. } => of_key.is_some_and(|key| key.is_reported_with(setting)),
            ValueSource::Object => false,
        }
    }

    /// Returns true if its value is known, or known to begin with some text.
    pub fn is_found(&self) -> bool {
        match &self.value {
            EnvValue::Text(_) | EnvValue::Secret(_) => true,
            EnvValue::Unknown(beginning) => !beginning.is_empty(),
        }
    }

    /// Returns true if its value is known to be empty or only whitespace.
    pub fn is_blank(&self) -> bool {
        matches!(&self.value, EnvValue::Text(text) if text.trim().is_empty())
    }
}

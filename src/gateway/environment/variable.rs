//! A variable of a container's environment: its name, its value as far as it can be seen, and where it comes from.

use crate::gateway::Setting;
use std::borrow::Cow;

/// A variable of the environment.
pub struct Variable<'a> {
    /// Its name, prefix included.
    pub name: Cow<'a, str>,
    /// Where it is set in its container.
    pub index: EnvIndex,
    /// What it is set to.
    pub value: EnvValue<'a>,
    /// What it was taken from.
    pub source: ValueSource<'a>,
    /// May a later source, whose keys can't be seen, set it to something else?
    pub may_be_overridden: bool,
}

/// Where a variable is set, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnvIndex {
    /// In `env`.
    Env(usize),
    /// In `envFrom`.
    EnvFrom(usize),
}

/// What a variable is set to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvValue<'a> {
    /// Text that can be seen.
    Text(Cow<'a, str>),
    /// Something out of a Secret, or that may be one.
    Key(KeySource<'a>),
    /// Not to be seen from here, or too long to be looked at; the text that it is known to begin with.
    Unknown(Cow<'a, str>),
}

impl EnvValue<'_> {
    /// A value of which nothing is known.
    pub(super) const UNKNOWN: Self = Self::Unknown(Cow::Borrowed(""));
}

/// Where a value comes from that is none to be shown. The variants hold names of objects, keys and volumes alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each field is the thing that its name says")]
pub enum KeySource<'a> {
    /// A file that another container writes (`fileKeyRef`).
    File { volume: &'a str, key: &'a str },
    /// A path under a mounted Secret, CSI or projected Secret volume.
    Mount { volume: &'a str },
    /// A key of a Secret.
    Secret { name: &'a str, key: &'a str },
    /// Some key of a Secret that is taken whole.
    WholeSecret { name: &'a str },
}

/// What a variable was taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each field is the thing that its name says")]
pub enum ValueSource<'a> {
    /// A key of a `ConfigMap`, by `envFrom` or `configMapKeyRef`.
    ConfigMap { name: &'a str, key: Cow<'a, str> },
    /// The object itself, or anything that isn't a `ConfigMap`.
    Object,
}

impl Variable<'_> {
    /// The `ConfigMap` that it is taken from, if it is from one.
    pub fn config_map(&self) -> Option<&str> {
        match &self.source {
            ValueSource::ConfigMap { name, .. } => Some(name),
            ValueSource::Object => None,
        }
    }

    /// The `ConfigMap` in which its value stands under a key that is itself a setting.
    pub fn config_map_with_setting(&self) -> Option<&str> {
        match &self.source {
            ValueSource::ConfigMap { name, key } => Setting::of(key).map(|_| *name),
            ValueSource::Object => None,
        }
    }

    /// Does its value stand in a `ConfigMap` under a key that is itself this setting? Then what is wrong with it is said
    /// there, and once.
    pub fn is_said_at_config_map(&self, setting: Setting) -> bool {
        matches!(&self.source, ValueSource::ConfigMap { key, .. } if Setting::of(key).is_some_and(|of| of.is_sort_of(setting)))
    }

    /// Is it set to nothing, or to blanks?
    pub fn is_blank(&self) -> bool {
        matches!(&self.value, EnvValue::Text(text) if text.trim().is_empty())
    }
}

//! The values of a policy document. Each is checked while it is deserialized, so that an error has its line and column.

use super::expectations::Layer;
use super::namespace_setting::{NamespaceSetting, ValueForm, is_dns_label};
use super::rules;
use crate::gateway::Repository;
use jiff::civil::Date;
use semver::Version;
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// A type that is parsed from a text of a certain form.
pub(super) trait TextFormat: Sized {
    /// The required form, as error messages name it.
    const DESCRIPTION: &'static str;
    /// Parses `text`; `None` if it does not have this form.
    fn read(text: &str) -> Option<Self>;
}

/// A value that is deserialized from a text of its form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Checked<T>(pub(super) T);

impl<'de, T: TextFormat> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("the value has the wrong form; write {}", T::DESCRIPTION)))
    }
}

/// What is expected in a namespace or, if `IS_DEFAULT`, in every namespace.
pub(super) struct Expected<const IS_DEFAULT: bool>(pub(super) Layer);

impl<const IS_DEFAULT: bool> Default for Expected<IS_DEFAULT> {
    fn default() -> Self {
        Self(Layer::new())
    }
}

impl<'de, const IS_DEFAULT: bool> Deserialize<'de> for Expected<IS_DEFAULT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ExpectedVisitor::<IS_DEFAULT>).map(Self)
    }
}

struct ExpectedVisitor<const IS_DEFAULT: bool>;

impl<'de, const IS_DEFAULT: bool> Visitor<'de> for ExpectedVisitor<IS_DEFAULT> {
    type Value = Layer;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "a mapping with one or more of: {}", NamespaceSetting::fields(IS_DEFAULT).join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Layer, A::Error> {
        let mut layer = Layer::new();
        while let Some(Field::<IS_DEFAULT>(setting)) = map.next_key()? {
            layer.insert(setting, map.next_value_seed(Values(setting))?);
        }
        Ok(layer)
    }
}

/// The name of a key of [`Expected`].
struct Field<const IS_DEFAULT: bool>(NamespaceSetting);

impl<'de, const IS_DEFAULT: bool> Deserialize<'de> for Field<IS_DEFAULT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match NamespaceSetting::all().iter().find(|setting| setting.field() == text) {
            Some(setting) if IS_DEFAULT && !setting.can_be_default() => Err(D::Error::custom(format!(
                "field {text} cannot be a default, because every namespace would get the same value; write it below \
                 spec.namespaces"
            ))),
            Some(setting) => Ok(Self(*setting)),
            None => Err(D::Error::unknown_field(&text, NamespaceSetting::fields(IS_DEFAULT))),
        }
    }
}

/// Seed for the values of a key: one value, `a`, or a list of them, `[a, b]`.
#[derive(Clone, Copy)]
struct Values(NamespaceSetting);

impl Values {
    fn wrong_form<E: Error>(self) -> E {
        let ValueForm { description, .. } = self.0.form();
        E::custom(format!("{}: the value has the wrong form; write {description}", self.0.field()))
    }

    fn empty<E: Error>(self) -> E {
        E::custom(format!(
            "{}: there is no value, so nothing can match; write one, or remove the field",
            self.0.field()
        ))
    }
}

impl<'de> DeserializeSeed<'de> for Values {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = if self.0.can_be_list() { ", or a list of them" } else { "" };
        write!(formatter, "{}{list}", self.0.form().description)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(self.empty())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if (self.0.form().matches)(text) { Ok(vec![text.to_owned()]) } else { Err(self.wrong_form()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        if !self.0.can_be_list() {
            return Err(self.wrong_form());
        }
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(OneValue(self))? {
            values.push(value);
        }
        if values.is_empty() { Err(self.empty()) } else { Ok(values) }
    }
}

/// Seed for one element of a list of values.
struct OneValue(Values);

impl<'de> DeserializeSeed<'de> for OneValue {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        let text = String::deserialize(deserializer)?;
        if (self.0.0.form().matches)(&text) { Ok(text) } else { Err(self.0.wrong_form()) }
    }
}

/// The name of a Namespace.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamespaceName(pub(super) String);

impl TextFormat for NamespaceName {
    const DESCRIPTION: &'static str = "the name of a namespace: up to 63 lowercase letters, digits and -";

    fn read(text: &str) -> Option<Self> {
        (text.len() <= 63 && is_dns_label(text)).then(|| Self(text.to_owned()))
    }
}

/// A text that says something.
pub(super) struct Reason(pub(super) String);

impl TextFormat for Reason {
    const DESCRIPTION: &'static str = "why the exception is necessary";

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }
}

impl TextFormat for Date {
    const DESCRIPTION: &'static str = "a date such as 2027-01-31";

    fn read(text: &str) -> Option<Self> {
        // the parser accepts other forms of ISO 8601, too
        text.parse::<Self>().ok().filter(|date| date.to_string() == text)
    }
}

/// The digest of a container image.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Digest(pub(super) String);

impl TextFormat for Digest {
    const DESCRIPTION: &'static str = "sha256: and 64 hexadecimal digits in lower case";

    fn read(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        (hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
            .then(|| Self(text.to_owned()))
    }
}

impl TextFormat for Version {
    const DESCRIPTION: &'static str = "a version of three numbers, such as 2.11.0";

    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }
}

impl TextFormat for Repository {
    const DESCRIPTION: &'static str = "the repository of an image, without tag or digest";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The id of an existing rule.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RuleId(pub(super) &'static str);

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        rules::find(&text).map(|rule| Self(rule.id)).map_err(|unknown| D::Error::custom(unknown.to_string()))
    }
}

//! The values of a policy document. Each is checked while it is deserialized, so that an error has its line and column.

use super::rules;
use crate::gateway::{Repository, is_guid};
use semver::Version;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A type that is parsed from a text of a certain form.
pub(super) trait TextFormat: Sized {
    /// The required form, as error messages name it.
    const DESCRIPTION: &'static str;
    /// Parses `text`; `None` if it does not have this form.
    fn read(text: &str) -> Option<Self>;
}

/// A value that is deserialized from a text of its form.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Checked<T>(pub(super) T);

impl<'de, T: TextFormat> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        T::read(&text).map(Self).ok_or_else(|| D::Error::custom(wrong_form::<T>()))
    }
}

fn wrong_form<T: TextFormat>() -> String {
    format!("the value has the wrong form; write {}", T::DESCRIPTION)
}

/// One value, `a`, or a list of them, `[a, b]`.
pub(super) struct OneOrMany<T>(pub(super) Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: TextFormat> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor(PhantomData)).map(Self)
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: TextFormat> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, or a list of them", T::DESCRIPTION)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        T::read(text).map(|one| vec![one]).ok_or_else(|| E::custom(wrong_form::<T>()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        while let Some(one) = sequence.next_element::<Checked<T>>()? {
            many.push(one.0);
        }
        Ok(many)
    }
}

/// A client id or tenant id of Microsoft Entra.
pub(super) struct Guid(pub(super) String);

impl TextFormat for Guid {
    const DESCRIPTION: &'static str = "a GUID, such as 00000000-0000-0000-0000-000000000000";

    fn read(text: &str) -> Option<Self> {
        is_guid(text).then(|| Self(text.to_owned()))
    }
}

/// The name of a Kubernetes object or of a gateway resource.
pub(super) struct Name(pub(super) String);

impl TextFormat for Name {
    const DESCRIPTION: &'static str = "a name without whitespace or slash";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains(|character: char| character.is_whitespace() || character == '/'))
            .then(|| Self(text.to_owned()))
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

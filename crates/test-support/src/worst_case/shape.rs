//! A shape: what an expensive object consists of.

use super::{Part, Related};
use std::fmt;
use std::str::FromStr;
use strum::{EnumString, IntoStaticStr};

/// An object that consists of repeated parts, and the request that carries it.
#[derive(Clone, Debug)]
pub struct Shape {
    /// `apiVersion` and kind.
    pub kind: [&'static str; 2],
    /// What the request does.
    pub operation: Operation,
    /// What shows that it is a gateway's.
    pub sign: Sign,
    /// The related objects.
    pub related: Related,
    /// The number of containers, which share the bytes of the parts that are in containers.
    pub containers: usize,
    /// The length of the name of each container; 0 for none.
    pub name: usize,
    /// The length of the text that stands for `~`.
    pub text: usize,
    /// The character that this text consists of.
    pub fill: char,
    /// The parts, each with its weight, which is its share of the bytes.
    pub parts: Vec<(&'static Part, usize)>,
    /// The length of the object.
    pub bytes: usize,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Operation {
    /// Creates the object.
    Create,
    /// Updates it without a change.
    Keep,
    /// Updates it and changes all parts.
    Change,
}

/// What shows that an object is a gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Sign {
    /// The image of each container.
    Images,
    /// The image of the first container.
    Image,
    /// A label.
    Label,
    /// Nothing, unless a part does.
    Nothing,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Create, Self::Keep, Self::Change];
}

impl Sign {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Images, Self::Image, Self::Label, Self::Nothing];
}

impl Shape {
    /// The longest object that an API server accepts, in bytes. It sends an old object of the same length with it.
    pub const FULL: usize = 3 * 1024 * 1024;

    pub(super) const CONFIG_MAP: [&'static str; 2] = ["v1", "ConfigMap"];
    pub(super) const CRON_JOB: [&'static str; 2] = ["batch/v1", "CronJob"];
    /// `apiVersion` and kind of a Deployment.
    pub const DEPLOYMENT: [&'static str; 2] = ["apps/v1", "Deployment"];
    /// `apiVersion` and kind of a Pod.
    pub const POD: [&'static str; 2] = ["v1", "Pod"];
    pub(super) const WORKLOADS: [[&'static str; 2]; 3] = [Self::DEPLOYMENT, Self::POD, Self::CRON_JOB];
    pub(super) const KINDS: [[&'static str; 2]; 7] = [
        Self::DEPLOYMENT,
        Self::POD,
        Self::CRON_JOB,
        Self::CONFIG_MAP,
        ["v1", "ServiceAccount"],
        ["v1", "Service"],
        ["v1", "Namespace"],
    ];

    /// The creation of an object of these parts, in equal shares.
    pub fn of(kind: [&'static str; 2], parts: &[&'static Part]) -> Self {
        Self {
            kind,
            operation: Operation::Create,
            sign: Sign::Images,
            related: Related::Unknown,
            containers: 1,
            name: 1,
            text: 1,
            fill: 'a',
            parts: parts.iter().map(|part| (*part, 1)).collect(),
            bytes: 65_536,
        }
    }

    /// The parts, each with its share of the bytes.
    pub(super) fn shares(&self) -> impl Iterator<Item = (&'static Part, usize)> {
        let all = self.parts.iter().map(|(_, weight)| weight).sum::<usize>().max(1);
        self.parts.iter().map(move |(part, weight)| (*part, self.bytes * weight / all))
    }
}

impl fmt::Display for Shape {
    /// All that differs from the simplest shape, in the form that [`FromStr`] reads.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, kind] = self.kind;
        let [operation, sign, related]: [&str; 3] = [self.operation.into(), self.sign.into(), self.related.into()];
        write!(formatter, "{kind} operation={operation} sign={sign} related={related}")?;
        for (name, number) in [("containers", self.containers), ("name", self.name), ("text", self.text)] {
            if number != 1 {
                write!(formatter, " {name}={number}")?;
            }
        }
        if self.fill != 'a' {
            write!(formatter, " fill={}", u32::from(self.fill))?;
        }
        for (part, weight) in &self.parts {
            write!(formatter, " + {weight} * {}", part.name)?;
        }
        Ok(())
    }
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut texts = text.split(" + ");
        let mut words = texts.next().unwrap_or_default().split(' ');
        let kind = words.next().unwrap_or_default();
        let kind = Self::KINDS.into_iter().find(|[_, known]| *known == kind).ok_or(format!("no kind is {kind}"))?;
        let mut shape = Self::of(kind, &[]);
        for word in words {
            let (name, value) = word.split_once('=').ok_or(format!("{word} is not NAME=VALUE"))?;
            shape.set(name, value).ok_or(format!("{word} is not a property of a shape"))?;
        }
        for text in texts {
            let part =
                text.split_once(" * ").and_then(|(weight, name)| Some((Part::named(name)?, weight.parse().ok()?)));
            shape.parts.push(part.ok_or(format!("{text} is not WEIGHT * PART"))?);
        }
        Ok(shape)
    }
}

impl Shape {
    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "operation" => self.operation = value.parse().ok()?,
            "sign" => self.sign = value.parse().ok()?,
            "related" => self.related = value.parse().ok()?,
            "containers" => self.containers = value.parse().ok()?,
            "name" => self.name = value.parse().ok()?,
            "text" => self.text = value.parse().ok()?,
            "fill" => self.fill = char::from_u32(value.parse().ok()?)?,
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PARTS, Random};
    use super::*;

    #[test]
    fn a_printed_shape_is_read_again() {
        let mut random = Random::new(1);
        for _ in 0..200 {
            let shape = random.shape(65_536);
            let shape = random.changed(&shape);
            let text = shape.to_string();
            assert_eq!(text.parse::<Shape>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_names_of_parts_differ() {
        for part in PARTS {
            assert!(std::ptr::eq(Part::named(part.name).unwrap(), part), "{}", part.name);
        }
    }
}

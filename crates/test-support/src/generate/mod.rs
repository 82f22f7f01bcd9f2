//! Generators of raw objects, of their related objects, and of reviews.
//!
//! Objects are generated as JSON and not from Kubernetes' types, because they contain what the types do not: fields of
//! a later version, `null` instead of a list, names in unusual spellings. A [`Palette`] is the set of names to choose
//! from. One palette produces gateways of every kind, the other one only non-gateway objects.

pub mod container;
pub mod evaluate;
pub mod folder;
pub mod objects;
pub mod palette;
pub mod places;
pub mod review;
pub mod vary;
pub mod world;

pub use palette::{GATEWAYS, NON_GATEWAYS, Palette};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// A field name that no version of Kubernetes has.
pub const UNKNOWN: &str = "futureField";

/// An optional field; `None` omits it.
pub type Field = BoxedStrategy<Option<Value>>;

/// A field that is always present.
pub fn always(value: impl Strategy<Value = Value> + 'static) -> Field {
    value.prop_map(Some).boxed()
}

/// A field that is present half of the time.
pub fn maybe(value: impl Strategy<Value = Value> + 'static) -> Field {
    prop::option::of(value).boxed()
}

/// A field that is absent, `null` or present: a list or a map may be all three.
pub fn nullable(value: impl Strategy<Value = Value> + 'static) -> Field {
    prop_oneof![2 => Just(None), 1 => Just(Some(Value::Null)), 6 => value.prop_map(Some)].boxed()
}

/// An object with these fields, and sometimes with an unknown one.
pub fn object(fields: Vec<(&'static str, Field)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    (values, prop::option::weighted(0.2, unknown()))
        .prop_map(move |(values, unknown)| {
            let known = names.iter().copied().zip(values);
            let all = known.chain([(UNKNOWN, unknown)]);
            Value::Object(all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
        })
        .boxed()
}

/// A map of texts, like labels and `data`, with keys from `keys` and values from `texts` or `null`.
pub fn texts(keys: &'static [&'static str], texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    let text = prop_oneof![12 => text(texts), 1 => Just(Value::Null)];
    prop::collection::vec((select(keys), text), 0..5)
        .prop_map(|members| {
            Value::Object(members.into_iter().map(|(key, text)| (key.to_owned(), text)).collect::<Map<_, _>>())
        })
        .boxed()
}

/// One of these texts.
pub fn text(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(texts).prop_map(Value::from).boxed()
}

/// A list of up to `longest` elements.
pub fn list(element: impl Strategy<Value = Value> + 'static, longest: usize) -> BoxedStrategy<Value> {
    prop::collection::vec(element, 0..=longest).prop_map(Value::Array).boxed()
}

fn unknown() -> impl Strategy<Value = Value> {
    select(vec![
        json!(1.50),
        json!(18_446_744_073_709_551_615_u64),
        json!(null),
        json!([]),
        json!({"~/": [null, {"a.b": "é\u{7f}"}]}),
    ])
}

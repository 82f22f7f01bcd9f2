//! Generators of raw objects, of what stands beside them, and of reviews around them.
//!
//! Objects are made as JSON and never from Kubernetes' types, so that they hold what the types don't know: fields of a
//! later version, `null` where a list may stand, names in odd spellings. A [`Palette`] says which names are drawn from;
//! one of them makes gateways of every sort, the other nobody's gateway.

pub(crate) mod container;
pub(crate) mod evaluate;
pub(crate) mod objects;
pub(crate) mod palette;
pub(crate) mod places;
pub(crate) mod review;
pub(crate) mod vary;
pub(crate) mod world;

pub(crate) use palette::{GATEWAYS, Palette, STRANGERS};

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// The name of a field that no version of Kubernetes has.
pub(crate) const UNKNOWN: &str = "futureField";

/// A field that may be there; `None` leaves it out.
pub(crate) type Field = BoxedStrategy<Option<Value>>;

/// A field that is always there.
pub(crate) fn always(value: impl Strategy<Value = Value> + 'static) -> Field {
    value.prop_map(Some).boxed()
}

/// A field that is there half of the time.
pub(crate) fn maybe(value: impl Strategy<Value = Value> + 'static) -> Field {
    prop::option::of(value).boxed()
}

/// A field that is absent, `null` or there: a list or a map may be all three.
pub(crate) fn nullable(value: impl Strategy<Value = Value> + 'static) -> Field {
    prop_oneof![2 => Just(None), 1 => Just(Some(Value::Null)), 6 => value.prop_map(Some)].boxed()
}

/// An object of these fields, and now and then of one that nobody knows.
pub(crate) fn object(fields: Vec<(&'static str, Field)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    (values, prop::option::weighted(0.2, unknown()))
        .prop_map(move |(values, unknown)| {
            let known = names.iter().copied().zip(values);
            let all = known.chain([(UNKNOWN, unknown)]);
            Value::Object(all.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
        })
        .boxed()
}

/// A map of texts, as labels and `data` are, with keys of `keys` and texts of `texts`; `null` is a text too.
pub(crate) fn texts(keys: &'static [&'static str], texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    let text = prop_oneof![12 => text(texts), 1 => Just(Value::Null)];
    prop::collection::vec((select(keys), text), 0..5)
        .prop_map(|members| {
            Value::Object(members.into_iter().map(|(key, text)| (key.to_owned(), text)).collect::<Map<_, _>>())
        })
        .boxed()
}

/// One of these texts.
pub(crate) fn text(texts: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(texts).prop_map(Value::from).boxed()
}

/// A list of up to `longest` of `element`.
pub(crate) fn list(element: impl Strategy<Value = Value> + 'static, longest: usize) -> BoxedStrategy<Value> {
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

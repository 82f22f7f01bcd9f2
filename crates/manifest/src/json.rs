//! Splits JSON into its values: streams of them (`jq '.items[]'`, lines of JSON) and lists.
//!
//! Each value of a stream and each item of a list is a document of its own, so that the position of a field is found
//! without reading the others again.

use super::document::Document;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A list as the API server writes it. Its values are parsed one by one.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(rename = "apiVersion", borrow, default)]
    api_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    items: Vec<&'a RawValue>,
}

/// The JSON values at the beginning of a document, and the rest of its text that is not JSON.
pub(super) struct JsonStream<'a> {
    pub(super) values: Vec<Document<'a>>,
    pub(super) rest: Option<Document<'a>>,
}

/// Splits a document that begins with a brace or bracket.
pub(super) fn split<'a>(document: &Document<'a>) -> JsonStream<'a> {
    let (mut values, mut cursor) = (Vec::new(), Cursor::new(document));
    let mut stream = serde_json::Deserializer::from_str(document.text).into_iter::<&RawValue>();
    let mut read = 0;
    while let Some(Ok(value)) = stream.next() {
        read = stream.byte_offset();
        values.push(cursor.document(value.get()));
    }
    let rest = document.text.get(read..).map(str::trim_start).filter(|rest| !rest.is_empty());
    JsonStream { values, rest: rest.map(|rest| cursor.document(rest)) }
}

/// What a list says of its items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ItemType {
    /// Nothing: each item says itself what it is.
    Own,
    /// Their `apiVersion` and kind, which a raw list of the API server leaves out of them.
    OfList(String, String),
}

/// The items of a JSON document, if it is a list of objects.
pub(super) struct JsonList<'a> {
    pub(super) items: Vec<Document<'a>>,
    pub(super) item_type: ItemType,
}

/// The items of `document`; `None` if it is not a list.
pub(super) fn list<'a>(document: &Document<'a>) -> Option<JsonList<'a>> {
    let (items, item_type) = if document.text.starts_with('[') {
        (serde_json::from_str::<Vec<&RawValue>>(document.text).ok()?, ItemType::Own)
    } else {
        let list: List<'_> = serde_json::from_str(document.text).ok()?;
        let are_objects = list.items.is_empty() || list.items.iter().any(|item| item.get().starts_with('{'));
        let item_type = item_type(list.api_version.as_deref(), &list.kind, are_objects)?;
        (list.items, item_type)
    };
    let mut cursor = Cursor::new(document);
    Some(JsonList { items: items.into_iter().map(|item| cursor.document(item.get())).collect(), item_type })
}

/// What a list of this `apiVersion` and kind says of its items; `None` if it is not a list. A custom resource can have a
/// kind that ends in `List`, with items that are not objects.
pub(super) fn item_type(api_version: Option<&str>, kind: &str, are_objects: bool) -> Option<ItemType> {
    let of_items = kind.strip_suffix("List")?;
    match (of_items, api_version) {
        ("", Some("v1")) => Some(ItemType::Own),
        _ if !are_objects => None,
        ("", _) | (_, None) => Some(ItemType::Own),
        (kind, Some(api_version)) => Some(ItemType::OfList(api_version.to_owned(), kind.to_owned())),
    }
}

/// Counts the lines and columns up to each of a document's values, in their order, so that no text is counted twice.
struct Cursor<'d, 'a> {
    document: &'d Document<'a>,
    byte: usize,
    lines_before: usize,
    columns_before: usize,
}

impl<'d, 'a> Cursor<'d, 'a> {
    fn new(document: &'d Document<'a>) -> Self {
        let Document { lines_before, columns_before, .. } = *document;
        Self { document, byte: 0, lines_before, columns_before }
    }

    /// The document `text`, which is a part of the document's text behind all earlier ones.
    fn document(&mut self, text: &'a str) -> Document<'a> {
        let byte = text.as_ptr().addr().saturating_sub(self.document.text.as_ptr().addr());
        let between = self.document.text.get(self.byte..byte).unwrap_or_default();
        match between.rfind(['\n', '\r']) {
            None => self.columns_before += between.chars().count(),
            Some(last) => {
                let breaks = between.bytes().enumerate();
                let is_break = |(at, byte): &(usize, u8)| {
                    *byte == b'\n' || *byte == b'\r' && between.as_bytes().get(at + 1) != Some(&b'\n')
                };
                self.lines_before += breaks.filter(is_break).count();
                self.columns_before = between.get(last + 1..).unwrap_or_default().chars().count();
            }
        }
        self.byte = byte;
        Document {
            lines_before: self.lines_before,
            columns_before: self.columns_before,
            start: self.document.start + byte,
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str) -> Document<'_> {
        Document { lines_before: 0, columns_before: 0, start: 0, text }
    }

    fn places<'a>(documents: &[Document<'a>]) -> Vec<(usize, usize, &'a str)> {
        documents.iter().map(|one| (one.lines_before + 1, one.columns_before + 1, one.text)).collect()
    }

    #[test]
    fn a_stream_is_split_with_places() {
        let stream = split(&whole("{\"é\": 1}{\"b\":\n 2} {}\r\n[3]\n"));
        let expected = [(1, 1, "{\"é\": 1}"), (1, 9, "{\"b\":\n 2}"), (2, 5, "{}"), (3, 1, "[3]")];
        assert_eq!(places(&stream.values), expected);
        assert!(stream.rest.is_none());
    }

    #[test]
    fn what_is_not_json_is_the_rest() {
        let stream = split(&whole("{\"a\": 1}\n{b: 2}\n"));
        assert_eq!(places(&stream.values), [(1, 1, "{\"a\": 1}")]);
        assert_eq!(places(&[stream.rest.unwrap()]), [(2, 1, "{b: 2}\n")]);
    }

    #[test]
    fn items_of_lists_have_their_places() {
        let list = list(&whole("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\n\"items\":[{\"é\":1},{}]}")).unwrap();
        assert_eq!(places(&list.items), [(2, 10, "{\"é\":1}"), (2, 18, "{}")]);
        assert_eq!(list.item_type, ItemType::OfList("v1".to_owned(), "Pod".to_owned()));
        assert!(super::list(&whole("{\"kind\":\"AllowList\",\"apiVersion\":\"a/v1\",\"items\":[\"a\"]}")).is_none());
        assert!(super::list(&whole("{\"kind\":\"Pod\"}")).is_none());
    }
}

//! Expands lists (`kind: List`, `PodList`, a sequence of objects) into their items.

use super::json::{ItemType, item_type};
use jsonptr::{Pointer, PointerBuf};
use serde_json::{Map, Value};

/// An object of a document.
pub(super) struct Item {
    pub(super) value: Value,
    /// JSON pointer to it in the document.
    pub(super) at: PointerBuf,
    /// Whether another object contains it; a list is not an object.
    pub(super) is_enclosed: bool,
}

/// The objects of a document. Lists are expanded, also nested ones.
pub(super) fn expand(value: Value) -> Vec<Item> {
    let mut objects = Vec::new();
    expand_into(&mut objects, value, Pointer::root());
    objects
}

fn expand_into(objects: &mut Vec<Item>, value: Value, at: &Pointer) {
    let is_sequence = value.is_array();
    let (items, item_type) = match split(value) {
        Ok(list) => list,
        Err(value) => return objects.push(Item { value, at: at.to_owned(), is_enclosed: false }),
    };
    let at = if is_sequence { at.to_owned() } else { at.with_trailing_token("items") };
    for (index, mut item) in items.into_iter().enumerate() {
        complete(&mut item, &item_type);
        expand_into(objects, item, &at.with_trailing_token(index));
    }
}

/// The items of a list and their type, or the value itself.
fn split(value: Value) -> Result<(Vec<Value>, ItemType), Value> {
    match value {
        Value::Array(items) if are_objects(&items) => Ok((items, ItemType::Own)),
        Value::Object(mut members) => match item_type_of(&members) {
            Some(item_type) => match members.remove("items") {
                Some(Value::Array(items)) => Ok((items, item_type)),
                _ => Ok((Vec::new(), item_type)),
            },
            None => Err(Value::Object(members)),
        },
        other => Err(other),
    }
}

fn item_type_of(members: &Map<String, Value>) -> Option<ItemType> {
    let items = members.get("items")?;
    let are_objects = items.as_array().map(|items| items.is_empty() || items.iter().any(Value::is_object));
    let text = |key: &str| members.get(key).and_then(Value::as_str);
    item_type(text("apiVersion"), text("kind")?, are_objects.or(items.is_null().then_some(true))?)
}

/// Whether a value is an object, or a list or a sequence of them.
pub(super) fn is_list_or_object(value: &Value) -> bool {
    let is_text = |key: &str| value.get(key).is_some_and(Value::is_string);
    value.as_array().is_some_and(|items| are_objects(items)) || is_text("apiVersion") && is_text("kind")
}

/// Returns true for a sequence of Kubernetes objects, as `jq '.items'` writes it.
pub(super) fn are_objects(items: &[Value]) -> bool {
    let is_object =
        |item: &Value| ["apiVersion", "kind"].iter().all(|key| item.get(*key).is_some_and(Value::is_string));
    items.iter().any(is_object)
}

/// Adds `apiVersion` and `kind`, which the API server leaves out of the items of a raw list.
pub(super) fn complete(item: &mut Value, item_type: &ItemType) {
    if let (Value::Object(members), ItemType::OfList(api_version, kind)) = (item, item_type)
        && !members.contains_key("apiVersion")
        && !members.contains_key("kind")
    {
        members.insert("apiVersion".to_owned(), api_version.as_str().into());
        members.insert("kind".to_owned(), kind.as_str().into());
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::read;

    #[test]
    fn items_are_objects_with_their_own_pointers() {
        let manifests = read(
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec: {a: 1}\n- kind: PodList\n  apiVersion: v1\n  items:\n  - {apiVersion: v1, kind: Pod}\n- a: 1\n-\n",
        );
        assert_eq!((manifests.objects.len(), manifests.skipped.len(), manifests.errors.len()), (2, 1, 0));
        let position = |index: usize, pointer: &str| {
            (manifests.objects[index].position(pointer).line, manifests.objects[index].position(pointer).column)
        };
        assert_eq!(manifests.objects[0].value["kind"], "Pod");
        assert_eq!((position(0, "/spec/a"), position(0, ""), position(0, "/metadata")), ((6, 10), (4, 3), (4, 3)));
        assert_eq!((position(1, "/kind"), position(1, "")), ((10, 22), (10, 6)));
    }

    #[test]
    fn items_of_a_raw_list_get_its_kind() {
        for text in [
            "kind: DeploymentList\napiVersion: apps/v1\nitems:\n- metadata: {name: a}\n- {apiVersion: v1, kind: Pod}\n",
            r#"{"kind":"DeploymentList","apiVersion":"apps/v1","items":[{"metadata":{"name":"a"}},{"apiVersion":"v1","kind":"Pod"}]}"#,
        ] {
            let manifests = read(text);
            let kinds: Vec<_> = manifests.objects.iter().map(|object| object.value["kind"].clone()).collect();
            assert_eq!(kinds, ["Deployment", "Pod"], "{:?}", manifests.errors);
            assert_eq!(manifests.objects[0].value["apiVersion"], "apps/v1");
        }
    }

    #[test]
    fn a_sequence_of_objects_is_a_list() {
        for text in ["- {apiVersion: v1, kind: Pod}\n- a: 1\n", r#"[{"apiVersion":"v1","kind":"Pod"},{"a":1}]"#] {
            let manifests = read(text);
            assert_eq!((manifests.objects.len(), manifests.skipped.len(), manifests.errors.len()), (1, 1, 0), "{text}");
        }
    }

    #[test]
    fn an_empty_list_is_no_error() {
        for text in
            ["{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[]}", "apiVersion: v1\nkind: PodList\nitems:\n"]
        {
            assert!(read(text).errors.is_empty(), "{text}");
        }
    }

    #[test]
    fn an_item_that_is_not_an_object_is_an_error() {
        for (text, column) in [
            ("apiVersion: v1\nkind: List\nitems:\n- a\n- {apiVersion: v1, kind: Pod}\n", 3),
            (
                "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\":\n\n\n[\"a\", {\"apiVersion\": \"v1\", \"kind\": \"Pod\"}]}",
                2,
            ),
        ] {
            let manifests = read(text);
            assert_eq!((manifests.objects.len(), manifests.errors.len()), (1, 1));
            assert_eq!((manifests.errors[0].line, manifests.errors[0].column), (Some(4), Some(column)));
        }
    }

    #[test]
    fn a_custom_resource_with_a_list_of_names_is_an_object() {
        assert_eq!(read("apiVersion: a/v1\nkind: AllowList\nitems: [a]\n").objects.len(), 1);
    }

    #[test]
    fn data_of_an_item_is_masked() {
        let manifests =
            read("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  data: {name: s}\n");
        assert_eq!(manifests.objects[0].masked_line(6), "  data: {name: ***}");
    }
}

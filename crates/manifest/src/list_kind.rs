//! Expands lists (`kind: List`, `PodList`) into their items.

use super::position::Layout;
use serde_json::Value;
use std::sync::Arc;

/// The objects of a document, each with the positions of its fields. Lists are expanded, also nested ones.
pub(super) fn expand(value: Value, layout: &Arc<Layout>) -> Vec<(Value, Arc<Layout>)> {
    let mut objects = Vec::new();
    expand_into(&mut objects, value, layout);
    objects
}

fn expand_into(objects: &mut Vec<(Value, Arc<Layout>)>, mut value: Value, layout: &Arc<Layout>) {
    if !is_list(&value) {
        objects.push((value, Arc::clone(layout)));
        return;
    }
    let items = value.get_mut("items").and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    for (item, layout) in items.into_iter().zip(layout.elements("items")) {
        expand_into(objects, item, layout);
    }
}

/// A custom resource can have a kind that ends in `List` and `items` that are not objects; it is not expanded.
fn is_list(value: &Value) -> bool {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let Some(items) = value.get("items").and_then(Value::as_array) else { return false };
    match text("kind") {
        Some("List") if text("apiVersion") == Some("v1") => true,
        Some(kind) => kind.ends_with("List") && items.iter().all(Value::is_object),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::Manifests;

    fn read(text: &str) -> Manifests {
        let mut manifests = Manifests::default();
        manifests.parse("a.yaml", text);
        manifests
    }

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
    fn an_item_that_is_not_an_object_is_an_error() {
        let manifests = read("apiVersion: v1\nkind: List\nitems:\n- a\n- {apiVersion: v1, kind: Pod}\n");
        assert_eq!((manifests.objects.len(), manifests.errors.len()), (1, 1));
        assert_eq!((manifests.errors[0].line, manifests.errors[0].column), (Some(4), Some(3)));
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

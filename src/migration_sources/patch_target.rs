//! The objects that a patch changes, as Kustomize selects them.

use regex::{Regex, RegexBuilder};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;

/// The largest compiled expression for names, in bytes.
const MAX_EXPRESSION: usize = 1 << 20;
/// The most compiled expressions that are kept.
const MAX_KEPT: usize = 64;

thread_local! {
    /// Compiled expressions: a patch is compared with each object. `None` is one that cannot be read.
    static EXPRESSIONS: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

/// What kustomizations add to objects before a patch selects them: nobody knows which patch is first.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltNames<'n> {
    /// Whether the names of the objects are not known.
    pub is_any_name: bool,
    /// Whether one adds a prefix or a suffix to names.
    pub is_affixed: bool,
    /// Whether one adds labels or annotations.
    pub is_labeled: bool,
    /// The namespaces that they give to objects.
    pub namespaces: &'n [&'n str],
}

/// Whether a target selects an object. Kustomize reads the kind and the name as regular expressions of the whole text.
pub(super) fn selects(target: Option<&Value>, object: &Value, built: BuiltNames<'_>) -> bool {
    let Some(target) = target else { return true };
    let wanted = |key: &str| target.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let own = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let (group, version) = own("/apiVersion").split_once('/').unwrap_or(("", own("/apiVersion")));
    let is_name = |wanted: &str| {
        let name = own("/metadata/name");
        built.is_any_name
            || is_match(wanted, name)
            || (built.is_affixed && (!is_plain(wanted) || wanted.contains(name)))
    };
    let is_namespace = |wanted: &str| {
        let namespace = own("/metadata/namespace");
        namespace.is_empty() || [namespace].iter().chain(built.namespaces).any(|namespace| is_match(wanted, namespace))
    };
    let has = |key: &str, at: &str| {
        wanted(key).is_none_or(|selector| built.is_labeled || selects_by(selector, object.pointer(at)))
    };
    wanted("kind").is_none_or(|kind| is_match(kind, own("/kind")))
        && wanted("name").is_none_or(is_name)
        && wanted("namespace").is_none_or(is_namespace)
        && wanted("group").is_none_or(|wanted| is_match(wanted, group))
        && wanted("version").is_none_or(|wanted| is_match(wanted, version))
        && has("labelSelector", "/metadata/labels")
        && has("annotationSelector", "/metadata/annotations")
}

/// Whether a text is what Kustomize wants. An expression that cannot be read selects everything here.
fn is_match(wanted: &str, text: &str) -> bool {
    wanted == text || (!is_plain(wanted) && is_match_of_expression(wanted, text))
}

fn is_match_of_expression(wanted: &str, text: &str) -> bool {
    EXPRESSIONS.with_borrow_mut(|kept| {
        if !kept.contains_key(wanted) {
            if kept.len() >= MAX_KEPT {
                kept.clear();
            }
            let expression = RegexBuilder::new(&format!("^(?:{wanted})$")).size_limit(MAX_EXPRESSION).build();
            kept.insert(wanted.to_owned(), expression.ok());
        }
        kept.get(wanted).and_then(Option::as_ref).is_none_or(|expression| expression.is_match(text))
    })
}

/// Whether an expression stands only for itself.
fn is_plain(expression: &str) -> bool {
    expression.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether labels or annotations have what a selector wants. A set, as in `tier in (a, b)`, selects everything here.
fn selects_by(selector: &str, labels: Option<&Value>) -> bool {
    let has = |requirement: &str| {
        let value = |key: &str| labels?.get(key.trim())?.as_str();
        match requirement.trim() {
            other if other.contains(" in ") || other.contains(" notin ") => true,
            requirement => match (requirement.split_once("!="), requirement.split_once('='), requirement) {
                (Some((key, wanted)), ..) => value(key) != Some(wanted.trim()),
                (None, Some((key, wanted)), _) => value(key) == Some(wanted.trim_start_matches('=').trim()),
                (.., key) => key.strip_prefix('!').map_or_else(|| value(key).is_some(), |key| value(key).is_none()),
            },
        }
    };
    selector.contains('(') || selector.split(',').all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "orders", "namespace": "shop", "labels": {"app": "orders"}, "annotations": {"team": "a"},
        }})
    }

    #[test]
    fn a_target_selects_what_kustomize_selects() {
        for (target, expected) in [
            (json!({}), true),
            (json!({"kind": "Deployment", "name": "orders", "namespace": ""}), true),
            (json!({"kind": "Deploy.*", "name": "ord|ers|orders"}), true),
            (json!({"name": "ord"}), false),
            (json!({"name": "ord|ers"}), false),
            (json!({"name": "("}), true),
            (json!({"group": "apps", "version": "v1"}), true),
            (json!({"group": "batch"}), false),
            (json!({"namespace": "shop"}), true),
            (json!({"namespace": "test"}), false),
            (json!({"labelSelector": "app=orders"}), true),
            (json!({"labelSelector": "app == orders, !tier"}), true),
            (json!({"labelSelector": "app!=orders"}), false),
            (json!({"labelSelector": "app=billing"}), false),
            (json!({"labelSelector": "tier"}), false),
            (json!({"labelSelector": "app in (billing, orders), tier"}), true),
            (json!({"annotationSelector": "team=b"}), false),
        ] {
            assert_eq!(selects(Some(&target), &object(), BuiltNames::default()), expected, "{target}");
        }
        assert!(selects(None, &object(), BuiltNames::default()));
    }

    #[test]
    fn what_kustomizations_add_can_be_selected() {
        let built = BuiltNames { is_any_name: false, is_affixed: true, is_labeled: true, namespaces: &["test"] };
        for target in [json!({"name": "eu-orders"}), json!({"namespace": "test"}), json!({"labelSelector": "tier=a"})] {
            assert!(selects(Some(&target), &object(), built), "{target}");
            assert!(!selects(Some(&target), &object(), BuiltNames::default()), "{target}");
        }
        assert!(selects(Some(&json!({"name": "eu-.*"})), &object(), built));
        assert!(!selects(Some(&json!({"name": "billing"})), &object(), built));
    }
}

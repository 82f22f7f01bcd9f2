//! Objects that do not fit into a full cache.

use super::tests::{KIBIBYTE, config_map, list, list_namespace, listed_store, of, put_enforced};
use super::*;
use apim_keyless_core::gateway::{Coverage, Lookup};

#[test]
fn objects_that_do_not_fit_are_unknown_and_removed_objects_free_their_bytes() {
    let mut store = listed_store();
    let before = store.budget.total();
    for index in 0..100 {
        store.put("orders", config_map(&format!("large-{index}"), &"x".repeat(KIBIBYTE)));
    }
    assert!(
        !store.cache_status().fits && store.budget.total() <= 64 * KIBIBYTE && store.budget.total() > 60 * KIBIBYTE
    );
    let orders = of(&mut store, "orders");
    assert!(orders.config_map("large-99") == Lookup::Unknown && orders.coverage == Coverage::Partial);
    (0..100).for_each(|index| store.remove(Kind::ConfigMap, "orders", &format!("large-{index}")));
    assert_eq!(store.budget.total(), before);
    store.remove_namespace("orders");
    assert_eq!(store.budget.total(), 0);
}

#[test]
fn an_object_that_did_not_fit_stays_unknown_while_it_is_listed_again() {
    let mut store = listed_store();
    store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
    let (fitting, budget) = (store.budget.total(), store.budget.limit);
    store.budget.limit = fitting - 1;
    store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
    store.budget.limit = budget;
    store.start_list(Kind::ConfigMap);
    assert!(of(&mut store, "orders").config_map("large") == Lookup::Unknown);
    store.put("orders", config_map("env", "text"));
    store.put("orders", config_map("large", &"x".repeat(KIBIBYTE)));
    store.complete_list(Kind::ConfigMap);
    assert!(of(&mut store, "orders").coverage == Coverage::Complete && store.cache_status().fits);
}

/// A store of which the `ConfigMap`s `large-a` and `large-b` in `orders` did not fit.
fn full_store() -> Store {
    let mut store = listed_store();
    store.put("orders", config_map("fitting", &"x".repeat(KIBIBYTE)));
    store.budget.limit = store.budget.total();
    for name in ["large-a", "large-b"] {
        store.put("orders", config_map(name, &"x".repeat(KIBIBYTE)));
    }
    assert!(!store.cache_status().fits && !store.may_fit_again());
    store
}

fn list_overflows(store: &mut Store, config_maps: &[(&str, &str)]) {
    assert!(store.may_fit_again());
    store.list_overflows_again();
    assert!(!store.may_fit_again(), "the list is due only once");
    assert_eq!(of(store, "orders").coverage, Coverage::Partial);
    list_namespace(store, "orders", config_maps);
    assert!(store.next_list("").is_none());
}

#[test]
fn a_namespace_is_listed_again_once_an_object_that_did_not_fit_may_fit() {
    let mut store = full_store();
    let large = "x".repeat(KIBIBYTE);
    store.remove(Kind::ConfigMap, "orders", "fitting");
    list_overflows(&mut store, &[("env", "text"), ("large-a", &large), ("large-b", &large)]);
    let orders = of(&mut store, "orders");
    assert!(matches!(orders.config_map("large-a"), Lookup::Found(_)) && orders.config_map("b") == Lookup::Unknown);
    assert!(!store.cache_status().fits && !store.may_fit_again(), "the second still does not fit");
    store.budget.limit += 2 * KIBIBYTE;
    list_overflows(&mut store, &[("env", "text"), ("large-a", &large), ("large-b", &large)]);
    let orders = of(&mut store, "orders");
    assert!(matches!(orders.config_map("large-b"), Lookup::Found(_)) && orders.coverage == Coverage::Complete);
    assert!(store.cache_status().fits);
}

#[test]
fn a_namespace_is_listed_again_once_an_object_that_did_not_fit_may_be_deleted_or_smaller() {
    let end: [fn(&mut Store); 2] = [
        |store| store.remove(Kind::ConfigMap, "orders", "large-a"),
        |store| {
            store.remove(Kind::ConfigMap, "orders", "fitting");
            store.budget.limit = store.budget.total() + KIBIBYTE;
            store.put("orders", config_map("large-a", "text"));
        },
    ];
    for end in end {
        let mut store = full_store();
        end(&mut store);
        list_overflows(&mut store, &[("env", "text")]);
        assert!(of(&mut store, "orders").coverage == Coverage::Complete && store.cache_status().fits);
    }
    // an update that still does not fit makes no list due
    let mut store = full_store();
    store.put("orders", config_map("large-a", &"y".repeat(KIBIBYTE)));
    assert!(!store.may_fit_again());
}

#[test]
fn a_namespace_that_lost_an_object_to_another_is_listed_again() {
    let mut store = listed_store();
    put_enforced(&mut store, "other");
    list(&mut store, &["orders", "other"]);
    for index in 0..10 {
        store.put("orders", config_map(&format!("large-{index}"), &"x".repeat(KIBIBYTE)));
    }
    store.budget.limit = store.budget.total();
    store.put("other", config_map("small", "text"));
    assert!(matches!(of(&mut store, "other").config_map("small"), Lookup::Found(_)));
    assert_eq!(of(&mut store, "other").coverage, Coverage::Complete);
    assert!(of(&mut store, "orders").config_map("env") == Lookup::Unknown && !store.cache_status().fits);
    store.remove(Kind::ConfigMap, "other", "small");
    assert!(store.may_fit_again() && store.next_list("").is_none());
    store.list_overflows_again();
    assert_eq!(store.next_list(""), Some((Kind::ConfigMap, "orders".to_owned())));
}

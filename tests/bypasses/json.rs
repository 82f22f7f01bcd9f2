//! JSON that one reader takes for something else than another: keys that stand twice, in another case, or escaped.
//!
//! An API server sends none of it, for it writes its reviews anew from typed objects; so such a body is forged. It is
//! refused, or judged as it would be without what is odd.

use crate::attempt::{Attempt, Fate, fate};
use crate::gateways::{key, merged, right_container, with_container};
use serde_json::{Value, json};

/// A review of a Pod that needs a key.
fn forged() -> Value {
    let container = merged(right_container(), json!({"env": [key()]}));
    let pod = with_container("Pod", "containers", container);
    Attempt::new(&pod).review()
}

/// A member of the review: where, its key, and its value as written.
type Member<'a> = (&'a str, &'a str, &'a str);

/// The review with each member written by `member`.
fn written(value: &Value, at: &str, member: &dyn Fn(Member<'_>) -> String) -> String {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                let at = format!("{at}/{}", key.replace('/', "~1"));
                member((&at, key, &written(value, &at, member)))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Value::Array(elements) => {
            let elements = elements.iter().enumerate();
            let elements = elements.map(|(index, element)| written(element, &format!("{at}/{index}"), member));
            format!("[{}]", elements.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

fn plain((_, key, value): Member<'_>) -> String {
    format!("{}:{value}", json!(key))
}

/// Where every member of the review stands.
fn places(review: &Value) -> Vec<String> {
    let places = std::cell::RefCell::new(Vec::new());
    written(review, "", &|(at, ..)| {
        places.borrow_mut().push(at.to_owned());
        String::new()
    });
    places.into_inner()
}

/// The review with the member at `place` written by `odd`.
fn odd_at(review: &Value, place: &str, odd: &dyn Fn(Member<'_>) -> String) -> String {
    written(review, "", &|member| if member.0 == place { odd(member) } else { plain(member) })
}

const DECOYS: [&str; 6] = ["null", "{}", "[]", "\"x\"", "0", "true"];

#[test]
fn b21_what_stands_twice_is_refused_or_judged_by_the_last() {
    let review = forged();
    let mut cases = 0;
    for (place, decoy) in places(&review).iter().flat_map(|place| DECOYS.map(|decoy| (place, decoy))) {
        let before = odd_at(&review, place, &|(_, key, value)| format!("{0}:{decoy},{0}:{value}", json!(key)));
        let fate_of_before = fate(before.as_bytes());
        assert!(fate_of_before != Fate::Allowed, "{before}");
        let after = odd_at(&review, place, &|(_, key, value)| format!("{0}:{value},{0}:{decoy}", json!(key)));
        let alone = odd_at(&review, place, &|(_, key, _)| format!("{}:{decoy}", json!(key)));
        let fate_of_after = fate(after.as_bytes());
        assert!(fate_of_after == Fate::ReviewError || fate_of_after == fate(alone.as_bytes()), "{after}");
        cases += 2;
    }
    assert!(cases >= 300, "{cases}");
}

#[test]
fn b21_a_key_in_another_case_hides_nothing_and_is_another_key() {
    let review = forged();
    let cases: [fn(&str) -> String; 3] = [str::to_uppercase, capitalised, |key| format!("{key}\u{200b}")];
    for (place, case) in places(&review).iter().flat_map(|place| cases.map(|case| (place, case))) {
        for decoy in DECOYS {
            let before = odd_at(&review, place, &|(_, key, value)| {
                format!("{}:{decoy},{}:{value}", json!(case(key)), json!(key))
            });
            let after = odd_at(&review, place, &|(_, key, value)| {
                format!("{}:{value},{}:{decoy}", json!(key), json!(case(key)))
            });
            for body in [before, after] {
                assert!(fate(body.as_bytes()) != Fate::Allowed, "{body}");
            }
        }
        let instead = odd_at(&review, place, &|(_, key, value)| format!("{}:{value}", json!(case(key))));
        let without = odd_at(&review, place, &|_| "\"nobody knows this\":\"x\"".to_owned());
        assert_eq!(fate(instead.as_bytes()), fate(without.as_bytes()), "{instead}");
    }
}

fn capitalised(key: &str) -> String {
    let (first, rest) = key.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn b21_an_escape_changes_nothing() {
    let review = forged();
    let plainly = fate(review.to_string().as_bytes());
    assert_eq!(plainly, Fate::Denied(vec!["auth-key-reference"]));
    let all = written(&review, "", &|(_, key, value)| format!("{}:{}", escaped(key), escaped_if_text(value)));
    assert_eq!(fate(all.as_bytes()), plainly, "{all}");
    for place in places(&review) {
        let of_key = odd_at(&review, &place, &|(_, key, value)| format!("{}:{value}", escaped(key)));
        let of_value = odd_at(&review, &place, &|(_, key, value)| format!("{}:{}", json!(key), escaped_if_text(value)));
        for body in [of_key, of_value] {
            assert_eq!(fate(body.as_bytes()), plainly, "{body}");
        }
    }
}

fn escaped(text: &str) -> String {
    let escapes = text
        .encode_utf16()
        .enumerate()
        .map(|(index, unit)| if index % 2 == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") });
    format!("\"{}\"", escapes.collect::<String>())
}

fn escaped_if_text(value: &str) -> String {
    serde_json::from_str::<String>(value).map_or_else(|_| value.to_owned(), |text| escaped(&text))
}

#[test]
fn b21_json_or_yaml_inside_a_text_is_a_text() {
    let right = json!({"env": [{"name": "config.service.auth", "value": "workloadIdentity"}]}).to_string();
    for text in [
        right.as_str(),
        "[]",
        "null",
        "}]}],\"env\":[]",
        "workloadIdentity\", \"value\": \"",
        "# workloadIdentity",
        "workloadIdentity\0",
    ] {
        let env = json!([{"name": "config.service.auth", "value": text}]);
        let pod = with_container("Pod", "containers", merged(right_container(), json!({"env": env})));
        assert!(!Attempt::new(&pod).refused().is_empty(), "{text}");
        let mut annotated = with_container("Pod", "containers", merged(right_container(), json!({"env": [key()]})));
        annotated["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": text});
        assert_eq!(Attempt::new(&annotated).refused(), ["auth-key-reference"], "{text}");
    }
}

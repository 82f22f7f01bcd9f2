//! JSON that two parsers can read differently: duplicate keys, keys in another case, escapes.
//!
//! An API server never sends it, because it serializes its reviews from typed objects. Such a body is forged. It is
//! rejected, or evaluated like the same body without the oddity.

use super::attempt::{Attempt, Outcome, outcome};
use serde_json::{Value, json};
use test_support::gateways::{container_with_auth_key, merged, valid_container, with_container};

/// A review of a Pod that needs a key.
fn forged() -> Value {
    let container = container_with_auth_key();
    let pod = with_container("Pod", "containers", container);
    Attempt::new(&pod).review()
}

/// A member of the review: its pointer, its key, and its value as JSON.
type Member<'a> = (&'a str, &'a str, &'a str);

/// The review as JSON, with each member written by `member`.
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

/// The pointers of all members of the review.
fn places(review: &Value) -> Vec<String> {
    let places = std::cell::RefCell::new(Vec::new());
    written(review, "", &|(at, ..)| {
        places.borrow_mut().push(at.to_owned());
        String::new()
    });
    places.into_inner()
}

/// The review with the member at `place` written by `write_member`.
fn written_with(review: &Value, place: &str, write_member: &dyn Fn(Member<'_>) -> String) -> String {
    written(review, "", &|member| if member.0 == place { write_member(member) } else { plain(member) })
}

const DECOYS: [&str; 6] = ["null", "{}", "[]", "\"x\"", "0", "true"];

#[test]
fn b21_a_duplicate_key_is_rejected_or_its_last_value_counts() {
    let review = forged();
    let mut cases = 0;
    for (place, decoy) in places(&review).iter().flat_map(|place| DECOYS.map(|decoy| (place, decoy))) {
        let before = written_with(&review, place, &|(_, key, value)| format!("{0}:{decoy},{0}:{value}", json!(key)));
        let outcome_before = outcome(before.as_bytes());
        assert!(outcome_before != Outcome::Allowed, "{before}");
        let after = written_with(&review, place, &|(_, key, value)| format!("{0}:{value},{0}:{decoy}", json!(key)));
        let alone = written_with(&review, place, &|(_, key, _)| format!("{}:{decoy}", json!(key)));
        let outcome_after = outcome(after.as_bytes());
        assert!(outcome_after == Outcome::ReviewError || outcome_after == outcome(alone.as_bytes()), "{after}");
        cases += 2;
    }
    assert!(cases >= 300, "{cases}");
}

#[test]
fn b21_a_key_in_another_case_is_another_key() {
    let review = forged();
    let cases: [fn(&str) -> String; 3] = [str::to_uppercase, capitalized, |key| format!("{key}\u{200b}")];
    for (place, case) in places(&review).iter().flat_map(|place| cases.map(|case| (place, case))) {
        for decoy in DECOYS {
            let before = written_with(&review, place, &|(_, key, value)| {
                format!("{}:{decoy},{}:{value}", json!(case(key)), json!(key))
            });
            let after = written_with(&review, place, &|(_, key, value)| {
                format!("{}:{value},{}:{decoy}", json!(key), json!(case(key)))
            });
            for body in [before, after] {
                assert!(outcome(body.as_bytes()) != Outcome::Allowed, "{body}");
            }
        }
        let instead = written_with(&review, place, &|(_, key, value)| format!("{}:{value}", json!(case(key))));
        let without = written_with(&review, place, &|_| "\"unknown field\":\"x\"".to_owned());
        assert_eq!(outcome(instead.as_bytes()), outcome(without.as_bytes()), "{instead}");
    }
}

fn capitalized(key: &str) -> String {
    let (first, rest) = key.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn b21_escapes_do_not_change_the_outcome() {
    let review = forged();
    let plainly = outcome(review.to_string().as_bytes());
    assert_eq!(plainly, Outcome::Denied(vec!["auth-key-reference"]));
    let all = written(&review, "", &|(_, key, value)| format!("{}:{}", escaped(key), escaped_if_text(value)));
    assert_eq!(outcome(all.as_bytes()), plainly, "{all}");
    for place in places(&review) {
        let of_key = written_with(&review, &place, &|(_, key, value)| format!("{}:{value}", escaped(key)));
        let of_value =
            written_with(&review, &place, &|(_, key, value)| format!("{}:{}", json!(key), escaped_if_text(value)));
        for body in [of_key, of_value] {
            assert_eq!(outcome(body.as_bytes()), plainly, "{body}");
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
fn b21_json_or_yaml_inside_a_text_stays_a_text() {
    let valid = json!({"env": [{"name": "config.service.auth", "value": "workloadIdentity"}]}).to_string();
    for text in [
        valid.as_str(),
        "[]",
        "null",
        "}]}],\"env\":[]",
        "workloadIdentity\", \"value\": \"",
        "# workloadIdentity",
        "workloadIdentity\0",
    ] {
        let env = json!([{"name": "config.service.auth", "value": text}]);
        let pod = with_container("Pod", "containers", merged(valid_container(), json!({"env": env})));
        assert!(!Attempt::new(&pod).denied_by().is_empty(), "{text}");
        let mut annotated = with_container("Pod", "containers", container_with_auth_key());
        annotated["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": text});
        assert_eq!(Attempt::new(&annotated).denied_by(), ["auth-key-reference"], "{text}");
    }
}

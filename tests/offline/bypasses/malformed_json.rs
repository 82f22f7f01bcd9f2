//! Numbers, texts and bytes that are not JSON or that some JSON parser rejects.

use super::attempt::{Attempt, Outcome, outcome};
use serde_json::{Value, json};
use test_support::gateways::{container_with_auth_key, valid_container, with_container};

/// Placeholder for the inserted value.
const HERE: &str = "\"here\"";

/// Values that are not JSON or that some parser rejects.
const MALFORMED: &[&[u8]] = &[
    b"1e400",
    b"-1e400",
    b"1E+99999999999",
    b"1e-400",
    b"-0",
    b"-0.0",
    b"00",
    b"01",
    b"+1",
    b".5",
    b"1.",
    b"0x1f",
    b"1_000",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"undefined",
    b"nil",
    b"True",
    b"99999999999999999999999999999999",
    b"\"\\ud800\"",
    b"\"\\udfff\"",
    b"\"\\ud800\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\\u0000\"",
    b"\"\\uFFFF\"",
    b"\"\\u12\"",
    b"\"\\x41\"",
    b"\"\xff\"",
    b"\"\xc0\x80\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xf4\x90\x80\x80\"",
    b"\"\xe2\x80\"",
    b"\"\0\"",
    b"\"\n\"",
    b"\"\x1f\"",
    b"\"\x7f\"",
    b"'a'",
    b"a",
    b"",
    b"/* a */ 1",
    b"1 // a",
    b"1,",
    b",",
    b"{\"a\":1,}",
    b"[1,]",
    b"{,}",
    b"{1:1}",
    b"{\"a\" 1}",
    b"\"a",
    b"\"a\\\"",
    b"{\"\\ud800\":1}",
    b"{\"\\u0000\":1}",
    b"{\"\xff\":1}",
    b"{\"\":{\"\":\"\"}}",
    b"null",
    b"{}",
    b"[]",
    b"\xef\xbb\xbf1",
    b"\xc2\xa01",
];

/// Reviews of a gateway with a key, each with one placeholder: in a field that no rule reads, in a field that a rule
/// reads, or around the object.
fn reviews() -> Vec<String> {
    let deployment = || with_container("Deployment", "containers", container_with_auth_key());
    let with = |at: &str, member: &str| {
        let mut object = deployment();
        object.pointer_mut(at).unwrap()[member] = json!("here");
        Attempt::new(&object).review().to_string()
    };
    let around = |at: &str, member: &str| {
        let mut review = Attempt::new(&deployment()).review();
        review.pointer_mut(at).unwrap()[member] = json!("here");
        review.to_string()
    };
    vec![
        with("", "futureField"),
        with("/metadata", "futureField"),
        with("/metadata", "name"),
        with("/spec", "replicas"),
        with("/spec/template/metadata/labels", "note"),
        with("/spec/template/spec", "futureField"),
        with("/spec/template/spec", "priority"),
        with("/spec/template/spec/containers/0", "futureField"),
        with("/spec/template/spec/containers/0", "image"),
        with("/spec/template/spec/containers/0/env/0", "futureField"),
        with("/spec/template/spec/containers/0/env/0/valueFrom/secretKeyRef", "key"),
        around("", "futureField"),
        around("/request", "futureField"),
        around("/request", "name"),
        around("/request/userInfo", "username"),
    ]
}

#[test]
fn b23_denies_a_key_next_to_any_malformed_value() {
    let mut denied = 0;
    for review in reviews() {
        let (before, after) = review.split_once(HERE).unwrap();
        for malformed in MALFORMED {
            let body = [before.as_bytes(), malformed, after.as_bytes()].concat();
            let outcome = outcome(&body);
            assert!(outcome != Outcome::Allowed, "{}", String::from_utf8_lossy(&body));
            denied += usize::from(outcome != Outcome::ReviewError);
        }
    }
    assert!(denied > 100, "only {denied} bodies were evaluated");
}

#[test]
fn b23_rejects_anything_before_or_after_a_review() {
    let review = reviews().remove(0);
    let body = |before: &[u8], after: &[u8]| [before, review.as_bytes(), after].concat();
    assert_eq!(
        outcome(&body(b" \n\t\r", b" \n")),
        Outcome::Denied(vec!["auth-key-reference"]),
        "JSON allows this whitespace"
    );
    let valid = Attempt::new(&with_container("Pod", "containers", valid_container())).review().to_string();
    for around in [
        &b"\xef\xbb\xbf"[..],
        b"\0",
        b"\x0b",
        b"\xc2\xa0",
        b"//\n",
        b"[",
        b"]",
        b"}",
        b",",
        b"null",
        b"1",
        valid.as_bytes(),
    ] {
        assert_eq!(outcome(&body(around, b"")), Outcome::ReviewError, "{}", String::from_utf8_lossy(around));
        assert_eq!(outcome(&body(b"", around)), Outcome::ReviewError, "{}", String::from_utf8_lossy(around));
    }
}

#[test]
fn b23_rejects_a_review_in_another_encoding() {
    let review = reviews().remove(0);
    let units = || review.encode_utf16();
    for bytes in [
        units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        units().flat_map(u16::to_be_bytes).collect(),
        [0xfe, 0xff].into_iter().chain(units().flat_map(u16::to_be_bytes)).collect(),
        review.chars().flat_map(|letter| u32::from(letter).to_le_bytes()).collect(),
    ] {
        assert_eq!(outcome(&bytes), Outcome::ReviewError);
    }
}

#[test]
fn b23_a_value_of_an_unexpected_type_does_not_admit_a_key() {
    let values = [
        json!(null),
        json!(1),
        json!(true),
        json!(""),
        json!([]),
        json!({}),
        json!([[]]),
        json!([null]),
        json!([{}]),
        json!({"a": null}),
    ];
    let mut evaluated = 0;
    for at in [
        "/metadata",
        "/metadata/labels",
        "/metadata/ownerReferences",
        "/spec/template/metadata",
        "/spec/template/spec/volumes",
        "/spec/template/spec/initContainers",
        "/spec/selector",
        "/status",
    ] {
        for value in &values {
            let mut object = with_container("Deployment", "containers", container_with_auth_key());
            let (parent, member) = at.rsplit_once('/').unwrap();
            object.pointer_mut(parent).unwrap()[member] = value.clone();
            let outcome = outcome(Attempt::new(&object).review().to_string().as_bytes());
            assert!(outcome != Outcome::Allowed, "{at} {value}");
            evaluated += usize::from(outcome != Outcome::ReviewError);
        }
    }
    assert!(evaluated > 20, "only {evaluated} objects were evaluated");
    let nothing: Value = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
    assert_eq!(Attempt::new(&nothing).denied_by(), Vec::<&str>::new(), "the object has no container");
}

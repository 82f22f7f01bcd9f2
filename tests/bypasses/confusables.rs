//! Letters that look like others, and such as can't be seen.

use crate::attempt::Attempt;
use crate::gateways::{IMAGE, OLD_IMAGE, key, merged, right, right_container, with_container};
use apim_keyless::gateway::{ImageVersion, Images};
use apim_keyless::policy::FIRST_VERSION;
use serde_json::{Value, json};

/// Letters of other scripts that look like these, or that some way of folding case takes for them.
const LOOK_ALIKES: &[(char, &[char])] = &[
    ('a', &['а', 'ɑ', 'ａ']),
    ('c', &['с', 'ϲ', 'ｃ']),
    ('e', &['е', 'ｅ']),
    ('g', &['ɡ', 'ｇ']),
    ('i', &['і', 'ı', 'İ', 'ｉ']),
    ('k', &['\u{212a}', 'ｋ']),
    ('o', &['о', 'ο', 'ｏ']),
    ('s', &['ѕ', 'ſ', 'ｓ']),
    ('y', &['у', 'ｙ']),
    ('.', &['․', '。', '．']),
    ('/', &['∕', '／']),
    (':', &['：', '∶']),
];
/// What can't be seen, turns the direction of writing, or is a blank that few know.
const UNSEEN: &[char] = &[
    '\u{200b}', '\u{200d}', '\u{200e}', '\u{202e}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{301}', '\u{a0}', '\u{3000}',
];

/// Every text that is nearly `text`: one letter is another, or something unseen stands within.
fn nearly(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (index, letter) in text.char_indices() {
        let (before, rest) = text.split_at(index);
        let behind = rest.strip_prefix(letter).unwrap();
        let alike =
            LOOK_ALIKES.iter().filter(|(of, _)| *of == letter.to_ascii_lowercase()).flat_map(|(_, alike)| *alike);
        all.extend(alike.map(|alike| format!("{before}{alike}{behind}")));
        if index > 0 {
            all.extend(UNSEEN.iter().map(|unseen| format!("{before}{unseen}{rest}")));
        }
    }
    all
}

fn with_env(image: &str, env: &Value) -> Value {
    with_container("Deployment", "containers", merged(right_container(), json!({"image": image, "env": env})))
}

#[test]
fn b16_what_only_looks_like_workload_identity_is_none() {
    let values = nearly("workloadIdentity");
    assert!(values.len() > 150, "{}", values.len());
    for value in values {
        let object = with_env(OLD_IMAGE, &json!([{"name": "config.service.auth", "value": value}]));
        assert!(Attempt::new(&object).refused().contains(&"other-auth-method"), "{value:?}");
        let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"config.service.auth": value}});
        assert!(Attempt::new(&config_map).refused().contains(&"other-auth-method"), "{value:?}");
    }
}

#[test]
fn b16_an_image_that_only_looks_like_the_gateways_is_never_a_supported_one() {
    let images = Images::default();
    let names = nearly("mcr.microsoft.com/azure-api-management/gateway:2.11.1");
    assert!(names.len() > 400, "{}", names.len());
    for name in names {
        let version = images.version(&name, &FIRST_VERSION);
        assert!(matches!(version, ImageVersion::Unverifiable), "{name:?}: {version:?}");
        // and what it is given makes it a gateway, whatever its name
        assert!(Attempt::new(&with_env(&name, &json!([key()]))).refused().contains(&"auth-key-reference"), "{name:?}");
    }
}

#[test]
fn b16_a_name_that_kubernetes_refuses_is_read_as_no_setting() {
    for name in nearly("config.service.auth") {
        let object = with_env(IMAGE, &json!([merged(key(), json!({"name": name}))]));
        assert_eq!(Attempt::new(&object).refused(), Vec::<&str>::new(), "{name:?}");
    }
}

#[test]
fn b16_a_label_that_only_looks_like_the_one_of_identity_is_missing() {
    for key in nearly("azure.workload.identity/use") {
        let mut object = right("Deployment");
        object["spec"]["template"]["metadata"]["labels"] = json!({"app": "gateway", key: "true"});
        assert_eq!(Attempt::new(&object).refused(), ["missing-identity-label"], "{object}");
    }
    for value in nearly("true").into_iter().chain(["True", "TRUE", " true", "1", "yes", ""].map(str::to_owned)) {
        let mut object = right("Deployment");
        object["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"] = json!(value);
        assert_eq!(Attempt::new(&object).refused(), ["missing-identity-label"], "{object}");
    }
}

//! Look-alike letters and invisible characters.

use super::attempt::Attempt;
use apim_keyless_core::gateway::{ImageVersion, Images};
use apim_keyless_core::policy::FIRST_VERSION;
use serde_json::{Value, json};
use test_support::gateways::{IMAGE, OLD_IMAGE, auth_key_env, merged, valid, valid_container, with_container};

/// Letters of other scripts that look like these, or that case folding maps to them.
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
/// Invisible characters, direction marks and unusual whitespace.
const INVISIBLE: &[char] = &[
    '\u{200b}', '\u{200d}', '\u{200e}', '\u{202e}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{301}', '\u{a0}', '\u{3000}',
];

/// Every text that looks like `text`: one letter is replaced, or one invisible character is inserted.
fn look_alikes(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (index, letter) in text.char_indices() {
        let (before, rest) = text.split_at(index);
        let after = rest.strip_prefix(letter).unwrap();
        let alike =
            LOOK_ALIKES.iter().filter(|(of, _)| *of == letter.to_ascii_lowercase()).flat_map(|(_, alike)| *alike);
        all.extend(alike.map(|alike| format!("{before}{alike}{after}")));
        if index > 0 {
            all.extend(INVISIBLE.iter().map(|invisible| format!("{before}{invisible}{rest}")));
        }
    }
    all
}

fn with_env(image: &str, env: &Value) -> Value {
    with_container("Deployment", "containers", merged(valid_container(), json!({"image": image, "env": env})))
}

#[test]
fn b16_a_value_that_looks_like_workload_identity_is_denied_or_named() {
    let values = look_alikes("workloadIdentity");
    assert!(values.len() > 150, "{}", values.len());
    for value in values {
        let object = with_env(OLD_IMAGE, &json!([{"name": "config.service.auth", "value": value}]));
        // characters that nobody sees hide no key: the finding names the first one and its place
        let is_seen = |character: &char| *character == '\u{301}' || !INVISIBLE.contains(character);
        let is_denied = value.chars().filter(is_seen).collect::<String>() != "workloadIdentity";
        let denied_by = |object: &Value| Attempt::new(object).denied_by().contains(&"other-auth-method");
        assert_eq!(denied_by(&object), is_denied, "{value:?}");
        let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"config.service.auth": value}});
        assert_eq!(denied_by(&config_map), is_denied, "{value:?}");
    }
}

#[test]
fn b16_a_look_alike_image_is_never_a_supported_version() {
    let images = Images::default();
    let names = look_alikes("mcr.microsoft.com/azure-api-management/gateway:2.11.1");
    assert!(names.len() > 400, "{}", names.len());
    for name in names {
        let version = images.version(&name, &FIRST_VERSION);
        assert!(matches!(version, ImageVersion::Unverifiable), "{name:?}: {version:?}");
        // the auth setting makes it a gateway, whatever its image
        assert!(
            Attempt::new(&with_env(&name, &json!([auth_key_env()]))).denied_by().contains(&"auth-key-reference"),
            "{name:?}"
        );
    }
}

#[test]
fn b16_a_name_that_kubernetes_rejects_is_not_a_setting() {
    for name in look_alikes("config.service.auth") {
        let object = with_env(IMAGE, &json!([merged(auth_key_env(), json!({"name": name}))]));
        assert_eq!(Attempt::new(&object).denied_by(), Vec::<&str>::new(), "{name:?}");
    }
}

#[test]
fn b16_a_look_alike_identity_label_counts_as_missing() {
    for key in look_alikes("azure.workload.identity/use") {
        let mut object = valid("Deployment");
        object["spec"]["template"]["metadata"]["labels"] = json!({"app": "gateway", key: "true"});
        assert_eq!(Attempt::new(&object).denied_by(), ["missing-identity-label"], "{object}");
    }
    for value in look_alikes("true").into_iter().chain(["True", "TRUE", " true", "1", "yes", ""].map(str::to_owned)) {
        let mut object = valid("Deployment");
        object["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"] = json!(value);
        assert_eq!(Attempt::new(&object).denied_by(), ["missing-identity-label"], "{object}");
    }
}

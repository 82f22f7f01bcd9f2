//! What nothing needs after the rollout: Secrets of keys, what fills them, and what rotates them.

use super::MigrationInput;
use super::input_index::InputIndex;
use super::json::{all_texts, any_text, at, items, text};
use crate::policy::NamespaceSetting;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// An object that is to be deleted after the rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obsolete {
    /// Its kind, as `kubectl delete` takes it.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The index in the input, if it is there.
    pub input: Option<usize>,
    /// Whether it may hold something else: the input does not say its keys, and the gateway took the whole Secret, or all keys
    /// of a secret in another store fill it. A person has to look at the names of its keys before it is deleted.
    pub is_of_unknown_content: bool,
}

/// A namespace and the name of a Secret in it.
pub type SecretName = (String, String);

/// What the objects of the input take, after the migration.
pub(super) struct Takers {
    /// The objects that name a Secret.
    secrets: HashMap<SecretName, Vec<usize>>,
    /// The `SecretProviderClass`es that a volume mounts.
    classes: HashSet<String>,
}

impl Takers {
    pub(super) fn of<'v>(inputs: &[MigrationInput<'_>], values: impl Iterator<Item = &'v Value>) -> Self {
        let mut takers = Self { secrets: HashMap::new(), classes: HashSet::new() };
        for (index, (input, value)) in inputs.iter().zip(values).enumerate() {
            for name in taken_secrets(value) {
                let secret = (input.namespace.to_owned(), name.to_owned());
                takers.secrets.entry(secret).or_default().push(index);
            }
            add_mounted_classes(value, &mut takers.classes);
        }
        takers
    }

    /// Whether a volume mounts the `SecretProviderClass` of this name.
    pub(super) fn mounts(&self, class: &str) -> bool {
        self.classes.contains(class)
    }

    /// Whether an object other than those that only fill this Secret, or are it, takes it. A Secret that is in the input
    /// and holds something else is taken, too.
    pub(super) fn takes(&self, index: &InputIndex<'_>, secret: &SecretName) -> bool {
        let (namespace, name) = secret;
        let fillers = index.fillers(secret);
        let is_itself = |taker: usize| index.written("Secret", namespace, name).any(|own| own == taker);
        let takers = self.secrets.get(secret).into_iter().flatten();
        index.keys_of_secret(secret) == Keys::Several
            || takers.into_iter().any(|taker| !fillers.contains(taker) && !is_itself(*taker))
    }
}

/// The obsolete objects, if no workload refers to these Secrets of keys any more: of a namespace the Secret, and what
/// fills or renews it. Of `unknown` Secrets the content is not known. `is_taken` and `is_mounted` say of a Secret and of a
/// `SecretProviderClass` whether something still takes it.
pub(super) fn find(
    index: &InputIndex<'_>,
    secrets: &BTreeSet<SecretName>,
    unknown: &BTreeSet<SecretName>,
    is_taken: &dyn Fn(&SecretName) -> bool,
    is_mounted: &dyn Fn(&SecretName) -> bool,
) -> Vec<Obsolete> {
    let mut obsolete = Found::default();
    for secret in secrets.iter().filter(|secret| !is_taken(secret)) {
        let (namespace, name) = secret;
        let keys = index.keys_of_secret(secret);
        let is_of_unknown_content = keys == Keys::All || unknown.contains(secret) && keys == Keys::Unknown;
        let object = |kind: &str, name: &str, input: Option<usize>| Obsolete {
            kind: kind.to_owned(),
            namespace: namespace.clone(),
            name: name.to_owned(),
            input,
            is_of_unknown_content,
        };
        for filler in index.fillers(secret) {
            let Some(input) = index.inputs.get(*filler) else { continue };
            let kind = text(input.value, &["kind"]).unwrap_or_default();
            let Some(own_name) = text(input.value, &["metadata", "name"]) else { continue };
            if kind != CLASS || !is_mounted(&(namespace.clone(), own_name.to_owned())) {
                obsolete.add(object(kind, own_name, Some(*filler)));
            }
        }
        // last, because what fills it would make it again
        obsolete.add(object("Secret", name, index.written("Secret", namespace, name).next()));
    }
    obsolete.objects
}

/// Adds the `SecretProviderClass`es that nothing mounts any more.
pub(super) fn add_classes(
    obsolete: Vec<Obsolete>,
    index: &InputIndex<'_>,
    classes: &BTreeSet<SecretName>,
    takers: &Takers,
) -> Vec<Obsolete> {
    let mut found = Found::of(obsolete);
    for (namespace, name) in classes.iter().filter(|(_, name)| !takers.mounts(name)) {
        let input = index.written(CLASS, namespace, name).next();
        let (kind, is_of_unknown_content) = (CLASS.to_owned(), false);
        found.add(Obsolete { kind, namespace: namespace.clone(), name: name.clone(), input, is_of_unknown_content });
    }
    found.objects
}

const CLASS: &str = "SecretProviderClass";

/// Adds the names of the `SecretProviderClass`es that volumes of an object mount.
fn add_mounted_classes(value: &Value, classes: &mut HashSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_mounted_classes(item, classes)),
        Value::Object(members) => {
            for (key, member) in members {
                if key == "secretProviderClass" {
                    classes.extend(member.as_str().map(str::to_owned));
                }
                add_mounted_classes(member, classes);
            }
        }
        _ => {}
    }
}

/// Obsolete objects, each once.
#[derive(Default)]
struct Found {
    objects: Vec<Obsolete>,
    seen: HashSet<(String, String, String)>,
}

impl Found {
    fn of(objects: Vec<Obsolete>) -> Self {
        let mut found = Self::default();
        for object in objects {
            found.add(object);
        }
        found
    }

    /// Adds an object. A name that the API server rejects belongs to none, and kubectl could read it as a flag: `--all`.
    fn add(&mut self, object: Obsolete) {
        let is_name = NamespaceSetting::ServiceAccount.form().matches;
        let key = (object.kind.clone(), object.namespace.clone(), object.name.clone());
        if is_name(&object.name) && self.seen.insert(key) {
            self.objects.push(object);
        }
    }
}

/// The Secrets that an object only fills or renews; of a job, every word that can be one.
pub(super) fn filled_secrets(kind: &str, value: &Value, own_name: &str) -> Vec<String> {
    let target = |path: &[&str]| vec![text(value, path).unwrap_or(own_name).to_owned()];
    let named = |path: &[&str]| text(value, path).map(str::to_owned).into_iter().collect();
    match kind {
        // External Secrets Operator
        "ExternalSecret" => target(&["spec", "target", "name"]),
        // Bitnami Sealed Secrets
        "SealedSecret" => target(&["spec", "template", "metadata", "name"]),
        // Vault Secrets Operator
        "VaultStaticSecret" | "VaultDynamicSecret" => named(&["spec", "destination", "name"]),
        // cert-manager
        "Certificate" => named(&["spec", "secretName"]),
        // akv2k8s
        "AzureKeyVaultSecret" => named(&["spec", "output", "secret", "name"]),
        CLASS => {
            let secret = items(value, &["spec", "secretObjects"]).find_map(|object| text(object, &["secretName"]));
            secret.filter(|secret| is_class_of(value, secret)).map(str::to_owned).into_iter().collect()
        }
        "CronJob" => renewed_secrets(value),
        _ => Vec::new(),
    }
}

/// The Secrets, in the namespace of this object, that it makes again when they are deleted.
pub fn made_secrets(object: &Value) -> Vec<String> {
    let kind = text(object, &["kind"]).unwrap_or_default();
    // a class fills a Secret only while a Pod mounts it, and a job when it runs
    if [CLASS, "CronJob"].contains(&kind) {
        return Vec::new();
    }
    filled_secrets(kind, object, text(object, &["metadata", "name"]).unwrap_or_default())
}

/// Whether a `SecretProviderClass` fills only this Secret, and mounts nothing else.
pub(super) fn is_class_of(class: &Value, secret: &str) -> bool {
    let mut filled = items(class, &["spec", "secretObjects"]).peekable();
    let keys: usize = items(class, &["spec", "secretObjects"]).map(|object| items(object, &["data"]).count()).sum();
    let objects = text(class, &["spec", "parameters", "objects"]).unwrap_or_default();
    filled.peek().is_some()
        && filled.all(|object| text(object, &["secretName"]) == Some(secret))
        && objects.matches("objectName").count() <= keys
}

/// The keys that a Secret has, as far as an object says it that is the Secret or fills it. Of several objects the greatest
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keys {
    Unknown,
    /// No more than one.
    One,
    /// All keys of a secret in another store, which are not known.
    All,
    Several,
}

pub(super) fn keys_of(object: &Value) -> Keys {
    let count = |path: &[&str]| match at(object, path) {
        Some(Value::Array(items)) => Some(items.len()),
        Some(Value::Object(members)) => Some(members.len()),
        _ => None,
    };
    let sum = |paths: [&[&str]; 2]| Some(paths.iter().filter_map(|path| count(path)).sum());
    let count = match text(object, &["kind"]).unwrap_or_default() {
        "Secret" => sum([&["data"], &["stringData"]]),
        "ExternalSecret" if count(&["spec", "dataFrom"]).is_some() => return Keys::All,
        "ExternalSecret" => count(&["spec", "target", "template", "data"]).or_else(|| count(&["spec", "data"])),
        "SealedSecret" => count(&["spec", "encryptedData"]),
        "VaultStaticSecret" | "VaultDynamicSecret" => return Keys::All,
        CLASS => items(object, &["spec", "secretObjects"]).map(|object| items(object, &["data"]).count()).max(),
        _ => None,
    };
    count.map_or(Keys::Unknown, |count| if count > 1 { Keys::Several } else { Keys::One })
}

/// The Secrets, in the namespace of this object, that it is or fills, and that have other keys beside one, or can have them.
pub fn secrets_with_other_keys(object: &Value) -> Vec<String> {
    let kind = text(object, &["kind"]).unwrap_or_default();
    let name = text(object, &["metadata", "name"]).unwrap_or_default();
    match keys_of(object) {
        Keys::One | Keys::Unknown => Vec::new(),
        Keys::Several | Keys::All if kind == "Secret" => vec![name.to_owned()],
        Keys::Several | Keys::All => filled_secrets(kind, object, name),
    }
}

/// Commands of kubectl that write an object.
const WRITING: [&str; 7] = ["annotate", "apply", "create", "delete", "edit", "patch", "replace"];

/// Whether a job writes Secrets by kubectl: it can renew the key in one.
pub fn works_with_secrets(job: &Value) -> bool {
    let contains = |spec: &Value, word: &str| any_text(spec, &|text| text.to_ascii_lowercase().contains(word));
    let is_writing = |text: &str| text.split_whitespace().any(|word| WRITING.contains(&word));
    at(job, &["spec"])
        .is_some_and(|spec| contains(spec, "kubectl") && contains(spec, "secret") && any_text(spec, &is_writing))
}

/// The words of a job that works with Secrets by kubectl: it renews a key whose Secret it names.
fn renewed_secrets(job: &Value) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(spec) = at(job, &["spec"]).filter(|_| works_with_secrets(job)) {
        all_texts(spec, &mut texts);
    }
    let is_separator = |letter: char| !letter.is_ascii_alphanumeric() && letter != '-' && letter != '.';
    let words = texts.iter().flat_map(|text| text.split(is_separator)).filter(|word| !word.is_empty());
    words.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

/// The names of the Secrets and of the `SecretProviderClass`es that an object takes: below any key with `secret` in its name,
/// whatever the kind, and in each reference of `kind: Secret`. Other applications and their controllers have keys of their
/// own, such as `tls[].secretName`, `existingSecret` and Flux's `valuesFrom`.
pub fn taken_secrets(object: &Value) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    add_taken_secrets(object, &mut names);
    names
}

fn add_taken_secrets<'v>(value: &'v Value, names: &mut BTreeSet<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| add_taken_secrets(item, names)),
        Value::Object(members) => {
            // an object itself has an apiVersion
            if text(value, &["kind"]) == Some("Secret") && value.get("apiVersion").is_none() {
                names.extend(text(value, &["name"]));
            }
            for (key, member) in members {
                // a kustomization makes the Secrets of its generators
                if key != "secretGenerator" && key.to_ascii_lowercase().contains("secret") {
                    add_names(member, names);
                }
                add_taken_secrets(member, names);
            }
        }
        _ => {}
    }
}

/// Adds the value of a reference, or the text in its field `name`.
fn add_names<'v>(reference: &'v Value, names: &mut BTreeSet<&'v str>) {
    match reference {
        // NAMESPACE/NAME in annotations
        Value::String(text) => _ = names.insert(text.rsplit('/').next().unwrap_or(text)),
        Value::Array(items) => items.iter().for_each(|item| add_names(item, names)),
        Value::Object(_) => names.extend(text(reference, &["name"])),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_class_that_mounts_more_than_the_key_is_kept() {
        let class = |objects: &str| {
            let secret = json!([{"secretName": "orders-token", "data": [{"objectName": "orders", "key": "value"}]}]);
            json!({"spec": {"secretObjects": secret, "parameters": {"objects": objects}}})
        };
        assert!(is_class_of(&class("array:\n  - |\n    objectName: orders\n"), "orders-token"));
        assert!(!is_class_of(&class("array:\n  - |\n    objectName: orders\n    objectName: tls\n"), "orders-token"));
        assert!(!is_class_of(&class(""), "other"));
        assert!(!is_class_of(&json!({"spec": {}}), "orders-token"));
    }

    #[test]
    fn a_secret_is_taken_below_any_key_with_secret_in_its_name() {
        for taker in [
            json!({"spec": {"tls": [{"secretName": "a"}]}}),
            json!({"spec": {"imagePullSecrets": [{"name": "a"}]}}),
            json!({"secrets": [{"name": "a"}]}),
            json!({"spec": {"existingSecret": "a"}}),
            json!({"spec": {"passwordSecretRef": {"name": "a", "key": "b"}}}),
            json!({"env": [{"valueFrom": {"secretKeyRef": {"name": "a"}}}]}),
            json!({"spec": {"valuesFrom": [{"kind": "Secret", "name": "a", "valuesKey": "b"}]}}),
            json!({"metadata": {"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "shop/a"}}}),
        ] {
            assert!(taken_secrets(&taker).contains("a"), "{taker}");
            assert!(!taken_secrets(&taker).contains("b"), "{taker}");
        }
        assert!(!taken_secrets(&json!({"metadata": {"name": "a"}, "spec": {"configMap": "a"}})).contains("a"));
        assert!(
            !taken_secrets(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}})).contains("a")
        );
    }

    #[test]
    fn a_name_that_kubectl_reads_as_a_flag_is_left_out() {
        let names = ["orders-token", "--all", "a b"].map(|name| ("n".to_owned(), name.to_owned()));
        let none = |_: &SecretName| false;
        let obsolete = find(&InputIndex::of(&[]), &BTreeSet::from(names), &BTreeSet::new(), &none, &none);
        assert_eq!(obsolete.iter().map(|object| object.name.as_str()).collect::<Vec<_>>(), ["orders-token"]);
    }

    #[test]
    fn a_secret_with_other_keys_is_kept() {
        let secret =
            |data: Value| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": data});
        let name = ("n".to_owned(), "a".to_owned());
        for (data, expected) in [(json!({"value": "a"}), false), (json!({"value": "a", "tls.crt": "b"}), true)] {
            let value = secret(data);
            let input = MigrationInput { object: None, value: &value, namespace: "n" };
            let inputs = [input];
            let takers = Takers::of(&inputs, [&value].into_iter());
            assert_eq!(takers.takes(&InputIndex::of(&inputs), &name), expected);
        }
    }

    #[test]
    fn what_fills_a_secret_can_say_its_keys() {
        let external = |spec: Value| json!({"kind": "ExternalSecret", "metadata": {"name": "a"}, "spec": spec});
        for (object, expected) in [
            (external(json!({"data": [{"secretKey": "value"}]})), Keys::One),
            (external(json!({"data": [{"secretKey": "a"}, {"secretKey": "b"}]})), Keys::Several),
            (external(json!({"data": [{"secretKey": "a"}], "dataFrom": [{"extract": {}}]})), Keys::All),
            (json!({"kind": "SealedSecret", "spec": {"encryptedData": {"value": "a"}}}), Keys::One),
            (json!({"kind": "Secret", "data": {"a": "b"}, "stringData": {"c": "d"}}), Keys::Several),
            (json!({"kind": "VaultStaticSecret"}), Keys::All),
            (json!({"kind": "CronJob"}), Keys::Unknown),
        ] {
            assert_eq!(keys_of(&object), expected, "{object}");
        }
        let sealed =
            json!({"kind": "SealedSecret", "metadata": {"name": "a"}, "spec": {"encryptedData": {"b": "c", "d": "e"}}});
        assert_eq!(secrets_with_other_keys(&sealed), ["a"]);
        let all = external(json!({"target": {"name": "t"}, "dataFrom": [{"extract": {}}]}));
        assert_eq!(secrets_with_other_keys(&all), ["t"]);
    }

    #[test]
    fn a_job_that_works_with_the_secret_renews_the_key() {
        let job = |command: &str| json!({"spec": {"jobTemplate": {"command": ["sh", "-c", command]}}});
        let renews = |command: &str, secret: &str| renewed_secrets(&job(command)).iter().any(|word| word == secret);
        assert!(renews("kubectl delete secret orders-token", "orders-token"));
        assert!(!renews("pg_dump --password-file /run/secrets/orders-token", "orders-token"));
        assert!(!renews("kubectl delete secret orders-token-2", "orders-token"));
        assert!(!renews("curl http://orders/status", "orders"));
        assert!(!renews("kubectl get secret orders-token -o yaml > backup.yaml", "orders-token"));
    }
}

//! A value of a gateway's setting, and the JSON pointer at which it has to be fixed.

use super::{Problem, RuleInput};
use crate::gateway::{
    AuthMethod, ConfigMap, Container, EndpointForm, EnvIndex, EnvValue, GatewayContainer, Kind, Setting, Variable,
    WORKLOAD_IDENTITY, is_gateway_name,
};
use jsonptr::PointerBuf;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One value of a setting. A setting can have several; a later one overrides an earlier one.
pub struct SettingValue<'a> {
    location: ValueLocation<'a>,
    /// The setting.
    pub setting: Setting,
    /// The value.
    pub value: Cow<'a, EnvValue<'a>>,
    /// The `ConfigMap` whose value of the same setting this one overrides, if there is one.
    pub overridden: Option<&'a str>,
    /// True if the object itself contains the whole value; see [`Variable::is_written`].
    pub is_written: bool,
    /// The `ConfigMap` in which the value was found under the setting's own name, and its key there, if it is not the object
    /// itself.
    pub found_in: Option<(&'a str, &'a str)>,
    /// Another name in the same `ConfigMap`, or in the same container, that sets the setting, or for the auth key the
    /// auth method, as it should be.
    pub correct: Option<&'a str>,
    /// True if a known part of the value is an auth key; see [`Variable::has_auth_key`].
    has_auth_key: bool,
    /// The method that its known text names; see [`Variable::method`].
    named_method: Option<AuthMethod>,
}

/// The location of a value.
#[derive(Clone, Copy)]
enum ValueLocation<'a> {
    /// A key of a `ConfigMap`, by name.
    ConfigMap { name: &'a str, key: &'a str },
    /// The environment of a container.
    Container { container: &'a Container<'a>, variable: &'a str, index: EnvIndex, config_map: Option<&'a str> },
}

impl RuleInput<'_> {
    /// Every value of the settings that `is_selected` selects, overridden ones included.
    ///
    /// A value in a `ConfigMap` under the setting's own name is found at the `ConfigMap`, not at the workload.
    pub fn values(&self, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        self.collect_values(is_selected, false)
    }

    /// The same, and at a workload also what its `ConfigMap`s hold under the setting's own name, where they are known from
    /// a cluster: they may have been written before the namespace was enforced. Among files such a value is reported
    /// once, at the `ConfigMap`.
    pub fn values_with_found(&self, is_selected: impl Fn(Setting) -> bool) -> Vec<SettingValue<'_>> {
        self.collect_values(is_selected, !self.related.coverage.is_given())
    }

    fn collect_values(&self, is_selected: impl Fn(Setting) -> bool, with_found: bool) -> Vec<SettingValue<'_>> {
        let mut values: Vec<SettingValue<'_>> = Vec::new();
        for container in self.authenticating_containers() {
            values.extend(in_container(container, with_found, &is_selected));
        }
        let Some(config_map) = self.config_map() else { return values };
        let selected = config_map.settings().filter(|(setting, ..)| is_selected(*setting));
        let correct = correct_keys(config_map, &is_selected);
        values.extend(selected.map(|(setting, key, text)| SettingValue {
            correct: correct.get(&decisive(setting)).copied().filter(|correct| *correct != key),
            location: ValueLocation::ConfigMap { name: config_map.name(), key },
            setting,
            value: Cow::Owned(EnvValue::Text(Cow::Borrowed(text))),
            overridden: None,
            is_written: true,
            found_in: None,
            has_auth_key: false,
            named_method: config_map.auth_method(key),
        }));
        values
    }
}

/// The values that a container sets itself, each with the `ConfigMap` that it overrides.
fn in_container<'c>(
    gateway_container: &'c GatewayContainer<'_>,
    with_found: bool,
    is_selected: impl Fn(Setting) -> bool,
) -> Vec<SettingValue<'c>> {
    let (mut values, mut overridden) = (Vec::new(), BTreeMap::new());
    let settings = || gateway_container.environment.settings();
    let is_correct = |variable: &Variable<'_>| variable.method == Some(AuthMethod::WorkloadIdentity);
    let correct = settings().filter(|(setting, variable)| *setting == Setting::Auth && is_correct(variable));
    let correct: BTreeMap<Option<&str>, &str> =
        correct.map(|(_, variable)| (variable.config_map(), variable.name.as_ref())).collect();
    for (setting, variable) in settings().filter(|(setting, _)| is_selected(*setting)) {
        let found_in = variable.config_map_key().filter(|_| variable.is_reported_at_config_map(setting));
        if found_in.is_none() || (with_found && variable.is_found()) {
            values.push(SettingValue {
                correct: match found_in {
                    _ if !setting.is_auth() || is_correct(variable) => None,
                    Some((config_map, _)) => correct.get(&Some(config_map)).copied(),
                    None => correct.values().next().copied(),
                },
                location: ValueLocation::of(gateway_container, variable),
                setting,
                value: Cow::Borrowed(&variable.value),
                overridden: overridden.get(&setting).copied(),
                is_written: variable.is_written || found_in.is_some(),
                found_in,
                has_auth_key: variable.has_auth_key,
                named_method: variable.method,
            });
        }
        overridden.extend(variable.config_map_with_setting().map(|name| (setting, name)));
    }
    values
}

/// The setting that decides what a setting is for: a gateway with the auth method `workloadIdentity` needs no auth key.
fn decisive(setting: Setting) -> Setting {
    if setting == Setting::AuthKey { Setting::Auth } else { setting }
}

/// The first key of a `ConfigMap` with a correct value, by setting.
fn correct_keys(config_map: &ConfigMap, is_selected: impl Fn(Setting) -> bool) -> BTreeMap<Setting, &str> {
    let is_correct = |(setting, key, text): &(Setting, &str, &str)| match setting {
        Setting::Auth => config_map.auth_method(key) == Some(AuthMethod::WorkloadIdentity),
        Setting::Endpoint => EndpointForm::of(text) == EndpointForm::Usable,
        Setting::GatewayName => is_gateway_name(text),
        _ => false,
    };
    let selected = config_map.settings().filter(|(setting, ..)| is_selected(*setting));
    let mut correct = BTreeMap::new();
    for (setting, key, _) in selected.filter(is_correct) {
        correct.entry(setting).or_insert(key);
    }
    correct
}

impl<'a> RuleInput<'a> {
    /// The key under which `setting` has to be added, if the object is a gateway's main `ConfigMap` and lacks it.
    ///
    /// `None` if a value is set, or if every gateway of this `ConfigMap` gets the setting from another source. A value
    /// for which `is_missing` returns true does not count as set; its key is returned, however it is spelled.
    pub fn missing_setting_key(&self, setting: Setting, is_missing: impl Fn(&str) -> bool) -> Option<&'a str> {
        let config_map = self.config_map().filter(|config_map| self.is_main_config_map(config_map))?;
        let mut texts = config_map.values_of(setting).peekable();
        let key = texts.peek().map_or(setting.name(), |(key, _)| key);
        let is_set = texts.any(|(_, text)| !is_missing(text));
        (!is_set && !self.related.is_supplied_elsewhere(setting, config_map.name())).then_some(key)
    }
}

impl<'a> ValueLocation<'a> {
    fn of(gateway_container: &'a GatewayContainer<'_>, variable: &'a Variable<'_>) -> Self {
        let config_map = match variable.index {
            EnvIndex::Env(_) => None,
            EnvIndex::EnvFrom(_) => variable.config_map(),
        };
        let (container, index) = (&gateway_container.container, variable.index);
        Self::Container { container, variable: &variable.name, index, config_map }
    }
}

impl SettingValue<'_> {
    /// JSON pointer to the value.
    pub fn at(&self) -> PointerBuf {
        match self.location {
            ValueLocation::ConfigMap { key, .. } => PointerBuf::from_tokens(["data", key]),
            ValueLocation::Container { container, index, .. } => container.entry_pointer(index),
        }
    }

    /// The setting's name and its location, for a message: `config.service.auth in ConfigMap "orders-env"`, or
    /// `env config.service.auth of container "orders"`.
    pub fn named(&self) -> String {
        match self.location {
            ValueLocation::ConfigMap { name, key } => format!("{key} in ConfigMap \"{name}\""),
            ValueLocation::Container { container, variable, config_map: None, .. } => {
                format!("env {variable} of container \"{}\"", container.name)
            }
            ValueLocation::Container { container, variable, config_map: Some(name), .. } => {
                let container = container.name;
                format!("{variable}, which envFrom of container \"{container}\" takes from ConfigMap \"{name}\",")
            }
        }
    }

    /// The pointer to the text itself, of a value that the object contains.
    pub fn text_pointer(&self) -> PointerBuf {
        match self.location {
            ValueLocation::ConfigMap { .. } => self.at(),
            ValueLocation::Container { .. } => self.at().with_trailing_token("value"),
        }
    }

    /// The end of a message about a value that overrides a `ConfigMap`, such as `; it overrides ConfigMap "orders-env"`.
    pub fn overrides(&self) -> String {
        self.overridden.map(|name| format!("; it overrides ConfigMap \"{name}\"")).unwrap_or_default()
    }

    /// What to do about an auth setting that is not `workloadIdentity`, for a message: `Set config.service.auth in
    /// ConfigMap "orders-env" to workloadIdentity`, and then `last`, if there is such a step.
    pub fn replacement(&self, last: Option<&str>) -> String {
        let (entry, auth) = (self.named(), Setting::Auth.name());
        let mut steps = match self.location {
            _ if self.correct.is_some() => vec![format!("Remove {entry}")],
            ValueLocation::ConfigMap { .. } if self.setting == Setting::Auth => {
                vec![format!("Set {entry} to {WORKLOAD_IDENTITY}")]
            }
            // The ConfigMap already has the setting. A wrong value there is a finding of its own.
            _ if self.setting == Setting::Auth && self.overridden.is_some() => vec![format!("Remove {entry}")],
            _ => vec![
                format!("Remove {entry}"),
                format!("set {auth}: {WORKLOAD_IDENTITY} in {}", self.target_config_map()),
            ],
        };
        steps.extend(last.map(str::to_owned));
        match steps.split_last() {
            Some((last, [])) => last.clone(),
            // a name can end with a comma
            Some((last, before)) => format!("{} and {last}", before.join(", ").replace(",,", ",")),
            None => String::new(),
        }
    }

    /// The `ConfigMap` in which to set the setting instead, for a message: the only one that the container takes by
    /// `envFrom`.
    pub fn target_config_map(&self) -> String {
        let ValueLocation::Container { container, .. } = self.location else { return "the same ConfigMap".to_owned() };
        let mut names = container.env_from.iter().filter_map(|source| source.config_map_ref.as_ref());
        match (names.next(), names.next()) {
            (Some(only), None) => format!("ConfigMap \"{}\"", only.name),
            _ => "the gateway's ConfigMap".to_owned(),
        }
    }

    /// A problem of the value; if it was found in a `ConfigMap`, the message names it instead of `message`.
    pub fn problem(self, message: String, found: &str) -> Problem {
        match self.found_in {
            None => Problem::new(self.at(), message),
            Some((name, key)) => {
                let auth = Setting::Auth.name();
                let message = match self.correct {
                    Some(_) => format!("Remove {key} from ConfigMap \"{name}\" first: {found}"),
                    None if self.setting == Setting::AuthKey => format!(
                        "Remove {key} from ConfigMap \"{name}\" and set {auth}: {WORKLOAD_IDENTITY} there first: {found}"
                    ),
                    None => format!("Set {key} to {WORKLOAD_IDENTITY} in ConfigMap \"{name}\" first: {found}"),
                };
                Problem::new(self.at(), message).found_in(Kind::ConfigMap, name)
            }
        }
    }

    /// The other key of the same `ConfigMap` under which it sets the setting correctly, if this object is that
    /// `ConfigMap`.
    pub fn correct_key(&self) -> Option<&str> {
        self.correct.filter(|_| matches!(self.location, ValueLocation::ConfigMap { .. }))
    }

    /// What to do about a value that should be `target`, for a message: `Set gateway.name in ConfigMap "orders-env" to
    /// ...`, or to remove it if the `ConfigMap` sets the setting correctly under another name.
    pub fn correction(&self, target: &str) -> String {
        match self.correct_key() {
            Some(correct) => format!("Remove {}, which has {correct}, too", self.named()),
            None => format!("Set {} to {target}", self.named()),
        }
    }

    /// The text of the value, if it is known.
    pub fn text(&self) -> Option<&str> {
        match self.value.as_ref() {
            EnvValue::Text(text) => Some(text),
            EnvValue::Secret(_) | EnvValue::Unknown(_) => None,
        }
    }

    /// The method that a value of [`Setting::Auth`] or [`Setting::AuthKey`] names. `None` if the value is not written in
    /// the object itself, unless a part of it is known to be an auth key.
    pub fn method(&self) -> Option<AuthMethod> {
        let method = self.named_method?;
        match method {
            _ if self.has_auth_key => Some(AuthMethod::Key),
            // only an auth key can be recognized by its beginning alone, and whatever its source is
            AuthMethod::Key => Some(method),
            _ => Some(method).filter(|_| !self.is_indirect()),
        }
    }

    /// Whether the value is not written where it is read: a reference to another source, or text with such a reference.
    pub fn is_indirect(&self) -> bool {
        match self.value.as_ref() {
            EnvValue::Text(_) => !self.is_written,
            EnvValue::Unknown(_) => true,
            EnvValue::Secret(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::gateway::{Change, Coverage, KubernetesObject, RelatedObjects};
    use crate::policy::{Context, Date, Mode, Policy, Requester};
    use serde_json::{Value, json};

    const KEY: &str = "GatewayKey a";

    fn config_map(name: &str, key: &str, text: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {key: text}})
    }

    /// A gateway's Pod with these elements of `env`, which takes these `ConfigMap`s.
    fn pod(env: &Value, config_maps: &[(&str, &str)]) -> Value {
        let sources =
            config_maps.iter().map(|(prefix, name)| json!({"prefix": prefix, "configMapRef": {"name": name}}));
        let sources: Value = sources.collect();
        let image = "azure-api-management/gateway:2.11.1";
        let container = json!({"name": "orders", "image": image, "env": env, "envFrom": sources});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "orders"}, "spec": {"containers": [container]}})
    }

    fn env(name: &str, value: &str) -> Value {
        json!([{"name": name, "value": value}])
    }

    /// The messages of `rule` about the last of the objects, which are in files or, with `Coverage::Complete`, in a cluster.
    fn messages(rule: &str, objects: &[Value], coverage: Coverage) -> Vec<String> {
        let read = |object: &Value| KubernetesObject::recognize(object.to_string(), "default").unwrap().unwrap();
        let objects: Vec<_> = objects.iter().map(read).collect();
        let policy = Policy::default();
        let mut related = RelatedObjects::of(&objects, &policy.images);
        related.coverage = coverage;
        let context = Context {
            mode: Mode::Enforce,
            expectations: policy.expectations("default", &related.namespace_annotations),
            related: &related,
            change: &|| Change::Everything,
            requester: Requester::User,
            is_fixable: true,
            is_dry_run: false,
            today: Date::constant(2026, 1, 1),
        };
        let findings = policy.evaluate(objects.last().unwrap(), &context).into_iter();
        findings.filter(|finding| finding.rule.id == rule).map(|finding| finding.problem.message).collect()
    }

    #[test]
    fn a_message_says_where_to_set_the_auth_method() {
        let auth = "config.service.auth";
        let of_env = |env: &Value, config_maps: &[(&str, &str)]| vec![pod(env, config_maps)];
        let overridden = config_map("orders-env", auth, "workloadIdentity");
        for (objects, start) in [
            (
                vec![config_map("orders-env", auth, KEY)],
                "Set config.service.auth in ConfigMap \"orders-env\" to workloadIdentity and",
            ),
            (
                vec![config_map("orders-env", "config.service.auth.key", "a")],
                "Remove config.service.auth.key in ConfigMap \"orders-env\", set config.service.auth: workloadIdentity in \
                 the same ConfigMap and",
            ),
            (
                of_env(&env(auth, KEY), &[]),
                "Remove env config.service.auth of container \"orders\", set config.service.auth: workloadIdentity in the \
                 gateway's ConfigMap and",
            ),
            (
                of_env(&env("config.service.auth.key", KEY), &[("", "orders-env")]),
                "Remove env config.service.auth.key of container \"orders\", set config.service.auth: workloadIdentity in \
                 ConfigMap \"orders-env\" and",
            ),
            (
                of_env(&env("CONFIG__SERVICE__AUTH", KEY), &[("", "orders-env")]),
                "Remove env CONFIG__SERVICE__AUTH of container \"orders\", set config.service.auth: workloadIdentity in \
                 ConfigMap \"orders-env\" and",
            ),
            (
                of_env(&env(auth, KEY), &[("", "orders-env"), ("", "other")]),
                "Remove env config.service.auth of container \"orders\", set config.service.auth: workloadIdentity in the \
                 gateway's ConfigMap and",
            ),
            (
                vec![overridden.clone(), pod(&env(auth, KEY), &[("", "orders-env")])],
                "Remove env config.service.auth of container \"orders\" and",
            ),
            (
                vec![overridden, pod(&env("config.service.auth.key", KEY), &[("", "orders-env")])],
                "Remove env config.service.auth.key of container \"orders\" and",
            ),
        ] {
            let messages = messages("auth-key-literal", &objects, Coverage::Given);
            assert_eq!(messages.len(), 1, "{messages:?}");
            let end = "revoke the key: it is an auth key in plain text";
            assert!(messages[0].starts_with(&format!("{start} {end}")), "{}", messages[0]);
            let overrides = "; it overrides ConfigMap \"orders-env\"";
            let is_overriding = start == "Remove env config.service.auth of container \"orders\" and";
            assert_eq!(messages[0].ends_with(overrides), is_overriding, "{}", messages[0]);
        }
    }

    #[test]
    fn a_setting_that_a_prefix_makes_is_named_with_its_source() {
        let hidden = config_map("orders-env", "auth", KEY);
        let objects = [hidden, pod(&json!([]), &[("config.service.", "orders-env")])];
        let message = "Remove config.service.auth, which envFrom of container \"orders\" takes from ConfigMap \"orders-env\", \
                       set config.service.auth: workloadIdentity in ConfigMap \"orders-env\" and revoke the key: it is an \
                       auth key in plain text";
        assert_eq!(messages("auth-key-literal", &objects, Coverage::Given), [message]);
    }

    #[test]
    fn a_value_of_a_config_map_counts_at_the_workload_only_in_a_cluster() {
        let of = |value: &str, rule: &str, coverage: Coverage| {
            let objects =
                [config_map("orders-env", "config.service.auth", value), pod(&json!([]), &[("", "orders-env")])];
            messages(rule, &objects, coverage)
        };
        for (value, rule, found) in [
            (KEY, "auth-key-literal", "it holds an auth key in plain text, which is to be revoked"),
            ("vault:secret/orders#token", "auth-key-reference", "it takes an auth key from a secret store"),
            ("${TOKEN}", "auth-key-reference", "its value is a placeholder that nothing replaced"),
            ("key", "other-auth-method", "it names another method"),
            ("azureAdApp", "entra-app-auth-method", "it selects an Entra app with a client secret or a certificate"),
        ] {
            let message =
                format!("Set config.service.auth to workloadIdentity in ConfigMap \"orders-env\" first: {found}");
            for coverage in [Coverage::Complete, Coverage::Partial] {
                assert_eq!(of(value, rule, coverage), [message.as_str()], "{value}");
            }
            assert!(of(value, rule, Coverage::Given).is_empty(), "{value}");
        }
        assert!(of("workloadIdentity", "other-auth-method", Coverage::Complete).is_empty());
        let long = format!("vault:secret/{}", "a".repeat(2000));
        assert_eq!(of(&long, "auth-key-literal", Coverage::Complete).len(), 1);
    }

    #[test]
    fn a_message_at_the_workload_names_the_key_of_the_config_map_as_it_is_written() {
        let of = |rule: &str, data: &Value| {
            let mut map = config_map("orders-env", "log", "info");
            map["data"] = data.clone();
            messages(rule, &[map, pod(&json!([]), &[("", "orders-env")])], Coverage::Complete).concat()
        };
        let (auth, other, key) = ("config.service.auth", "CONFIG__SERVICE__AUTH", "config.service.auth.key");
        for (rule, data, start) in [
            ("other-auth-method", json!({other: "a"}), "Set CONFIG__SERVICE__AUTH to workloadIdentity in ConfigMap"),
            (
                "other-auth-method",
                json!({other: "a", auth: "workloadIdentity"}),
                "Remove CONFIG__SERVICE__AUTH from ConfigMap",
            ),
            (
                "auth-key-literal",
                json!({key: "a", auth: "workloadIdentity"}),
                "Remove config.service.auth.key from ConfigMap",
            ),
        ] {
            let message = of(rule, &data);
            assert!(message.starts_with(&format!("{start} \"orders-env\" first: ")), "{message}");
        }
        let lone = of("auth-key-literal", &json!({key: "a"}));
        let start = "Remove config.service.auth.key from ConfigMap \"orders-env\" and set config.service.auth: \
                     workloadIdentity there first: ";
        assert!(lone.starts_with(start), "{lone}");
    }

    #[test]
    fn another_method_is_named_by_its_odd_letter_only() {
        let of = |value: &str| {
            let messages =
                messages("other-auth-method", &[pod(&env("config.service.auth", value), &[])], Coverage::Given);
            messages.concat()
        };
        assert!(of("w\u{43e}rkloadIdentity").ends_with("nor a secret; it has U+043E (not ASCII) at character 2"));
        assert!(of("my key").ends_with("nor a secret"));
    }

    #[test]
    fn a_key_behind_an_unknown_piece_is_a_key_in_plain_text() {
        let unknown = json!({"name": "U", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}});
        let key = json!({"name": "config.service.auth", "value": "$(U)GatewayKey a"});
        let objects = [pod(&json!([unknown, key]), &[])];
        assert_eq!(messages("auth-key-literal", &objects, Coverage::Given).len(), 1);
        assert!(messages("indirect-auth-method", &objects, Coverage::Given).is_empty());
    }

    #[test]
    fn a_setting_of_a_config_map_that_is_not_there_is_no_finding_yet() {
        let auth = "config.service.auth";
        let absent = json!([{"name": auth, "valueFrom": {"configMapKeyRef": {"name": "absent", "key": auth}}}]);
        let objects = [config_map("orders-env", auth, "workloadIdentity"), pod(&absent, &[("", "orders-env")])];
        for rule in ["other-auth-method", "indirect-auth-method", "auth-key-reference", "auth-key-literal"] {
            assert!(messages(rule, &objects, Coverage::Complete).is_empty(), "{rule}");
        }
    }

    #[test]
    fn an_empty_value_is_a_decision_only_over_a_config_map() {
        let (auth, rule) = ("config.service.auth", "other-auth-method");
        let pod = pod(&env(auth, ""), &[("", "orders-env")]);
        let found = config_map("orders-env", auth, "workloadIdentity");
        let over = messages(rule, &[found, pod.clone()], Coverage::Given);
        let message = "Remove env config.service.auth of container \"orders\", or set it to workloadIdentity: it is empty; \
                       it overrides ConfigMap \"orders-env\"";
        assert_eq!(over, [message]);
        assert!(messages(rule, &[pod], Coverage::Given).is_empty());
        assert!(messages(rule, &[config_map("orders-env", auth, "")], Coverage::Given).is_empty());
    }

    #[test]
    fn a_value_from_elsewhere_is_indirect_unless_it_is_known_to_be_a_key() {
        let from = |source: Value| json!([{"name": "config.service.auth", "valueFrom": source}]);
        let rule = "indirect-auth-method";
        let of = |rule: &str, env: &Value, others: &[Value]| {
            messages(rule, &[others, &[pod(env, &[])]].concat(), Coverage::Given)
        };
        let message = "Remove env config.service.auth of container \"orders\" and write config.service.auth: \
                       workloadIdentity into the gateway's ConfigMap under its own name: the value comes from a source \
                       that can change to a key";
        let innocent = from(json!({"configMapKeyRef": {"name": "orders-env", "key": "method"}}));
        assert_eq!(of(rule, &innocent, &[]), [message]);
        assert_eq!(of(rule, &innocent, &[config_map("orders-env", "method", "workloadIdentity")]), [message]);
        assert!(of(rule, &innocent, &[config_map("orders-env", "method", KEY)]).is_empty());
        assert_eq!(of("auth-key-literal", &innocent, &[config_map("orders-env", "method", KEY)]).len(), 1);
        assert_eq!(of(rule, &from(json!({"fieldRef": {"fieldPath": "spec.nodeName"}})), &[]), [message]);
        assert_eq!(of(rule, &env("config.service.auth", "$(METHOD)"), &[]).len(), 0);
        assert!(of(rule, &from(json!({"secretKeyRef": {"name": "a", "key": "b"}})), &[]).is_empty());
        assert!(of(rule, &env("config.service.auth", "workloadIdentity"), &[]).is_empty());
        let under_its_name = from(json!({"configMapKeyRef": {"name": "orders-env", "key": "config.service.auth"}}));
        let found = config_map("orders-env", "config.service.auth", "workloadIdentity");
        assert!(of(rule, &under_its_name, &[found]).is_empty());
    }

    #[test]
    fn a_prefix_that_makes_the_auth_setting_of_any_key_is_reported_once() {
        let rule = "indirect-auth-method";
        let prefixed = [config_map("orders-env", "auth", "a"), pod(&json!([]), &[("config.service.", "orders-env")])];
        let messages_of_prefix = messages(rule, &prefixed, Coverage::Given);
        assert_eq!(messages_of_prefix.len(), 1, "{messages_of_prefix:?}");
        assert!(messages_of_prefix[0].starts_with("Remove the prefix of ConfigMap \"orders-env\" from envFrom"));
        let prefixed_key =
            [config_map("orders-env", "auth", KEY), pod(&json!([]), &[("config.service.", "orders-env")])];
        assert!(messages(rule, &prefixed_key, Coverage::Given).is_empty());
    }

    #[test]
    fn a_config_map_with_too_many_settings_is_too_large_and_so_is_its_gateway() {
        let mut large = config_map("orders-env", "config.service.auth", "workloadIdentity");
        for index in 0..64 {
            let letters = "gateway.name".chars().enumerate();
            let key: String =
                letters.map(|(at, one)| if index >> at & 1 == 1 { one.to_ascii_uppercase() } else { one }).collect();
            large["data"][key] = json!("orders");
        }
        let rule = "too-large-to-evaluate";
        let why = "it has more than 64 gateway settings in a ConfigMap, in all spellings, so nobody knows whether it uses an \
                   auth key";
        let itself = messages(rule, &[large.clone()], Coverage::Given);
        assert_eq!(itself, [format!("Remove settings from ConfigMap \"orders-env\": {why}")]);
        let sources = [("", "small"), ("", "orders-env")];
        let objects = [config_map("small", "gateway.name", "a"), large, pod(&json!([]), &sources)];
        let at_workload = messages(rule, &objects, Coverage::Given);
        assert_eq!(at_workload, [format!("Remove settings from ConfigMap \"orders-env\" first: {why}")]);
    }
}

//! What selects a key for Microsoft's chart in an object or a text that no other module reads, such as the values of another
//! tool's resource or a command in a Job.

use super::patch_finder::{has_other_method, is_other_type};
use super::secret_takers::lines_of_commands;
use apim_keyless_core::gateway::{Setting, WORKLOAD_IDENTITY};
use jsonptr::PointerBuf;
use serde_json::{Map, Value};

/// The name of the chart's value with the key, as flags and lists of values write it.
const KEY_VALUE: &str = "gateway.auth.key";
/// What values of a gateway's chart mention, beside the key.
const MENTIONS: [&str; 3] = ["azure-api-management", "azure-api.net", "GatewayKey "];
/// The most members of `gateway` and of `auth` that are looked at.
const MAX_MEMBERS: usize = 40;
const MAX_AUTH_MEMBERS: usize = 6;
/// Deepest text in a text that is read.
const MAX_DEPTH: usize = 4;

/// The first place in a value that selects a key.
pub fn unread_method(value: &Value) -> Option<PointerBuf> {
    let text = value.to_string();
    // a HelmChartConfig has a part of the values of the HelmChart of its name
    let is_part = value.get("kind").is_some_and(|kind| kind == "HelmChartConfig");
    let is_about = is_part || MENTIONS.iter().any(|mention| text.contains(mention));
    let mut at = PointerBuf::root();
    is_in(value, is_about, 0, &mut at).then_some(at)
}

/// The places of settings of another method of authentication in values: `config.service.auth` and what belongs to it, as a
/// member or as the name of a variable. Microsoft's chart has no such values, and those of other charts are not changed.
pub fn other_settings(value: &Value) -> Vec<PointerBuf> {
    let mut found = Vec::new();
    add_other_settings(value, &mut PointerBuf::root(), &mut found);
    found
}

fn add_other_settings(value: &Value, at: &mut PointerBuf, found: &mut Vec<PointerBuf>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                at.push_back(index.to_string());
                add_other_settings(item, at, found);
                at.pop_back();
            }
        }
        Value::Object(members) => {
            let named = members.get("name").and_then(Value::as_str);
            if named.is_some_and(|name| is_other_setting(name, members.get("value"))) {
                return found.push(at.clone());
            }
            for (key, member) in members {
                at.push_back(key);
                if is_other_setting(key, Some(member)) {
                    found.push(at.clone());
                } else {
                    add_other_settings(member, at, found);
                }
                at.pop_back();
            }
        }
        // values of a chart in a text
        Value::String(text) if text.contains(Setting::Auth.name()) => {
            let inner = apim_keyless_manifest::value(text).filter(|inner| !inner.is_string());
            if inner.is_some_and(|inner| !other_settings(&inner).is_empty()) {
                found.push(at.clone());
            }
        }
        _ => {}
    }
}

fn is_other_setting(name: &str, value: Option<&Value>) -> bool {
    let is_method = Setting::of(name).is_some_and(Setting::is_auth);
    is_method && value.is_none_or(|value| !value.is_null() && value != WORKLOAD_IDENTITY)
}

/// Whether a value selects a key; `at` is its place then.
fn is_in(value: &Value, is_about: bool, depth: usize, at: &mut PointerBuf) -> bool {
    match value {
        Value::String(text) => is_in_text(text, is_about, depth),
        Value::Array(items) => {
            items.iter().enumerate().any(|(index, item)| is_below(&index.to_string(), item, is_about, depth, at))
        }
        Value::Object(members) => {
            is_of_values(members, is_about)
                || members
                    .iter()
                    .any(|(key, member)| key.contains(KEY_VALUE) || is_below(key, member, is_about, depth, at))
        }
        _ => false,
    }
}

fn is_below(key: &str, value: &Value, is_about: bool, depth: usize, at: &mut PointerBuf) -> bool {
    at.push_back(key);
    let is_found = is_in(value, is_about, depth, at);
    if !is_found {
        at.pop_back();
    }
    is_found
}

/// Whether these are values of the chart that select another method.
fn is_of_values(members: &Map<String, Value>, is_about: bool) -> bool {
    let gateway = members.get("gateway").filter(|gateway| has_other_method(gateway));
    gateway.is_some_and(|gateway| is_about || gateway.get("configuration").is_some())
}

fn is_in_text(text: &str, is_about: bool, depth: usize) -> bool {
    if sets_key(text) {
        return true;
    }
    let is_yaml = depth < MAX_DEPTH && text.contains("gateway") && text.contains(['\n', '{']);
    let inner = if is_yaml { apim_keyless_manifest::value(text).filter(|inner| !inner.is_string()) } else { None };
    inner.is_some_and(|inner| is_in(&inner, is_about, depth + 1, &mut PointerBuf::root()))
}

/// The first lines, from 1, of the commands of a script or of Terraform that set the key of the chart, with the commands.
/// Comments and messages are left out.
pub fn lines_with_key(text: &str) -> Vec<(usize, String)> {
    let is_command = |line: &str| {
        let line = line.trim_start().trim_start_matches(['@', '-', ' ']);
        !["echo ", "printf ", "Write-", "//"].iter().any(|start| line.starts_with(start))
    };
    let lines = lines_of_commands(text).into_iter();
    lines.filter(|(_, line)| sets_key(line) && is_command(line)).collect()
}

/// The first line, from 1, of a configuration of Terraform in which values of the chart select a key.
pub fn line_with_values(text: &str) -> Option<usize> {
    if !MENTIONS.iter().any(|mention| text.contains(mention)) {
        return None;
    }
    // the members in the order of the text, in the forms of HCL and YAML
    let mut members = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        for part in code.split(['{', ',', '}']) {
            let Some((key, value)) = part.split_once(['=', ':']) else { continue };
            members.push((key.trim().trim_matches('"'), value.trim().trim_matches('"'), index + 1));
        }
    }
    let gateways = members.iter().enumerate().filter(|(_, (key, ..))| *key == "gateway");
    let of_gateway = |at: usize| {
        let own = members.get(at + 1..).unwrap_or_default().iter().take(MAX_MEMBERS);
        let mut own = own.take_while(|(key, ..)| *key != "gateway").skip_while(|(key, ..)| *key != "auth");
        let auth = own.next()?.2;
        let mut method = own.take(MAX_AUTH_MEMBERS);
        let is_key = |(key, value, _): &(&str, &str, usize)| {
            (*key == "key" && *value != "null") || (*key == "type" && is_other_type(value))
        };
        method.any(is_key).then_some(auth)
    };
    gateways.into_iter().find_map(|(at, _)| of_gateway(at))
}

fn sets_key(text: &str) -> bool {
    text.contains(KEY_VALUE) || text.contains("gateway\\.auth\\.key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_in_values_of_other_charts_are_found() {
        let variable = |name: &str, value: Value| json!({"name": name, "value": value});
        let reference =
            json!({"name": "config.service.auth", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}});
        for (value, expected) in [
            (json!({"env": [variable("config.service.auth", json!("a"))]}), vec!["/env/0"]),
            (json!({"env": [reference]}), vec!["/env/0"]),
            (json!({"a": {"config.service.auth": {"valueFrom": {}}}}), vec!["/a/config.service.auth"]),
            (
                json!({"helm": {"values": "env:\n  CONFIG__SERVICE__AUTH: a\n  config.service.auth: b\n"}}),
                vec!["/helm/values"],
            ),
            (json!({"env": [variable("config.service.auth", json!("workloadIdentity"))]}), vec![]),
            (json!({"env": [variable("config.service.endpoint", json!("a"))], "auth": "a"}), vec![]),
        ] {
            let found = other_settings(&value);
            assert_eq!(found.iter().map(|at| at.as_str()).collect::<Vec<_>>(), expected, "{value}");
        }
    }

    #[test]
    fn values_of_other_tools_are_found() {
        let values = json!({"gateway": {"configuration": {"uri": "a"}, "auth": {"key": "${K}"}}});
        let part = json!({"kind": "HelmChartConfig", "spec": {"valuesContent": "gateway: {auth: {key: a}}"}});
        for (value, expected) in [
            (part, "/spec/valuesContent"),
            (json!({"spec": {"values": values}}), "/spec/values"),
            (
                json!({"spec": {"valuesContent": "gateway:\n  auth:\n    key: a\n    # contoso.configuration.azure-api.net\n"}}),
                "/spec/valuesContent",
            ),
            (json!({"args": ["upgrade", "--set", "gateway.auth.key=$(KEY)"]}), "/args/2"),
            (json!({"set": [{"name": "gwa.gateway.auth.key", "value": "a"}]}), "/set/0/name"),
            (json!({"data": {"d.sh": "helm upgrade a b --set gateway.auth.key=$K\n"}}), "/data/d.sh"),
            (
                json!({"values": {"gateway": {"auth": {"type": "GatewayToken"}}}, "chart": "azure-api-management-gateway"}),
                "/values",
            ),
        ] {
            assert_eq!(unread_method(&value).map(|at| at.to_string()).as_deref(), Some(expected), "{value}");
        }
        for value in [
            json!({"gateway": {"auth": {"key": "a"}}, "chart": "kong"}),
            json!({"gateway": {"configuration": {"uri": "a"}, "auth": {"type": "WorkloadIdentity"}}}),
            json!({"kind": "Gateway", "spec": {"gateway": "azure-api-management"}}),
        ] {
            assert_eq!(unread_method(&value), None, "{value}");
        }
    }

    #[test]
    fn lines_that_set_the_key_are_found() {
        let text = "# --set gateway.auth.key=a\necho \"--set gateway.auth.key=\"\nhelm upgrade a b \\\n  --set gateway.auth.key=$K\n";
        let lines: Vec<usize> = lines_with_key(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3]);
    }

    #[test]
    fn values_in_terraform_are_found() {
        let value = "resource \"kubectl_manifest\" \"a\" {\n  yaml_body = yamlencode({ chart = \"azure-api-management-gateway\"\n    values = { gateway = { name = \"a\", auth = { key = var.key } } } })\n}\n";
        assert_eq!(line_with_values(value), Some(3));
        let yaml = "values = [<<EOT\nazure-api-management-gateway:\n  gateway:\n    name: a\n    auth:\n      type: GatewayToken\nEOT\n]\n";
        assert_eq!(line_with_values(yaml), Some(5));
        for other in [
            yaml.replace("GatewayToken", "WorkloadIdentity"),
            value.replace("azure-api", "other"),
            value.replace("gateway =", "gate ="),
        ] {
            assert_eq!(line_with_values(&other), None, "{other}");
        }
    }
}

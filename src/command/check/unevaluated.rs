//! Recognizes what a file holds instead of an object that can be evaluated, and says what to do about it.

use apim_keyless_core::gateway::Kind;
use jsonptr::PointerBuf;
use serde_json::{Map, Value};

/// What is known of a mapping that is not evaluated.
#[derive(Debug, PartialEq)]
pub(super) enum Unevaluated {
    /// An error at this field: cause and fix.
    Error(PointerBuf, String),
    /// It is left out, for this reason.
    Skipped(&'static str),
}

/// Why a mapping is skipped that is not an object at all.
const NO_OBJECT: &str = "without apiVersion and kind";
const CHART: &str = "the metadata of a Helm chart";

/// The kinds that rules evaluate, with the version that API servers serve.
const SERVED: [(&str, &str); 13] = [
    ("ConfigMap", "v1"),
    ("CronJob", "batch/v1"),
    ("DaemonSet", "apps/v1"),
    ("Deployment", "apps/v1"),
    ("Job", "batch/v1"),
    ("Namespace", "v1"),
    ("Pod", "v1"),
    ("PodTemplate", "v1"),
    ("ReplicaSet", "apps/v1"),
    ("ReplicationController", "v1"),
    ("Service", "v1"),
    ("ServiceAccount", "v1"),
    ("StatefulSet", "apps/v1"),
];

/// The name of the gateway's chart.
const GATEWAY_CHART: &str = "azure-api-management-gateway";
/// Keys whose value can be the name or the place of a chart.
const CHART_KEYS: [&str; 5] = ["chart", "name", "repoURL", "url", "path"];
/// Keys under which other tools name the chart that they install.
const INSTALLED_CHART_KEYS: [&str; 4] = ["chart", "chartName", "helmChart", "remoteChart"];
/// Deepest nesting of a chart's values in the values of other charts, and of texts with values.
const MAX_DEPTH: usize = 12;

/// A mapping without `apiVersion` or `kind`. `is_strict` if its file was given by name or is about a gateway.
pub(super) fn of_mapping(mapping: &Value, is_strict: bool) -> Unevaluated {
    let Value::Object(members) = mapping else { return Unevaluated::Skipped(NO_OBJECT) };
    let [api_version, kind] = ["apiVersion", "kind"].map(|key| members.get(key));
    let has_metadata = members.get("metadata").is_some_and(Value::is_object);
    if let Some(message) = chart_message(mapping) {
        return at_root(message);
    }
    if is_values(mapping) {
        return at_root(
            "values of the gateway's Helm chart, not a manifest; render the chart first: \
             `helm template NAME CHART --values FILE | apim-keyless check -`",
        );
    }
    if api_version.is_some() && kind.is_none() && ["name", "version"].iter().all(|key| members.contains_key(*key)) {
        return Unevaluated::Skipped(CHART);
    }
    if is_strict || has_metadata {
        if let Some((key, name)) = misspelled_key(members) {
            let message = format!("write {name}, not {key}: Kubernetes reads field names exactly as they are spelled");
            return Unevaluated::Error(PointerBuf::from_tokens([key]), message);
        }
        match (api_version, kind) {
            (None, None) => {}
            (Some(_), None) => return at_root("without kind; add it, such as `kind: Deployment`"),
            (None, Some(_)) => return at_root("without apiVersion; add it, such as `apiVersion: apps/v1`"),
            (Some(text), Some(_)) => {
                let key = if text.is_string() { "kind" } else { "apiVersion" };
                return Unevaluated::Error(PointerBuf::from_tokens([key]), format!("{key} must be a string"));
            }
        }
    }
    let is_object = has_metadata && ["spec", "data", "stringData"].iter().any(|key| members.contains_key(*key));
    if is_strict && is_object {
        return at_root("without apiVersion and kind; add them, such as `apiVersion: apps/v1` and `kind: Deployment`");
    }
    Unevaluated::Skipped(NO_OBJECT)
}

/// What to do with a file that another tool reads.
const INSTALLER: &str = "a file of a tool that installs the gateway's chart, which is not rendered here; render the chart \
                         first: `helm template NAME CHART --values VALUES | apim-keyless check -`, with the values of this file";

/// What to do with a mapping without `kind` that names the gateway's chart: a helmfile, a chart that depends on it, or a
/// file of another tool.
fn chart_message(mapping: &Value) -> Option<&'static str> {
    let any = |list: &str, key: &str| {
        let entries = mapping.get(list).and_then(Value::as_array);
        entries.into_iter().flatten().any(|entry| names_gateway_chart(entry.get(key)))
    };
    match () {
        () if any("releases", "chart") => Some(
            "a helmfile with the gateway's chart, which is not rendered here; render it first: \
             `helmfile template | apim-keyless check -`",
        ),
        () if any("dependencies", "name") => Some(
            "a chart that depends on the gateway's chart, which is not rendered here; render it first: \
             `helm dependency build DIR`, then `helm template NAME DIR | apim-keyless check -`",
        ),
        () if mapping.get("version").is_some() && names_gateway_chart(mapping.get("name")) => Some(
            "the gateway's chart, which is not rendered here; render it first: \
             `helm template NAME DIR | apim-keyless check -`",
        ),
        () => installs_gateway_chart(mapping, MAX_DEPTH).then_some(INSTALLER),
    }
}

/// Whether a name, an address or a path is that of the gateway's chart.
fn names_gateway_chart(value: Option<&Value>) -> bool {
    let text = value.and_then(Value::as_str).unwrap_or_default().trim_end_matches('/');
    let last = text.rsplit('/').next().unwrap_or_default();
    let name = last.split([':', '@']).next().unwrap_or_default();
    name == GATEWAY_CHART || name.strip_suffix(".tgz").is_some_and(|file| file.starts_with(GATEWAY_CHART))
}

/// Whether something in a document installs the gateway's chart. Labels of a rendered object name its chart, too.
fn installs_gateway_chart(value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Object(members) => members.iter().filter(|(key, _)| *key != "metadata").any(|(key, member)| {
            let is_chart = INSTALLED_CHART_KEYS.contains(&key.as_str());
            is_chart && (names_gateway_chart(Some(member)) || names_gateway_chart(member.get("name")))
                || installs_gateway_chart(member, depth)
        }),
        Value::Array(elements) => elements.iter().any(|element| installs_gateway_chart(element, depth)),
        _ => false,
    }
}

/// What a document with `apiVersion` and `kind` is that is not an object to be stored.
fn other_document(object: &Value) -> Option<&'static str> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    match (group(text("apiVersion")), text("kind")) {
        ("", "Status") if text("status") == "Failure" => {
            Some("an error of the API server, not a manifest; correct the request that gave it")
        }
        ("meta.k8s.io", "Table") => Some("a table of the API server, not objects; get them with `kubectl get -o yaml`"),
        ("admission.k8s.io", "AdmissionReview") => {
            Some("an AdmissionReview, not a manifest; pass it to `apim-keyless review`")
        }
        (_, kind) if kind.eq_ignore_ascii_case("list") => {
            Some("a list without its objects; write kind: List, and the objects as a sequence in items")
        }
        _ => None,
    }
}

/// The error of an object whose `apiVersion` or `kind` no API server serves, or that is not a manifest; `None` without one.
/// Its fields are evaluated all the same, if they can be.
pub(super) fn of_object(object: &Value) -> Option<(PointerBuf, String)> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let at = |key: &str, message: String| Some((PointerBuf::from_tokens([key]), message));
    if let Some(message) = other_document(object) {
        return at("kind", message.to_owned());
    }
    if let Some(message) = release_message(api_version, kind)
        && is_of_gateway_chart(object)
    {
        return Some((PointerBuf::root(), message));
    }
    if !is_built_in(group(api_version)) {
        let is_installer = installs_gateway_chart(object, MAX_DEPTH) && Kind::by_shape(&object.to_string()).is_none();
        return is_installer.then(|| (PointerBuf::root(), INSTALLER.to_owned()));
    }
    let is_kind = |name: &str| {
        kind.eq_ignore_ascii_case(name) || kind.strip_suffix('s').is_some_and(|one| one.eq_ignore_ascii_case(name))
    };
    let (name, served) = SERVED.iter().find(|(name, _)| is_kind(name))?;
    if kind != *name {
        return at("kind", format!("write kind: {name}; Kubernetes reads kinds exactly as they are spelled"));
    }
    if api_version == *served {
        return None;
    }
    let reason = if Kind::of(api_version, kind).is_some() {
        "API servers no longer serve this version, or never did"
    } else {
        "this kind is in another API group"
    };
    at("apiVersion", format!("write apiVersion: {served} for a {name}: {reason}"))
}

/// The error of a kustomization that renders the gateway's chart.
pub(super) fn of_kustomization(value: &Value) -> Option<(PointerBuf, String)> {
    let charts = ["helmCharts", "helmChartInflationGenerator"].iter().filter_map(|key| value.get(key));
    charts.into_iter().any(is_of_gateway_chart).then(|| {
        let message = "a kustomization with the gateway's chart, which is not rendered here; render it first: \
                       `kustomize build --enable-helm DIR | apim-keyless check -`";
        (PointerBuf::root(), message.to_owned())
    })
}

/// What to do with an object that a controller renders a chart from; `None` for another kind.
fn release_message(api_version: &str, kind: &str) -> Option<String> {
    let (what, how) = match (group(api_version), kind) {
        ("helm.toolkit.fluxcd.io" | "helm.fluxcd.io", "HelmRelease") => {
            ("a HelmRelease", "`helm template NAME CHART --values VALUES | apim-keyless check -`, with its spec.values")
        }
        ("argoproj.io", "Application" | "ApplicationSet") => {
            ("an Argo CD Application", "`argocd app manifests NAME | apim-keyless check -`")
        }
        ("helm.cattle.io", "HelmChart" | "HelmChartConfig") => {
            ("a HelmChart", "`helm template NAME CHART --values VALUES | apim-keyless check -`, with its values")
        }
        _ => return None,
    };
    Some(format!("{what} with the gateway's chart, which is not rendered here; render it first: {how}"))
}

fn at_root(message: &str) -> Unevaluated {
    Unevaluated::Error(PointerBuf::root(), message.to_owned())
}

/// A key that is `apiVersion` or `kind` in another spelling, and the right name.
fn misspelled_key(members: &Map<String, Value>) -> Option<(&str, &'static str)> {
    members.keys().find_map(|key| {
        let letters: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = ["apiVersion", "kind"].into_iter().find(|name| letters.eq_ignore_ascii_case(name))?;
        (key != name && !members.contains_key(name)).then_some((key.as_str(), name))
    })
}

fn group(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Returns true for the groups of Kubernetes itself, and for a text that can only be meant as one of them: the group of a
/// custom resource is a domain.
fn is_built_in(group: &str) -> bool {
    const DOMAINS: [&str; 8] = [
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apps.k8s.io",
        "batch.k8s.io",
        "networking.k8s.io",
        "policy.k8s.io",
        "rbac.authorization.k8s.io",
        "storage.k8s.io",
    ];
    !group.contains('.') || DOMAINS.contains(&group)
}

/// Returns true if something refers to the gateway's chart, or has values of it.
fn is_of_gateway_chart(value: &Value) -> bool {
    any(value, MAX_DEPTH, &|value| {
        CHART_KEYS.iter().any(|key| names_gateway_chart(value.get(*key))) || has_gateway_values(value)
    })
}

/// Returns true for values of the gateway's chart, also below the name of a subchart.
fn is_values(value: &Value) -> bool {
    any(value, MAX_DEPTH, &has_gateway_values)
}

/// Returns true for a mapping with `gateway.configuration.uri`, `gateway.auth.key` or one of their siblings in the chart.
fn has_gateway_values(value: &Value) -> bool {
    let Some(gateway) = value.get("gateway") else { return false };
    let has = |member: &str, keys: &[&str]| {
        gateway.get(member).is_some_and(|value| keys.iter().any(|key| value.get(key).is_some()))
    };
    has("configuration", &["uri", "backup"])
        || has("auth", &["key", "token", "azureAd", "workloadIdentity"])
        || ["authKey", "endpoint"].iter().all(|key| gateway.get(key).is_some())
}

/// Returns true if `is` holds for the value or anything in it, also in texts that are YAML.
fn any(value: &Value, depth: usize, is: &dyn Fn(&Value) -> bool) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Object(members) => is(value) || members.values().any(|member| any(member, depth, is)),
        Value::Array(elements) => elements.iter().any(|element| any(element, depth, is)),
        Value::String(text) if text.contains("gateway:") && text.contains('\n') => {
            apim_keyless_manifest::value(text).is_some_and(|value| any(&value, depth, is))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mapping_that_lost_a_field_is_an_error() {
        let metadata = json!({"name": "a"});
        for (mapping, at, words) in [
            (json!({"kind": "Deployment", "metadata": metadata}), "", "without apiVersion"),
            (json!({"apiVersion": "apps/v1", "metadata": metadata}), "", "without kind"),
            (json!({"apiVersion": "apps/v1", "Kind": "Deployment", "metadata": metadata}), "/Kind", "write kind"),
            (
                json!({"api_version": "apps/v1", "kind": "Pod", "metadata": metadata}),
                "/api_version",
                "write apiVersion",
            ),
            (json!({"apiVersion": 1, "kind": "Pod", "metadata": metadata}), "/apiVersion", "must be a string"),
            (json!({"a": {"gateway": {"configuration": {"uri": "a"}}}}), "", "values of the gateway's Helm chart"),
        ] {
            let Unevaluated::Error(pointer, message) = of_mapping(&mapping, false) else { panic!("{mapping}") };
            assert!(pointer.as_str() == at && message.contains(words), "{mapping}: {pointer} {message}");
        }
    }

    #[test]
    fn other_files_of_a_repository_are_skipped() {
        for mapping in [
            json!({"apiVersion": "v2", "name": "orders", "version": "1.0.0"}),
            json!({"apiVersion": 1, "datasources": []}),
            json!({"kind": "pipeline", "type": "docker", "steps": []}),
            json!({"services": {"gateway": {"image": "mcr.microsoft.com/azure-api-management/gateway"}}}),
            json!({"gateway": {"name": "orders", "auth": {"basic": true}}}),
            json!({"name": "orders", "version": "1.0.0", "scripts": {}}),
        ] {
            assert!(matches!(of_mapping(&mapping, false), Unevaluated::Skipped(_)), "{mapping}");
        }
    }

    #[test]
    fn a_wrong_kind_or_group_is_an_error() {
        for (api_version, kind, at) in [
            ("apps/v1", "deployment", "/kind"),
            ("apps/v1", "Deployments", "/kind"),
            ("v1", "configmap", "/kind"),
            ("v1", "Deployment", "/apiVersion"),
            ("extensions/v1beta1", "Deployment", "/apiVersion"),
            ("apps/v1beta2", "Deployment", "/apiVersion"),
            ("apps", "Deployment", "/apiVersion"),
            ("batch/v1beta1", "CronJob", "/apiVersion"),
            ("networking.k8s.io/v1", "Service", "/apiVersion"),
            ("v1", "Status", "/kind"),
        ] {
            let object = json!({"apiVersion": api_version, "kind": kind, "status": "Failure"});
            assert_eq!(of_object(&object).map(|(at, _)| at.to_string()).as_deref(), Some(at), "{api_version} {kind}");
        }
        for (api_version, kind) in [
            ("apps/v1", "Deployment"),
            ("serving.knative.dev/v1", "Service"),
            ("batch.volcano.sh/v1alpha1", "Job"),
            ("apps.openshift.io/v1", "DeploymentConfig"),
            ("networking.k8s.io/v1", "Ingress"),
            ("v1", "Secret"),
        ] {
            assert_eq!(of_object(&json!({"apiVersion": api_version, "kind": kind})), None, "{api_version} {kind}");
        }
    }

    #[test]
    fn releases_of_the_gateways_chart_are_errors() {
        let values = json!({"gateway": {"configuration": {"uri": "a"}}});
        for (object, command) in [
            (
                json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease", "spec": {"values": values}}),
                "helm template",
            ),
            (
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                    "spec": {"source": {"chart": "azure-api-management-gateway"}}}),
                "argocd app manifests",
            ),
            (
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                    "spec": {"sources": [{"helm": {"values": "gateway:\n  auth: {key: a}\n"}}]}}),
                "argocd app manifests",
            ),
            (
                json!({"apiVersion": "helm.cattle.io/v1", "kind": "HelmChart",
                    "spec": {"chart": "azure-apim/azure-api-management-gateway"}}),
                "helm template",
            ),
        ] {
            assert!(of_object(&object).unwrap().1.contains(command), "{object}");
        }
        let other = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "spec": {"source": {"chart": "redis"}}});
        assert_eq!(of_object(&other), None);
    }
}

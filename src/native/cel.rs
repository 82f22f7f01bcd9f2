//! Parts of CEL expressions. Every expression is total: no object makes it fail.

use apim_keyless_core::gateway::{Kind, Setting, well_known};
use apim_keyless_core::policy::{Expectations, NamespaceAnnotations, Policy};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The separators of a setting's name in .NET.
const SEPARATOR: &str = "([.:]|__)";
/// The beginning of the settings' names.
const CONFIG_SERVICE: &str = "config.service.";
/// Longest name of a setting in characters, rounded up. It bounds the cost of the comparisons below.
const NAME: usize = 64;
/// Longest value in which a key is searched.
const VALUE: usize = 512;
/// Longest image.
const IMAGE: usize = 512;

/// A text as a CEL literal. JSON has the same escapes.
pub(super) fn text(text: &str) -> String {
    Value::from(text).to_string()
}

/// The settings that only a gateway has.
const CERTAIN: [Setting; 5] =
    [Setting::Auth, Setting::AuthKey, Setting::Authority, Setting::ClientSecret, Setting::TokenAudience];

/// True if `name` is a spelling of `config.service.auth` or `config.service.auth.key`.
pub(super) fn is_auth(name: &str) -> String {
    is_setting(name, [Setting::Auth, Setting::AuthKey])
}

/// True if `name` is a spelling of a setting that only a gateway has.
pub(super) fn is_certain(name: &str) -> String {
    is_setting(name, CERTAIN)
}

/// True if `name` is a spelling of a setting with which a gateway finds its configuration API or authenticates to it.
pub(super) fn is_config_service(name: &str) -> String {
    is_setting(name, CERTAIN.into_iter().chain([Setting::Endpoint]))
}

fn is_setting(name: &str, settings: impl IntoIterator<Item = Setting>) -> String {
    let end = |setting: Setting| setting.name().trim_start_matches(CONFIG_SERVICE).replace('.', SEPARATOR);
    let ends: Vec<String> = settings.into_iter().map(end).collect();
    let start = CONFIG_SERVICE.replace('.', SEPARATOR);
    let pattern = format!("(?i)^((dotnet|aspnetcore)_)?{start}({})$", ends.join("|"));
    format!("({name}.size() <= {NAME} && {name}.matches('{pattern}'))")
}

/// True if the text `value` is an auth key: it begins as one, or has the parts of one. A text with a mark of a
/// placeholder may stand for another value.
pub(super) fn is_key(value: &str) -> String {
    format!(
        "({value}.size() <= {VALUE} && !{value}.matches('[$#{{[(<%@]|__') && (\n  \
         ['gatewaykey', 'sharedaccesssignature'].exists(start, {value}.trim().lowerAscii().startsWith(start)) ||\n  \
         {value}.trim().matches('^[A-Za-z0-9][A-Za-z0-9 ._-]*&[0-9]{{12}}&[A-Za-z0-9+/]{{30,}}={{0,2}}$')))"
    )
}

/// True if the container `c` has an image of the gateway.
pub(super) fn is_image(policy: &Policy) -> String {
    let image = "c.?image.orValue('')";
    let of_microsoft = format!("{image}.matches('(?i)(^|/)azure-api-management/gateway([:@][^/]*)?$')");
    let additional = repositories(policy).map(|repositories| {
        let end = "(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?";
        format!(" ||\n  {image}.matches('^({repositories}){end}$')")
    });
    format!("({image}.size() <= {IMAGE} && ({of_microsoft}{}))", additional.unwrap_or_default())
}

/// The repositories of the policy document as alternatives of a regular expression, in the form without abbreviations.
pub(super) fn repositories(policy: &Policy) -> Option<String> {
    let repositories = policy.images.repositories.iter().map(ToString::to_string);
    // an IPv6 address has brackets
    let plain: Vec<String> =
        repositories.filter(|name| !name.contains('[')).map(|name| name.replace('.', "[.]")).collect();
    (!plain.is_empty()).then(|| plain.join("|"))
}

/// True for an object of this namespace whose name matches the pattern of an exception.
pub(super) fn is_excepted(namespace: &str, pattern: &str) -> String {
    let pattern = pattern.replace('.', "[.]").replace('*', ".*");
    format!(
        "(request.namespace == {} &&\n  \
         (object.metadata.?name.orValue('') == '' || object.metadata.name.matches({})))",
        text(namespace),
        text(&format!("^{pattern}$"))
    )
}

/// A value that depends on the namespace: that of the document's entry for it, else that of the defaults. Annotations of
/// the Namespace do not count here.
pub(super) fn of_namespace(policy: &Policy, value: impl Fn(&Expectations) -> Value) -> String {
    let of = |namespace: &str| value(&policy.expectations(namespace, &BTreeMap::new()));
    // the name of a namespace is not empty
    let default = of("");
    let differing = policy.namespaces().map(|name| (name.to_owned(), of(name))).filter(|(_, value)| *value != default);
    let entries: Map<String, Value> = differing.collect();
    if entries.is_empty() {
        return default.to_string();
    }
    format!("{}[?request.namespace].orValue({default})", Value::Object(entries))
}

/// True unless an annotation of the Namespace can replace the value of the defaults.
pub(super) fn is_not_annotated(policy: &Policy, name: &str) -> String {
    match policy.namespace_annotations {
        NamespaceAnnotations::Ignore => "true".to_owned(),
        NamespaceAnnotations::Honor => format!("!{}.hasValue()", annotation(name)),
    }
}

/// The annotation of the Namespace as an optional value.
pub(super) fn annotation(name: &str) -> String {
    format!("namespaceObject.?metadata.?annotations[?'{}{name}']", well_known::OUR_PREFIX)
}

/// False for what a workload controller makes for an owner.
pub(super) fn is_not_made_by_controller(policy: &Policy) -> String {
    format!(
        "!(dyn(object).metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false)) &&\n  \
         request.userInfo.username in {})",
        Value::from(controllers(policy))
    )
}

/// False for the mirror Pod of a static Pod, which the kubelet creates.
pub(super) fn is_not_mirror() -> String {
    format!(
        "!('{}' in dyn(object).metadata.?annotations.orValue({{}}) &&\n  \
         request.userInfo.username.startsWith('{}'))",
        well_known::MIRROR,
        well_known::NODE_USER_PREFIX
    )
}

/// The users that create objects for owners.
fn controllers(policy: &Policy) -> Vec<String> {
    const KINDS: [Kind; 7] = [
        Kind::CronJob,
        Kind::DaemonSet,
        Kind::Deployment,
        Kind::Job,
        Kind::ReplicaSet,
        Kind::ReplicationController,
        Kind::StatefulSet,
    ];
    let built_in = KINDS.into_iter().filter_map(Kind::controller_name);
    let accounts = built_in.map(|name| format!("system:serviceaccount:kube-system:{name}"));
    let further = policy.controller_users().map(str::to_owned);
    ["system:kube-controller-manager".to_owned()].into_iter().chain(accounts).chain(further).collect()
}

//! The policy that protects the switches of apim-keyless: the labels and annotations of Namespaces that choose modes and
//! expectations, the webhook configurations and the policy document.

use super::manifest::{AdmissionPolicy, Content, Validation, yaml};
use super::{VALIDATING_VERSION, cel};
use apim_keyless_core::gateway::well_known::OUR_PREFIX;
use serde_json::Value;

/// Who may change what, and the names of the installation.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The name of the policy, without its end.
    pub name: String,
    /// The name of both webhook configurations.
    pub configurations: String,
    /// The `ConfigMap` with the policy document, and its namespace.
    pub config_map: String,
    /// The namespace of the installation.
    pub namespace: String,
    /// The users who may change everything.
    pub users: Vec<String>,
    /// The groups whose members may change everything.
    pub groups: Vec<String>,
    /// The users who may change only the `caBundle`s of the webhook configurations.
    pub ca_bundle_users: Vec<String>,
}

/// The fields of a webhook entry that whoever writes caBundles must not change.
const ENTRY_FIELDS: [&str; 12] = [
    "admissionReviewVersions",
    "failurePolicy",
    "matchConditions",
    "matchPolicy",
    "name",
    "namespaceSelector",
    "objectSelector",
    "reinvocationPolicy",
    "rules",
    "sideEffects",
    "timeoutSeconds",
    "clientConfig.?service",
];

/// The users that delete the objects of a namespace that is deleted, or of an owner.
const COLLECTORS: [&str; 3] = [
    "system:kube-controller-manager",
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
];

/// The policy and its binding as YAML.
pub fn guard(guard: &Guard) -> String {
    let policy = AdmissionPolicy {
        api_version: VALIDATING_VERSION.to_owned(),
        name: format!("{}-guard", guard.name),
        resources: resources(),
        conditions: vec![("is-ours", is_ours(guard)), ("not-by-named-users", is_other_user(guard))],
        variables: variables(),
        content: Content::Validations(validations(guard)),
        actions: "[Deny]",
        excluded: None,
    };
    let comment = "# Written by `apim-keyless generate vap --guard`. Only the named users and groups may change what turns \
                   apim-keyless on\n# and off. Whoever may delete this policy or its binding can do it, too.\n";
    yaml(comment, &[policy])
}

/// The resources. Names are compared by a condition: the deletion of a collection has no name in the request.
fn resources() -> Vec<String> {
    let resources = [
        // the subresources write labels, too
        "{apiGroups: [\"\"], apiVersions: [v1], resources: [namespaces, namespaces/finalize, namespaces/status], operations: [CREATE, UPDATE], scope: Cluster}",
        "{apiGroups: [admissionregistration.k8s.io], apiVersions: [v1], resources: [mutatingwebhookconfigurations, validatingwebhookconfigurations], operations: [CREATE, UPDATE, DELETE], scope: Cluster}",
        "{apiGroups: [\"\"], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE, DELETE], scope: Namespaced}",
    ];
    resources.map(str::to_owned).to_vec()
}

fn is_ours(guard: &Guard) -> String {
    format!(
        "request.resource.resource == 'namespaces' ||\n\
         (request.operation == 'DELETE' ? dyn(oldObject) : dyn(object)).metadata.?name.orValue('') ==\n  \
         (request.resource.resource == 'configmaps' ? {} : {})",
        cel::text(&guard.config_map),
        cel::text(&guard.configurations)
    )
}

fn is_other_user(guard: &Guard) -> String {
    format!(
        "!(request.userInfo.username in {}) &&\n!request.userInfo.?groups.orValue([]).exists(group, group in {})",
        Value::from(guard.users.clone()),
        Value::from(guard.groups.clone())
    )
}

fn variables() -> Vec<(&'static str, String)> {
    let maps = |object: &str| {
        format!("[dyn({object}).metadata.?labels.orValue({{}}), dyn({object}).metadata.?annotations.orValue({{}})]")
    };
    vec![
        ("before", format!("request.operation == 'CREATE' ? [{{}}, {{}}] : {}", maps("oldObject"))),
        ("after", format!("request.operation == 'DELETE' ? [{{}}, {{}}] : {}", maps("object"))),
    ]
}

fn validations(guard: &Guard) -> Vec<Validation> {
    let keys = format!(
        "request.resource.resource != 'namespaces' || [0, 1].all(i,\n  \
         variables.after[i].all(k, !k.startsWith('{OUR_PREFIX}') || variables.before[i][?k] == optional.of(variables.after[i][k])) &&\n  \
         variables.before[i].all(k, !k.startsWith('{OUR_PREFIX}') || k in variables.after[i]))"
    );
    let fields = ENTRY_FIELDS.map(|field| format!("w.?{field} == o.?{field}"));
    let configurations = format!(
        "!(request.resource.resource in ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) ||\n\
         (request.operation == 'UPDATE' && request.userInfo.username in {} &&\n  \
         variables.after == variables.before &&\n  \
         dyn(object).?webhooks.orValue([]).size() == dyn(oldObject).?webhooks.orValue([]).size() &&\n  \
         dyn(object).?webhooks.orValue([]).all(w, dyn(oldObject).?webhooks.orValue([]).exists(o,\n    {} && w.clientConfig.?url == o.clientConfig.?url)))",
        Value::from(guard.ca_bundle_users.clone()),
        fields.join(" &&\n    ")
    );
    let config_map = format!(
        "request.resource.resource != 'configmaps' || request.namespace != {} ||\n\
         (request.operation == 'DELETE' && request.userInfo.username in {})",
        cel::text(&guard.namespace),
        Value::from(COLLECTORS.to_vec())
    );
    let ask = "Ask a platform administrator";
    vec![
        Validation {
            expression: keys,
            message: format!(
                "{ask} to change labels and annotations {OUR_PREFIX}* of Namespaces: they turn enforcement on and off"
            ),
        },
        Validation {
            expression: configurations,
            message: format!("{ask} to change the webhook configurations of apim-keyless"),
        },
        Validation { expression: config_map, message: format!("{ask} to change the policy document of apim-keyless") },
    ]
}

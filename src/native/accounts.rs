//! The policy for ServiceAccounts that a label marks as a gateway's or that the policy document names.

use super::manifest::{AdmissionPolicy, Content, Validation};
use super::{Source, cel, coverage};
use apim_keyless_core::gateway::well_known::{
    CLIENT_ID, COMPONENT, DEFAULT_SERVICE_ACCOUNT, GATEWAY, SELF_HOSTED_GATEWAY, USE,
};
use apim_keyless_core::policy::Mode;
use serde_json::Value;

/// The resource of the policies.
pub(super) const RESOURCE: &str = "{apiGroups: [\"\"], apiVersions: [v1], resources: [serviceaccounts], operations: [CREATE, UPDATE], scope: Namespaced}";

/// The policy for the rules in this mode; `None` if there is no such rule.
pub(super) fn validating(source: &Source<'_>, mode: Mode) -> Option<AdmissionPolicy> {
    let rules = [
        (
            "missing-client-id",
            "annotations",
            format!("[?'{CLIENT_ID}'].orValue('') != ''"),
            format!("Annotate the ServiceAccount with {CLIENT_ID}: Entra needs it"),
        ),
        (
            "unlabeled-service-account",
            "labels",
            format!("[?'{USE}'].orValue('') == 'true'"),
            format!(
                "Set label {USE}: \"true\" on the ServiceAccount: Microsoft's setup of workload identity includes it"
            ),
        ),
    ];
    let of_mode = rules.into_iter().filter(|(id, ..)| source.mode(id) == mode);
    let validations: Vec<Validation> = of_mode
        .map(|(id, map, holds, message)| Validation {
            expression: source.expression(id, &format!("!variables.isGateways || object.metadata.?{map}{holds}")),
            message: coverage::message(id, &message),
        })
        .collect();
    (!validations.is_empty()).then(|| AdmissionPolicy {
        resources: vec![RESOURCE.to_owned()],
        conditions: conditions(source),
        variables: variables(source),
        ..source.policy("service-accounts", mode, Content::Validations(validations))
    })
}

/// The conditions under which a ServiceAccount is evaluated.
pub(super) fn conditions(source: &Source<'_>) -> Vec<(&'static str, String)> {
    let evaluated = |object: &str| {
        let labels = [COMPONENT, GATEWAY, USE].map(|key| value(object, "labels", key));
        format!("[{}, {}]", labels.join(", "), value(object, "annotations", CLIENT_ID))
    };
    let changes = format!(
        "request.operation == 'CREATE' ||\n\
         (!object.metadata.?deletionTimestamp.hasValue() &&\n  {} !=\n  {})",
        evaluated("object"),
        evaluated("oldObject")
    );
    vec![("changes-identity", changes), ("not-made-by-controller", cel::is_not_made_by_controller(source.policy))]
}

/// The variables of the expressions.
pub(super) fn variables(source: &Source<'_>) -> Vec<(&'static str, String)> {
    let name = "object.metadata.?name.orValue('')";
    let expected = cel::of_namespace(source.policy, |expected| Value::from(expected.service_accounts.clone()));
    let is_gateways = format!(
        "({name} != '{DEFAULT_SERVICE_ACCOUNT}' && ({} == '{SELF_HOSTED_GATEWAY}' || {} == 'true')) ||\n\
         ({} && {name} in variables.expected)",
        value("object", "labels", COMPONENT),
        value("object", "labels", GATEWAY),
        cel::is_not_annotated(source.policy, "service-account")
    );
    vec![("expected", expected), ("isGateways", is_gateways)]
}

fn value(object: &str, map: &str, key: &str) -> String {
    format!("{object}.metadata.?{map}[?'{key}'].orValue('')")
}

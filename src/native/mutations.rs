//! The mutating policies: what the mutating webhook would set, where the object and the policy document are enough.

use super::manifest::{AdmissionPolicy, Content};
use super::{Source, accounts, cel, workloads};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, TENANT_ID, USE};
use apim_keyless_core::policy::{Expectations, Mode};
use serde_json::Value;

/// The policy that sets the label of pod templates and their `serviceAccountName`.
pub(super) fn workloads(source: &Source<'_>, api_version: &str) -> Option<AdmissionPolicy> {
    let mut mutations = Vec::new();
    if source.mode("missing-identity-label") == Mode::Enforce {
        mutations.push(source.mutation("missing-identity-label", &label_of_template()));
    }
    if source.mode("missing-service-account") == Mode::Enforce {
        mutations.push(source.mutation("missing-service-account", &account_of_template()));
    }
    if mutations.is_empty() {
        return None;
    }
    let mut conditions = workloads::conditions(source);
    // a controller would make the object again, and again
    conditions.push(("has-no-owner", has_no_owner()));
    let expected = single(source, |expected| &expected.service_accounts);
    let is_own = cel::is_not_annotated(source.policy, "service-account");
    let path = "request.kind.kind == 'Pod' ? '' : request.kind.kind == 'PodTemplate' ? '/template' :\n  \
                request.kind.kind == 'CronJob' ? '/spec/jobTemplate/spec/template' : '/spec/template'";
    let mut variables = workloads::variables(source);
    variables.push(("path", path.to_owned()));
    variables.push(("serviceAccount", format!("{is_own} ? {expected} : ''")));
    Some(AdmissionPolicy {
        api_version: api_version.to_owned(),
        resources: workloads::CHANGEABLE.into_iter().chain(workloads::IMMUTABLE).map(str::to_owned).collect(),
        conditions,
        variables,
        ..source.policy("workloads", Mode::Enforce, Content::Mutations(mutations))
    })
}

/// The policy that sets the label and the ids of a gateway's ServiceAccount.
pub(super) fn accounts(source: &Source<'_>, api_version: &str) -> Option<AdmissionPolicy> {
    let mut mutations = Vec::new();
    if source.mode("unlabeled-service-account") == Mode::Enforce {
        let holds = format!("!variables.isGateways || object.metadata.?labels[?'{USE}'].hasValue()");
        mutations.push(source.mutation("unlabeled-service-account", &set("labels", USE, &holds, "'true'")));
    }
    if source.mode("missing-client-id") == Mode::Enforce {
        for (key, variable) in [(TENANT_ID, "tenantId"), (CLIENT_ID, "clientId")] {
            let holds = format!(
                "!variables.isGateways || variables.clientId == '' || variables.{variable} == '' ||\n  \
                 object.metadata.?annotations[?'{CLIENT_ID}'].orValue('') != '' ||\n  \
                 object.metadata.?annotations[?'{key}'].orValue('') != ''"
            );
            mutations.push(
                source
                    .mutation("missing-client-id", &set("annotations", key, &holds, &format!("variables.{variable}"))),
            );
        }
    }
    if mutations.is_empty() {
        return None;
    }
    let mut conditions = accounts::conditions(source);
    conditions.push(("has-no-owner", has_no_owner()));
    let mut variables = accounts::variables(source);
    let value = |name: &str, value: String| format!("{} ? {value} : ''", cel::is_not_annotated(source.policy, name));
    variables.push(("clientId", value("client-id", single(source, |expected| &expected.client_ids))));
    variables.push(("tenantId", value("tenant-id", single(source, |expected| &expected.tenant_ids))));
    Some(AdmissionPolicy {
        api_version: api_version.to_owned(),
        resources: vec![accounts::RESOURCE.to_owned()],
        conditions,
        variables,
        ..source.policy("service-accounts", Mode::Enforce, Content::Mutations(mutations))
    })
}

/// The comment at the top of the manifests.
pub(super) fn comment(source: &Source<'_>) -> String {
    let sets = [
        ("missing-identity-label", "label azure.workload.identity/use of pod templates"),
        (
            "missing-service-account",
            "serviceAccountName, if the policy document expects one for the namespace; not of Pods",
        ),
        ("unlabeled-service-account", "label azure.workload.identity/use of a gateway's ServiceAccount"),
        ("missing-client-id", "client id and tenant id, if the policy document expects one for the namespace"),
    ];
    let set = sets.into_iter().filter(|(id, _)| source.mode(id) == Mode::Enforce);
    let lines = set.map(|(id, text)| format!("# - {text} ({id})\n"));
    let head = "# Written by `apim-keyless generate map`. Generate the policies again when the policy document changes.\n\
                # Set where it is missing, and nothing that an object says is overwritten:\n";
    [head.to_owned()].into_iter().chain(lines).collect()
}

impl Source<'_> {
    /// The list of patches of a rule, empty for an object that an exception covers.
    fn mutation(&self, id: &str, patches: &str) -> String {
        self.exempt(id).map_or_else(|| patches.to_owned(), |exempt| format!("({exempt}) ? [] :\n{patches}"))
    }
}

/// The only expected value of a namespace, else an empty text.
fn single(source: &Source<'_>, list: fn(&Expectations) -> &[String]) -> String {
    cel::of_namespace(source.policy, |expected| match list(expected) {
        [one] => Value::from(one.as_str()),
        _ => Value::from(""),
    })
}

fn has_no_owner() -> String {
    "!dyn(object).metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false))".to_owned()
}

fn label_of_template() -> String {
    format!(
        "variables.authenticating.size() == 0 || variables.template.?metadata.?labels[?'{USE}'].hasValue() ? [] :\n\
         variables.template.?metadata.?labels.hasValue() ? [JSONPatch{{\n  \
         op: 'add', path: variables.path + '/metadata/labels/' + jsonpatch.escapeKey('{USE}'), value: 'true'\n}}] :\n\
         variables.template.?metadata.hasValue() ? [JSONPatch{{\n  \
         op: 'add', path: variables.path + '/metadata/labels', value: {{'{USE}': 'true'}}\n}}] : [JSONPatch{{\n  \
         op: 'add', path: variables.path + '/metadata', value: {{'labels': {{'{USE}': 'true'}}}}\n}}]"
    )
}

/// The API server has set the ServiceAccount of a Pod before.
fn account_of_template() -> String {
    "variables.authenticating.size() == 0 || variables.serviceAccount == '' || request.kind.kind == 'Pod' ||\n\
     [variables.template.spec.?serviceAccountName.orValue(''), variables.template.spec.?serviceAccount.orValue('')]\n  \
     .exists(name, name != '') ? [] : [JSONPatch{\n  \
     op: 'add', path: variables.path + '/spec/serviceAccountName', value: variables.serviceAccount\n}]"
        .to_owned()
}

/// Patches that set a label or an annotation of the object unless `holds`.
fn set(map: &str, key: &str, holds: &str, value: &str) -> String {
    format!(
        "{holds} ? [] :\n\
         object.metadata.?{map}.hasValue() ? [JSONPatch{{\n  \
         op: 'add', path: '/metadata/{map}/' + jsonpatch.escapeKey('{key}'), value: {value}\n}}] : [JSONPatch{{\n  \
         op: 'add', path: '/metadata/{map}', value: {{'{key}': {value}}}\n}}]"
    )
}

//! The policy for ConfigMaps: an auth key in plain text.

use super::manifest::{AdmissionPolicy, Content, Validation};
use super::{Source, cel, coverage};
use apim_keyless_core::gateway::ExceededLimit;
use apim_keyless_core::policy::Mode;

/// Most keys of a `ConfigMap` that are read. With more, the expressions could cost more than the API server allows.
const KEYS: usize = 4000;
/// The rule about a `ConfigMap` that is covered.
const RULE: &str = "auth-key-literal";

/// The policy, if the rule is in this mode.
pub(super) fn validating(source: &Source<'_>, mode: Mode) -> Option<AdmissionPolicy> {
    if source.mode(RULE) != mode {
        return None;
    }
    let has_auth = format!(
        "!dyn(object).metadata.?deletionTimestamp.hasValue() &&\n\
         dyn(object).?data.orValue({{}}).size() <= {KEYS} &&\n\
         [dyn(object).?data.orValue({{}}).filter(k, {}).size()].exists(n, n > 0 && n <= {})",
        cel::is_auth("k"),
        ExceededLimit::SETTINGS.limit
    );
    let expression = format!(
        "!object.data.exists(k,\n  {} &&\n  \
         (request.operation == 'CREATE' || oldObject.?data[?k].orValue('') != object.data[k]) &&\n  {})",
        cel::is_auth("k"),
        cel::is_key("object.data[k]").replace('\n', "\n  ")
    );
    let message = "Set config.service.auth in the ConfigMap to workloadIdentity and revoke the key: it is an auth key in \
                   plain text";
    let validation =
        Validation { expression: source.expression(RULE, &expression), message: coverage::message(RULE, message) };
    let resource = "{apiGroups: [\"\"], apiVersions: [v1], resources: [configmaps], operations: [CREATE, UPDATE], scope: Namespaced}";
    let policy = source.policy("config-maps", mode, Content::Validations(vec![validation]));
    let conditions =
        vec![("has-auth-setting", has_auth), ("not-made-by-controller", cel::is_not_made_by_controller(source.policy))];
    Some(AdmissionPolicy { resources: vec![resource.to_owned()], conditions, ..policy })
}

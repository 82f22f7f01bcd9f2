//! An auth key that is written out, in a container's environment or in a `ConfigMap`.

use crate::gateway::{AuthMethod, Setting, Value};
use crate::policy::{Case, Finding, Mode, Rule};
use jsonptr::PointerBuf;

/// An auth key that is written out.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-literal",
    page: include_str!("../../../docs/rules/auth-key-literal.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    let in_containers = case
        .parts_that_sign_in()
        .flat_map(|part| part.environment.settings())
        .filter(|(setting, _)| setting.is_auth());
    let written_there = in_containers.filter(|(setting, variable)| match &variable.value {
        Value::Text(text) | Value::Unseen(text) => {
            !variable.is_said_at_config_map() && AuthMethod::of(*setting, text) == AuthMethod::Key
        }
        Value::Key(_) => false,
    });
    let written_here = case.config_map().into_iter().flat_map(|config_map| config_map.settings());
    let written_here = written_here.filter(|(setting, _, text)| {
        setting.is_auth() && AuthMethod::of(*setting, text) == AuthMethod::Key
    });
    written_there
        .map(|(setting, variable)| finding(variable.at.clone(), setting))
        .chain(
            written_here
                .map(|(setting, key, _)| finding(PointerBuf::from_tokens(["data", key]), setting)),
        )
        .collect()
}

fn finding(at: PointerBuf, setting: Setting) -> Finding {
    let cure = "remove it and revoke the key: the ConfigMap's config.service.auth: workloadIdentity replaces it";
    Finding::new(at, format!("{} holds an auth key in plain text; {cure}", setting.name()))
}

//! A gateway container that takes no `ConfigMap` and has no endpoint of its own.

use crate::gateway::{ContainerList, Part, Setting};
use crate::policy::{Case, Edit, Finding, Mode, Rule};

/// A gateway container without a reference to its configuration.
pub(super) static RULE: Rule = Rule {
    id: "missing-configuration-reference",
    page: include_str!("../../../docs/rules/missing-configuration-reference.md"),
    mode: Mode::Enforce,
    check,
};

fn check(case: &Case<'_>) -> Vec<Finding> {
    case.parts_that_sign_in()
        .filter(|part| part.container.list == ContainerList::Containers && !has_configuration(part))
        .map(|part| finding(case, part))
        .collect()
}

/// A reference to another `ConfigMap` than the expected one is its owner's choice.
fn has_configuration(part: &Part<'_>) -> bool {
    part.container.env_from.iter().any(|source| source.config_map_ref.is_some())
        || part.environment.settings().any(|(setting, variable)| setting == Setting::Endpoint && !variable.is_blank())
}

fn finding(case: &Case<'_>, part: &Part<'_>) -> Finding {
    let at = part.container.place(["envFrom"]);
    let problem = "it has no envFrom configMapRef and no config.service.endpoint, so it finds no configuration";
    match case.expectations.config_map_to_set(case.surroundings) {
        Some(name) => {
            let reference = serde_json::json!({"configMapRef": {"name": name}});
            Finding::new(at.clone(), format!("{problem}; append ConfigMap \"{name}\""))
                .remedied_by([Edit::Append { at, value: reference }])
        }
        None => Finding::new(at, format!("{problem}; append one of the ConfigMaps that this namespace expects")),
    }
}

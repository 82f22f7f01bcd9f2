//! `generate vap` and `generate map`: Kubernetes' own admission policies from the policy document.

use crate::cli::{MutatingPolicyArguments, NativePolicyArguments, ValidatingPolicyArguments};
use crate::cluster::POLICY_CONFIG_MAP;
use crate::command::policy;
use crate::native::{self, Guard, NativeOptions};
use anyhow::ensure;
use apim_keyless_core::policy::{Policy, utc_date};
use std::time::SystemTime;

pub(super) fn mutating_text(arguments: &MutatingPolicyArguments) -> anyhow::Result<String> {
    let (policy, options) = of(&arguments.common)?;
    Ok(native::mutating(&policy, &options, &arguments.api_version))
}

pub(super) fn validating_text(arguments: &ValidatingPolicyArguments) -> anyhow::Result<String> {
    if arguments.guard {
        return guard_text(arguments);
    }
    let (policy, options) = of(&arguments.common)?;
    if arguments.list_rules {
        return Ok(native::coverage_table(&native::coverage(&policy, &options)));
    }
    Ok(native::validating(&policy, &options))
}

fn of(arguments: &NativePolicyArguments) -> anyhow::Result<(Policy, NativeOptions)> {
    let policy = policy::find(arguments.policy.as_deref())?.policy;
    let options = NativeOptions {
        name: arguments.name.clone(),
        namespace: arguments.namespace.clone(),
        excluded: arguments.excluded.clone(),
        no_ingress_only: arguments.no_ingress_only,
        today: utc_date(SystemTime::now()),
    };
    Ok((policy, options))
}

fn guard_text(arguments: &ValidatingPolicyArguments) -> anyhow::Result<String> {
    ensure!(
        !arguments.users.is_empty() || !arguments.groups.is_empty(),
        "--guard: name who may change these objects with --user or --group: without them only the webhook itself may"
    );
    let NativePolicyArguments { name, namespace, .. } = &arguments.common;
    let own = || vec![format!("system:serviceaccount:{namespace}:apim-keyless")];
    let named = Some(arguments.ca_bundle_users.clone()).filter(|users| !users.is_empty());
    Ok(native::guard(&Guard {
        name: name.clone(),
        configurations: arguments.configurations.clone(),
        config_map: POLICY_CONFIG_MAP.to_owned(),
        namespace: namespace.clone(),
        users: arguments.users.clone(),
        groups: arguments.groups.clone(),
        ca_bundle_users: named.unwrap_or_else(own),
    }))
}

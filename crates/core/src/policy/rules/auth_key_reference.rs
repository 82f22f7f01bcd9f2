//! Denies an auth key that comes from a Secret, or from a file in a volume.

use crate::gateway::{
    AuthMethod, Container, EnvIndex, EnvValue, Gateway, GatewayContainer, SecretSource, Setting, Volume, VolumeMount,
    WORKLOAD_IDENTITY, prefix_can_make_auth,
};
use crate::policy::{Mode, Problem, Rule, RuleInput, SettingValue};
use std::collections::HashMap;
use std::path::{Component, Path};

/// The rule `auth-key-reference`.
pub(super) static RULE: Rule = Rule {
    id: "auth-key-reference",
    page: include_str!("../../../../../docs/rules/auth-key-reference.md"),
    mode: Mode::Enforce,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let whole_secrets =
        input.authenticating_containers().flat_map(|gateway_container| whole_secrets(input, gateway_container));
    whole_secrets
        .chain(settings_files(input))
        .chain(input.values_with_found(Setting::is_auth).into_iter().filter_map(problem))
        .collect()
}

/// Every `envFrom[].secretRef` that may set the auth setting.
///
/// Secrets are never read, so any Secret may hold an auth key. Exceptions: the policy document allows the Secret, or no
/// name that starts with `envFrom[].prefix` is a name of the auth setting.
fn whole_secrets<'a>(
    input: &'a RuleInput<'_>,
    gateway_container: &'a GatewayContainer<'_>,
) -> impl Iterator<Item = Problem> + 'a {
    let sources = gateway_container.container.env_from.iter().enumerate();
    sources.filter_map(|(index, source)| {
        let secret = source.secret_ref.as_ref()?;
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let is_allowed = input.expectations.allowed_secrets.contains(&secret.name) || !prefix_can_make_auth(prefix);
        (!is_allowed).then(|| {
            let message = format!(
                "Remove Secret \"{}\" from envFrom of container \"{}\", or add it to allowedSecrets of the policy \
                 document if it holds no auth key: any of its keys can set {}",
                secret.name,
                gateway_container.container.name,
                Setting::Auth.name()
            );
            Problem::new(gateway_container.container.entry_pointer(EnvIndex::EnvFrom(index)), message)
        })
    })
}

/// Every mount of a Secret as a settings file of .NET, which can contain the auth setting.
///
/// .NET's hosts read `appsettings.json` and `appsettings.ENVIRONMENT.json` (learn.microsoft.com/dotnet/core/extensions/
/// generic-host). Ingress-only gateways are evaluated, too: such a file can make them authenticate.
fn settings_files<'a>(input: &'a RuleInput<'_>) -> impl Iterator<Item = Problem> + 'a {
    let gateway = input.gateway();
    let volumes = gateway.map(|gateway| gateway.workload.volumes()).unwrap_or_default();
    let has_settings_file = |volume: &Volume| volume.secret_paths().any(is_settings_file);
    let secrets = volumes.iter().filter(|volume| volume.may_hold_secret());
    let secrets: HashMap<&str, bool> =
        secrets.map(|volume| (volume.name.as_str(), has_settings_file(volume))).collect();
    gateway.into_iter().flat_map(Gateway::all_containers).flat_map(move |container| {
        let mounts = container.volume_mounts.iter().enumerate().filter(|(_, mount)| {
            let has_settings_file = secrets.get(mount.name.as_str());
            has_settings_file.is_some_and(|has_settings_file| *has_settings_file || is_mounted_as_settings_file(mount))
        });
        mounts.map(|(index, mount)| settings_file_problem(container, index, mount)).collect::<Vec<_>>()
    })
}

fn is_mounted_as_settings_file(mount: &VolumeMount) -> bool {
    let paths = [Some(mount.mount_path.as_str()), mount.sub_path.as_deref(), mount.sub_path_expr.as_deref()];
    paths.into_iter().flatten().any(is_settings_file)
}

/// Returns true if the last component of a path is `appsettings*.json`, in any case.
fn is_settings_file(path: &str) -> bool {
    let mut names = Vec::new();
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => _ = names.pop(),
            Component::Normal(name) => names.push(name),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    let name = names.last().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.starts_with("appsettings") && name.rsplit_once('.').is_some_and(|(_, end)| end == "json")
}

fn settings_file_problem(container: &Container<'_>, index: usize, mount: &VolumeMount) -> Problem {
    let message = format!(
        "Remove volume \"{}\" from volumeMounts of container \"{}\" and set {}: {WORKLOAD_IDENTITY} in the gateway's \
         ConfigMap: .NET reads settings from appsettings*.json, so a Secret there can hold an auth key",
        mount.name,
        container.name,
        Setting::Auth.name()
    );
    Problem::new(container.pointer_to(["volumeMounts", &index.to_string()]), message)
}

/// A problem if the value of an auth setting comes from a Secret, from a file or from a secret store, or if it is a
/// placeholder for such a value.
fn problem(value: SettingValue<'_>) -> Option<Problem> {
    let (replacement, overrides) = (value.replacement(None), value.overrides());
    let (why, found) = match (value.value.as_ref(), value.method()) {
        (EnvValue::Secret(source), _) => {
            (format!("it takes an auth key from {}", described(source)), "it takes an auth key from a Secret")
        }
        (_, Some(AuthMethod::StoreReference)) => {
            let why = "it takes an auth key from a secret store";
            (why.to_owned(), why)
        }
        (_, Some(AuthMethod::Placeholder)) => (
            "its value is a placeholder that nothing replaced, and an auth key can take its place".to_owned(),
            "its value is a placeholder that nothing replaced",
        ),
        _ => return None,
    };
    Some(value.problem(format!("{replacement}: {why}{overrides}"), found))
}

fn described(source: &SecretSource<'_>) -> String {
    match source {
        SecretSource::File { volume, key } => format!("a file in volume \"{volume}\" key \"{key}\""),
        SecretSource::Mount { volume } => format!("a file in volume \"{volume}\", which holds a Secret"),
        SecretSource::Secret { name, key } => format!("Secret \"{name}\" key \"{key}\""),
        SecretSource::WholeSecret { name } => format!("Secret \"{name}\" through $(...)"),
    }
}

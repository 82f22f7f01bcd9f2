//! `explain --object`: the effective settings of the gateways in files, with the source of each. No value is printed.

use super::{gateways, policy, print};
use crate::cli::ExplainArguments;
use anyhow::bail;
use apim_keyless_core::gateway::{
    EnvIndex, EnvValue, Gateway, GatewayContainer, GatewaySummary, Images, KubernetesObject, Lookup, Recognized,
    RelatedObjects, SecretSource, ValueSource, Variable, prefix_can_make_auth,
};
use apim_keyless_core::policy::printable;
use apim_keyless_manifest::{ManifestObject, Manifests};
use apim_keyless_report::text::columns;
use std::collections::BTreeMap;
use std::io::stdin;
use std::process::ExitCode;

/// Prints the environment of every gateway of the files. The exit code is 2 if something could not be read.
pub(super) fn run(arguments: &ExplainArguments) -> anyhow::Result<ExitCode> {
    let images = policy::find(arguments.policy.as_deref())?.policy.images;
    let manifests = Manifests::read(&arguments.objects, stdin());
    let (objects, has_error) = gateways::objects(&manifests, &arguments.namespace);
    let text = environments(&objects, &images);
    if text.is_empty() && !has_error {
        let files: Vec<String> = arguments.objects.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "no gateway in {}; pass the file with the gateway's Deployment, and its ConfigMap beside it",
            files.join(", ")
        );
    }
    print(&text)?;
    Ok(ExitCode::from(if has_error { 2 } else { 0 }))
}

/// The environments of all gateways, each under the name of its container.
fn environments(objects: &[(&ManifestObject, KubernetesObject<'static>)], images: &Images) -> String {
    let mut namespaces: BTreeMap<&str, Vec<&KubernetesObject<'static>>> = BTreeMap::new();
    for (_, object) in objects {
        namespaces.entry(&object.reference.namespace).or_default().push(object);
    }
    let related: BTreeMap<&str, RelatedObjects> =
        namespaces.into_iter().map(|(name, objects)| (name, RelatedObjects::of(objects, images))).collect();
    let mut texts = Vec::new();
    for (parsed, object) in objects {
        let Some(related) = related.get(object.reference.namespace.as_str()) else { continue };
        let reference = &object.reference;
        let name = format!("{} {}/{}", reference.kind, reference.namespace, reference.name);
        match Gateway::recognize(object, images, related) {
            Some(Recognized::Gateway(gateway)) => {
                let method = GatewaySummary::of(&gateway, images).authentication.name();
                texts.extend(gateway.containers.iter().map(|container| {
                    let line = parsed.position(container.container.at().as_str()).line;
                    let (file, container_name) = (parsed.file(), container.container.name);
                    let heading =
                        format!("{name}, container \"{container_name}\" ({file}:{line}), authentication: {method}");
                    printable(&heading).into_owned() + "\n" + &environment(container, related)
                }));
            }
            Some(Recognized::TooLarge(_)) => {
                let text =
                    format!("{name}: too large to be evaluated; see `apim-keyless explain too-large-to-evaluate`");
                texts.push(printable(&text).into_owned() + "\n");
            }
            None => {}
        }
    }
    texts.join("\n")
}

/// The settings of a container in the order in which they are set, and the sources that may set more.
fn environment(container: &GatewayContainer<'_>, related: &RelatedObjects) -> String {
    let all: Vec<&Variable<'_>> = container.environment.settings().map(|(_, variable)| variable).collect();
    let heading = ["SETTING", "VALUE", "SOURCE", "EFFECT"].map(str::to_owned);
    let rows = all.iter().enumerate().map(|(index, variable)| {
        let later = all.iter().skip(index + 1).rfind(|later| later.name == variable.name);
        let effect = match later {
            Some(later) => format!("overridden by {}", entry(later.index)),
            None if variable.may_be_overridden => "a later source may override it".to_owned(),
            None => "effective".to_owned(),
        };
        [printable(&variable.name).into_owned(), state(&variable.value).to_owned(), source(variable), effect]
    });
    let mut text = if all.is_empty() {
        "no setting that a rule reads\n".to_owned()
    } else {
        columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    };
    for (path, _) in &container.auth_assignments {
        let at = path.join(".");
        text += &format!("{at}: the command can set config.service.auth, too\n");
    }
    text.extend(unknown_sources(container, related));
    text
}

/// What is known of a value, without the value.
fn state(value: &EnvValue<'_>) -> &'static str {
    match value {
        EnvValue::Text(text) if text.trim().is_empty() => "empty",
        EnvValue::Text(_) => "known",
        EnvValue::Secret(_) => "secret",
        EnvValue::Unknown(_) => "unknown",
    }
}

fn source(variable: &Variable<'_>) -> String {
    let from = match (&variable.source, &variable.value) {
        (ValueSource::ConfigMap { name, key, .. }, _) => format!("ConfigMap \"{name}\", key \"{key}\""),
        (ValueSource::Object, EnvValue::Secret(secret)) => match secret {
            SecretSource::File { volume, key } => format!("file of volume \"{volume}\", key \"{key}\""),
            SecretSource::Mount { volume } => format!("file in volume \"{volume}\""),
            SecretSource::Secret { name, key } => format!("Secret \"{name}\", key \"{key}\""),
            SecretSource::WholeSecret { name } => format!("a key of Secret \"{name}\""),
        },
        (ValueSource::Object, _) if variable.is_written => "written in the workload".to_owned(),
        (ValueSource::Object, _) => "the workload, with references".to_owned(),
    };
    printable(&format!("{}: {from}", entry(variable.index))).into_owned()
}

fn entry(index: EnvIndex) -> String {
    match index {
        EnvIndex::Env(index) => format!("env[{index}]"),
        EnvIndex::EnvFrom(index) => format!("envFrom[{index}]"),
    }
}

/// One line for each `envFrom` source whose keys are not known.
fn unknown_sources(container: &GatewayContainer<'_>, related: &RelatedObjects) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, from) in container.container.env_from.iter().enumerate() {
        let what = if prefix_can_make_auth(from.prefix.as_deref().unwrap_or_default()) {
            "it can set config.service.auth"
        } else {
            "its prefix keeps it from setting config.service.auth"
        };
        if let Some(secret) = &from.secret_ref {
            lines.push(format!("envFrom[{index}]: Secret \"{}\", whose keys nobody reads; {what}", secret.name));
        }
        if let Some(config_map) = &from.config_map_ref
            && !matches!(related.config_map(&config_map.name), Lookup::Found(_))
        {
            let name = &config_map.name;
            lines.push(format!("envFrom[{index}]: ConfigMap \"{name}\", which is not in these files; {what}"));
        }
    }
    lines.into_iter().map(|line| printable(&line).into_owned() + "\n").collect()
}

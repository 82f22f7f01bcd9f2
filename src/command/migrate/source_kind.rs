//! What a file is: manifests, or a source of gateways that this command does not change.

use super::other_sources::has_identity;
use super::unread::{OTHER_SETTING, is_template_of_gateway};
use crate::migration_sources::{
    InstalledRelease, OtherResource, is_name_of_chart, lines_of_commands, lines_with_key, other_resources,
    releases_of_script,
};
use apim_keyless_core::gateway::{Images, Setting};
use serde_json::Value;
use std::path::Path;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceKind {
    /// YAML or JSON: Kubernetes objects, or something else that its content shows.
    Manifests,
    /// A script of a shell or of PowerShell, or a Makefile.
    Script,
    /// A configuration of Terraform.
    Terraform,
    /// It has a gateway that cannot be migrated.
    Unsupported(Unsupported),
    /// It has no gateway.
    NotAbout,
}

/// A gateway that cannot be migrated: workload identity needs Pods in a cluster, and their manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsupported {
    /// The cluster extension of Azure Arc.
    ArcExtension,
    /// Azure Container Apps.
    ContainerApps,
    /// Docker, Docker Compose or an environment file for them.
    Docker,
    /// A helmfile that is a template: only helmfile can read it.
    HelmfileTemplate,
    /// Values with a setting of a gateway that no module reads.
    OtherSetting,
    /// A template of another tool.
    Template,
    /// Something that hands values to Microsoft's chart and is not read.
    Unread,
}

/// A gateway outside of Kubernetes, which keeps its key.
pub(super) struct OutsideGateway {
    /// Where it is.
    pub(super) place: String,
    /// What it is, if nothing else names it.
    pub(super) what: Option<Unsupported>,
    /// Its text.
    pub(super) text: String,
}

/// Programs and their commands that start a container.
const STARTING: [(&str, &[&str], Unsupported); 6] = [
    ("k8s-extension", &["create", "update"], Unsupported::ArcExtension),
    ("New-AzKubernetesExtension", &["New-AzKubernetesExtension"], Unsupported::ArcExtension),
    ("docker", &["run", "create"], Unsupported::Docker),
    ("podman", &["run", "create"], Unsupported::Docker),
    ("containerapp", &["create", "update", "up"], Unsupported::ContainerApps),
    ("container", &["create"], Unsupported::ContainerApps),
];
/// Texts of a file that is about a gateway.
const GATEWAY_TEXTS: [&str; 2] = [IMAGE, "config.service."];
/// The end of the gateway's image.
const IMAGE: &str = "azure-api-management/gateway";
/// The type of the cluster extension.
const EXTENSION: &str = "microsoft.apimanagement.gateway";
/// Deepest nesting in which a template is searched.
const MAX_DEPTH: usize = 32;

impl SourceKind {
    /// Extensions of files, beside those of manifests, that can have a gateway, and names of files without one.
    pub(super) const EXTENSIONS: &'static [&'static str] = &[
        "bash",
        "bat",
        "bicep",
        "cmd",
        "conf",
        "env",
        "gotmpl",
        "groovy",
        "hcl",
        "j2",
        "jenkinsfile",
        "jinja2",
        "justfile",
        "kustomization",
        "makefile",
        "mk",
        "ps1",
        "psm1",
        "sh",
        "tf",
        "tftpl",
        "tmpl",
        "tofu",
        "tpl",
        "zsh",
    ];

    /// What the file of this path and text is.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        let extension = path.extension().or(path.file_name()).and_then(|name| name.to_str()).unwrap_or_default();
        let is_about = || GATEWAY_TEXTS.iter().any(|needle| text.contains(needle));
        match extension.to_ascii_lowercase().as_str() {
            "bicep" | "conf" | "env" if !lines_with_key(text).is_empty() => Self::Unsupported(Unsupported::Unread),
            "bicep" if text.to_ascii_lowercase().contains(EXTENSION) => Self::Unsupported(Unsupported::ArcExtension),
            "bicep" if is_about() => Self::Unsupported(Unsupported::ContainerApps),
            "conf" | "env" if is_about() => Self::Unsupported(Unsupported::Docker),
            "gotmpl" if is_helmfile(text) => Self::Unsupported(Unsupported::HelmfileTemplate),
            // functions for the templates of a chart, which are read
            "tpl" if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('_')) => Self::NotAbout,
            "gotmpl" | "j2" | "jinja2" | "tftpl" | "tmpl" | "tpl" if is_template_of_gateway(text) => {
                Self::Unsupported(Unsupported::Template)
            }
            "bicep" | "conf" | "env" | "gotmpl" | "j2" | "jinja2" | "tftpl" | "tmpl" | "tpl" => Self::NotAbout,
            "bash" | "bat" | "cmd" | "groovy" | "jenkinsfile" | "justfile" | "makefile" | "mk" | "ps1" | "psm1"
            | "sh" | "zsh" => Self::Script,
            "hcl" | "tf" | "tofu" => Self::Terraform,
            _ => Self::Manifests,
        }
    }
}

/// Whether a text is that of a helmfile with Microsoft's chart.
pub(super) fn is_helmfile(text: &str) -> bool {
    text.contains("azure-api-management-gateway") && text.lines().any(|line| line.trim_end() == "releases:")
}

/// Whether a pipeline installs Microsoft's chart. One that selects workload identity already is counted.
pub(super) fn installs_chart(text: &str) -> bool {
    let is_own = |release: &InstalledRelease| release.chart.as_deref().is_some_and(is_name_of_chart);
    let is_of_chart = || has_identity(text) || releases_of_script(text).iter().any(is_own);
    text.contains("azure-api-management-gateway") && is_of_chart()
}

impl Unsupported {
    /// What a mapping is that is not a Kubernetes object, if it has a gateway.
    pub(super) fn of_mapping(mapping: &Value) -> Option<Self> {
        let text = mapping.to_string();
        if text.to_ascii_lowercase().contains(EXTENSION) && has_type(mapping, "extensionType", EXTENSION, 0) {
            return Some(Self::ArcExtension);
        }
        if !GATEWAY_TEXTS.iter().any(|needle| text.contains(needle)) {
            return None;
        }
        if mapping.get("services").is_some_and(Value::is_object) {
            return Some(Self::Docker);
        }
        let is_app = has_type(mapping, "type", "microsoft.app/containerapps", 0)
            || mapping.pointer("/properties/template/containers").is_some();
        is_app.then_some(Self::ContainerApps)
    }

    /// What an object of a cluster is, if it is the extension of Azure Arc.
    pub(super) fn of_object(object: &Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_extension = text("/kind") == "Extension" && text("/apiVersion").contains("azure.com/");
        (is_extension && text("/spec/extensionType").eq_ignore_ascii_case(EXTENSION)).then_some(Self::ArcExtension)
    }

    /// The gateways of a configuration of Terraform that are not in a cluster.
    pub(super) fn in_terraform(file: &str, text: &str) -> Vec<OutsideGateway> {
        let mentions = [IMAGE, "Microsoft.ApiManagement.Gateway", EXTENSION, Setting::Auth.name()];
        let of = |OtherResource { resource, text, line }: OtherResource| {
            let what = match () {
                () if text.to_ascii_lowercase().contains(EXTENSION) => Self::ArcExtension,
                () if resource.starts_with("docker_") => Self::Docker,
                () => Self::ContainerApps,
            };
            OutsideGateway { place: format!("{file}:{line}"), what: Some(what), text }
        };
        other_resources(text, &mentions).into_iter().map(of).collect()
    }

    /// The gateways that commands start outside of a cluster.
    pub(super) fn in_script(file: &str, text: &str, images: &Images) -> Vec<OutsideGateway> {
        if !STARTING.iter().any(|(program, ..)| text.contains(program)) {
            return Vec::new();
        }
        let is_image_in_script = text.contains(IMAGE);
        let of = |(line, command): (usize, String)| {
            let mut words = command.split(|letter: char| letter.is_whitespace() || "\"'=".contains(letter));
            // the image can be in a variable of the script
            let is_about = command.contains("config.service.")
                || command.to_ascii_lowercase().contains(EXTENSION)
                || words.any(|word| images.is_gateway(word))
                || is_image_in_script && command.contains('$');
            let has = |word: &str| command.split_whitespace().any(|other| other == word);
            let is_started =
                |(program, verbs, _): &&(&str, &[&str], _)| has(program) && verbs.iter().any(|verb| has(verb));
            let (_, _, what) = STARTING.iter().find(is_started).filter(|_| is_about)?;
            // what sets the method in the command is named with its line
            let what = Some(*what).filter(|_| !command.contains("config.service.auth"));
            Some(OutsideGateway { place: format!("{file}:{line}"), what, text: command })
        };
        lines_of_commands(text).into_iter().filter_map(of).collect()
    }

    /// Why it cannot be migrated, and where Microsoft describes it.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::ArcExtension => {
                "a gateway of the Azure Arc extension, which has no setting for workload identity; install Microsoft's \
                 Helm chart in its place, or see \
                 https://learn.microsoft.com/azure/api-management/how-to-deploy-self-hosted-gateway-azure-arc"
            }
            Self::ContainerApps => {
                "a gateway in Azure Container Apps, which has no ServiceAccounts; see \
                 https://learn.microsoft.com/azure/api-management/how-to-deploy-self-hosted-gateway-container-apps"
            }
            Self::Docker => {
                "a gateway in Docker, which has no ServiceAccounts; see \
                 https://learn.microsoft.com/azure/api-management/how-to-deploy-self-hosted-gateway-docker"
            }
            Self::OtherSetting => OTHER_SETTING,
            Self::Template => {
                "change this template by hand: templates are not read; or render it, and migrate the output to see what to \
                 change"
            }
            Self::Unread => {
                "change this by hand, migrate does not read it: remove gateway.auth.key, set gateway.auth.type: \
                 WorkloadIdentity, gateway.auth.azureAd.app.id and gateway.name, and version 1.15.0 or newer of the chart"
            }
            Self::HelmfileTemplate => {
                "change this helmfile by hand: it is a template, which is not read; remove gateway.auth.key, set \
                 gateway.auth.type: WorkloadIdentity, gateway.auth.azureAd.app.id and gateway.name, and version 1.15.0 or newer"
            }
        }
    }
}

/// Whether a member of this name anywhere in the value has this text, ignoring case.
fn has_type(value: &Value, name: &str, expected: &str, depth: usize) -> bool {
    if depth > MAX_DEPTH {
        return false;
    }
    match value {
        Value::Array(items) => items.iter().any(|item| has_type(item, name, expected, depth + 1)),
        Value::Object(members) => members.iter().any(|(key, member)| {
            key == name && member.as_str().is_some_and(|text| text.eq_ignore_ascii_case(expected))
                || has_type(member, name, expected, depth + 1)
        }),
        _ => false,
    }
}

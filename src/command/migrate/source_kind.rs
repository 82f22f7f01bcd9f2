//! What a file is: manifests, or a source of gateways that this command does not change.

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
}

/// Texts of a file that is about a gateway.
const GATEWAY_TEXTS: [&str; 2] = ["azure-api-management/gateway", "config.service."];
/// The type of the cluster extension.
const EXTENSION: &str = "microsoft.apimanagement.gateway";
/// Deepest nesting in which a template is searched.
const MAX_DEPTH: usize = 32;

impl SourceKind {
    /// Extensions of files, beside those of manifests, that can have a gateway, and names of files without one.
    pub(super) const EXTENSIONS: &'static [&'static str] =
        &["bash", "bicep", "conf", "env", "gotmpl", "jenkinsfile", "makefile", "mk", "ps1", "sh", "tf"];

    /// What the file of this path and text is.
    pub(super) fn of(path: &Path, text: &str) -> Self {
        let extension = path.extension().or(path.file_name()).and_then(|name| name.to_str()).unwrap_or_default();
        let is_about = || GATEWAY_TEXTS.iter().any(|needle| text.contains(needle));
        match extension.to_ascii_lowercase().as_str() {
            "bicep" if text.to_ascii_lowercase().contains(EXTENSION) => Self::Unsupported(Unsupported::ArcExtension),
            "bicep" if is_about() => Self::Unsupported(Unsupported::ContainerApps),
            "conf" | "env" if is_about() => Self::Unsupported(Unsupported::Docker),
            "gotmpl" if is_helmfile(text) => Self::Unsupported(Unsupported::HelmfileTemplate),
            "bicep" | "conf" | "env" | "gotmpl" => Self::NotAbout,
            "bash" | "jenkinsfile" | "makefile" | "mk" | "ps1" | "sh" => Self::Script,
            "tf" => Self::Terraform,
            _ => Self::Manifests,
        }
    }
}

/// Whether a text is that of a helmfile with Microsoft's chart.
pub(super) fn is_helmfile(text: &str) -> bool {
    text.contains("azure-api-management-gateway") && text.lines().any(|line| line.trim_end() == "releases:")
}

impl Unsupported {
    /// What a mapping is that is not a Kubernetes object, if it has a gateway.
    pub(super) fn of_mapping(mapping: &Value) -> Option<Self> {
        let text = mapping.to_string();
        if text.to_ascii_lowercase().contains(EXTENSION) && has_type(mapping, "extensionType", EXTENSION, 0) {
            return Some(Self::ArcExtension);
        }
        if !text.contains("azure-api-management/gateway") {
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
            Self::HelmfileTemplate => {
                "change this helmfile by hand: it is a template, which is not read; remove gateway.auth.key, set \
                 gateway.auth.type: WorkloadIdentity, gateway.auth.azureAd.app.id and gateway.name, and version 1.15.1 or newer"
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

//! What a source is: it decides which steps it needs.

/// What a source is, for a person and for the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::command) enum SourceType {
    ArgoApplication,
    FluxKustomization,
    HelmChart,
    HelmRelease,
    HelmValues,
    Helmfile,
    Kustomization,
    Manifest,
    Script,
    Terraform,
}

impl SourceType {
    pub(in crate::command) fn name(self) -> &'static str {
        match self {
            Self::ArgoApplication => "Argo CD application",
            Self::FluxKustomization => "Flux Kustomization",
            Self::HelmChart => "Helm chart",
            Self::HelmRelease => "HelmRelease",
            Self::HelmValues => "Helm values",
            Self::Helmfile => "helmfile",
            Self::Kustomization => "kustomization",
            Self::Manifest => "manifest",
            Self::Script => "script",
            Self::Terraform => "Terraform",
        }
    }

    /// Whether it is a text and not YAML.
    pub(in crate::command) fn is_text(self) -> bool {
        matches!(self, Self::Script | Self::Terraform)
    }

    /// Whether its tool installs a release with the files of values that it names.
    pub(in crate::command) fn installs(self) -> bool {
        !matches!(self, Self::HelmChart | Self::HelmValues | Self::Manifest)
    }

    /// Whether Helm installs what it has. A configuration of Terraform can have other resources alone.
    pub(in crate::command) fn is_of_helm(self) -> bool {
        matches!(self, Self::ArgoApplication | Self::HelmChart | Self::HelmRelease | Self::HelmValues | Self::Script)
    }

    /// Whether a tool reads the whole folder of it.
    pub(in crate::command) fn needs_folder(self) -> bool {
        matches!(self, Self::HelmChart | Self::Kustomization | Self::Terraform)
    }
}

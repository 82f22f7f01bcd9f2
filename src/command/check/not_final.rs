//! Objects of files that are not the ones that reach a cluster.

use apim_keyless_core::gateway::similarity::nearest;
use apim_keyless_core::gateway::{KubernetesObject, Workload};
use apim_keyless_manifest::{ENCRYPTED, PATCH};
use jsonptr::{Pointer, PointerBuf};
use serde_json::Value;
use std::borrow::Cow;

/// Least similarity (0 to 1) of a field's name to the one that is missing.
const MIN_SIMILARITY: f32 = 0.7;

/// Why an object of a file is not the one that reaches a cluster.
#[derive(PartialEq)]
pub(in crate::command) enum NotFinal {
    /// SOPS encrypted some of its values.
    Encrypted,
    /// It lacks a container or an image, as a patch does and as a mistake in a name does.
    Partial(Box<Missing>),
    /// It is a patch of Kustomize.
    Patch,
    /// A name or a setting at this JSON pointer has a placeholder.
    Unrendered(PointerBuf),
}

/// What an object lacks that the API server requires.
#[derive(PartialEq)]
pub(in crate::command) struct Missing {
    /// JSON pointer to the misspelled field, else to what lacks the field.
    at: PointerBuf,
    /// The name of the field.
    field: &'static str,
    /// The misspelled name, if there is one.
    written: Option<String>,
}

impl NotFinal {
    /// Why `object` is not final. `is_encrypted`: SOPS encrypted some of its values; `is_patch`: it says itself that it is
    /// a patch.
    pub(in crate::command) fn of(object: &KubernetesObject<'_>, is_encrypted: bool, is_patch: bool) -> Option<Self> {
        if is_encrypted {
            return Some(Self::Encrypted);
        }
        if is_patch {
            return Some(Self::Patch);
        }
        if object.workload().is_some_and(Workload::is_partial) {
            return Some(Missing::of(object).map_or(Self::Patch, |missing| Self::Partial(Box::new(missing))));
        }
        object.placeholder().map(Self::Unrendered)
    }

    /// JSON pointer to the cause; empty for the whole object.
    pub(in crate::command) fn at(&self) -> &str {
        match self {
            Self::Encrypted | Self::Patch => "",
            Self::Partial(missing) => missing.at.as_str(),
            Self::Unrendered(at) => at.as_str(),
        }
    }

    /// What to do about it.
    pub(in crate::command) fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Encrypted => ENCRYPTED.into(),
            Self::Partial(missing) => missing.message().into(),
            Self::Patch => PATCH.into(),
            Self::Unrendered(_) => "a placeholder such as ${NAME}, which a tool such as Flux, Kustomize or envsubst \
                                    replaces; render the file and check the output"
                .into(),
        }
    }
}

impl Missing {
    /// What a workload without containers or images lacks first.
    fn of(object: &KubernetesObject<'_>) -> Option<Self> {
        const FIELDS: [&str; 5] = ["spec", "jobTemplate", "template", "containers", "image"];
        let value = object.value()?;
        let path = object.kind.template()?.split('/').skip(1).chain(["spec", "containers"]);
        let (mut at, mut inner) = (PointerBuf::root(), &value);
        for name in path {
            let field = FIELDS.into_iter().find(|field| *field == name)?;
            match inner.get(field).filter(|value| !value.is_null()) {
                Some(value) => inner = value,
                None => return Some(Self::in_mapping(&at, inner, field)),
            }
            at.push_back(name);
        }
        let containers = inner.as_array()?;
        let has_image = |container: &Value| container.get("image").is_some_and(|image| !image.is_null() && image != "");
        match containers.iter().position(|container| !has_image(container)) {
            Some(index) => Some(Self::in_mapping(&at.with_trailing_token(index), containers.get(index)?, "image")),
            None => Some(Self { at, field: "containers", written: None }),
        }
    }

    fn in_mapping(at: &Pointer, mapping: &Value, field: &'static str) -> Self {
        let keys = mapping.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let names = ["spec", "metadata", "selector", "name", "imagePullPolicy", "initContainers", field];
        let written =
            keys.filter(|key| !names.contains(key)).find(|key| nearest(key, [(field, ())], MIN_SIMILARITY).is_some());
        let at = written.map_or_else(|| at.to_owned(), |key| at.with_trailing_token(key));
        Self { at, field, written: written.map(str::to_owned) }
    }

    fn message(&self) -> String {
        let Self { field, written, .. } = self;
        match written {
            Some(written) => {
                format!("write {field}, not {written}: Kubernetes reads field names exactly as they are spelled")
            }
            None => format!(
                "without {field}, which the API server requires; add it or, if this is a patch of Kustomize, name it in \
                 the kustomization.yaml"
            ),
        }
    }
}

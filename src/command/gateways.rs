//! The objects of manifests that can belong to a gateway, for the commands that only show something of them.

use super::print_to_stderr;
use apim_keyless_core::gateway::KubernetesObject;
use apim_keyless_core::policy::dotted;
use apim_keyless_manifest::{ManifestObject, Manifests};

/// The objects that rules evaluate, and whether something could not be read, which stderr then says.
pub(super) fn objects<'m>(
    manifests: &'m Manifests,
    namespace: &str,
) -> (Vec<(&'m ManifestObject, KubernetesObject<'static>)>, bool) {
    let mut has_error = !manifests.errors.is_empty();
    for error in &manifests.errors {
        let place = [error.line, error.column].into_iter().flatten().map(|number| format!(":{number}"));
        print_to_stderr(&format!("error: {}{}: {}", error.file, place.collect::<String>(), error.message));
    }
    let mut objects = Vec::new();
    for parsed in &manifests.objects {
        match KubernetesObject::recognize(parsed.value.to_string(), namespace) {
            Ok(object) => objects.extend(object.map(|object| (parsed, object))),
            Err(error) => {
                has_error = true;
                let line = parsed.position(error.at.as_str()).line;
                print_to_stderr(&format!("error: {}:{line}: {} {}", parsed.file(), dotted(&error.at), error.message));
            }
        }
    }
    (objects, has_error)
}

//! YAML that is a text in another file, as the values of a chart in an Argo CD application or in a heredoc of Terraform.

use apim_keyless_manifest::rewrite::{Rewrite, apply};
use jsonptr::Pointer;
use serde_json::Value;

/// The text with a new value, in which everything else is as it was. `None` if that is not possible.
pub(super) fn rewritten(text: &str, old: &Value, new: &Value) -> Option<String> {
    let mut rewrite = Rewrite::new(text)?;
    rewrite.change(Pointer::root(), old, new).ok()?;
    let rewritten = apply(text, &rewrite.finish().ok()?);
    (apim_keyless_manifest::value(&rewritten).as_ref() == Some(new)).then_some(rewritten)
}

//! Comments in files that ignore rules: `# apim-keyless: ignore RULE reason`.

use apim_keyless_core::policy::rules;
use apim_keyless_manifest::{IgnoreComment, IgnoredRules, InputError};
use apim_keyless_report::{SuppressedBy, Suppression};
use std::collections::HashMap;
use std::sync::Arc;

/// One error for each rule of a comment that does not exist.
pub(super) fn errors(comments: &[Arc<IgnoreComment>]) -> Vec<InputError> {
    // a rule that does not exist is compared with all others, so each is looked up once
    let mut unknown: HashMap<&str, Option<String>> = HashMap::new();
    let mut errors = Vec::new();
    for comment in comments {
        for rule in &comment.rules {
            let look_up = || rules::find(rule).err().map(|error| error.to_string());
            let Some(message) = unknown.entry(rule).or_insert_with(look_up) else { continue };
            errors.push(InputError {
                file: comment.file.clone(),
                line: Some(comment.line),
                column: Some(comment.column),
                message: format!("a comment ignores an unknown rule: {message}"),
            });
        }
    }
    errors
}

/// Why findings of a rule do not count, if it is among the rules that comments ignore for the object.
pub(super) fn suppression(ignored: Option<&IgnoredRules>, rule: &str) -> Option<Suppression> {
    let comment = ignored?.get(rule)?;
    Some(Suppression { by: SuppressedBy::Comment, reason: comment.reason.clone(), expires: None })
}

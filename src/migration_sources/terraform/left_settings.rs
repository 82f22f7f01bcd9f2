//! Settings of another method of authentication that a configuration still has after its migration, in blocks of which no note
//! says what to do: resources that change a part of an object, values of other charts, blocks in forms that are not read.

use super::{is_of_cluster, resource_type};
use crate::migration_sources::lines::Lines;
use apim_keyless_core::gateway::well_known::USE;
use apim_keyless_core::gateway::{Setting, WORKLOAD_IDENTITY};
use hcl_edit::Span;
use std::collections::HashSet;
use std::ops::RangeInclusive;

/// The resources that change a part of an object, and the generator of a provider for Kustomize.
const PARTIAL: [&str; 5] = [
    "kubernetes_annotations",
    "kubernetes_config_map_v1_data",
    "kubernetes_env",
    "kubernetes_labels",
    "kustomization_overlay",
];

/// The lines of `old`, from 1, with such settings that `new` has, too. `is_noted` says whether a note is about these lines.
pub fn left_settings(old: &str, new: &str, is_noted: &dyn Fn(RangeInclusive<usize>) -> bool) -> Vec<usize> {
    let of_new: HashSet<String> = other_settings(new, true).into_iter().map(|(_, text)| text).collect();
    if of_new.is_empty() {
        return Vec::new();
    }
    let Ok(body) = hcl_edit::parser::parse_body(old) else { return Vec::new() };
    let lines = Lines::of(old);
    let mut found = Vec::new();
    for block in body.blocks() {
        // the gateways of other resources are named as a whole
        if block.has_ident("resource") && !is_of_cluster(block) && !is_partial(resource_type(block)) {
            continue;
        }
        let Some(range) = block.span() else { continue };
        let first = lines.at(range.start);
        if is_noted(first..=lines.at(range.end)) {
            continue;
        }
        let own = old.get(range).unwrap_or_default();
        let settings = other_settings(own, is_partial(resource_type(block))).into_iter();
        found.extend(settings.filter(|(_, text)| of_new.contains(text)).map(|(line, _)| first + line));
    }
    found
}

fn is_partial(resource: &str) -> bool {
    PARTIAL.contains(&resource)
}

/// The lines of a text, from 0, that set another method. A value can follow its name in the next line. The label counts only in
/// what changes a part of an object.
fn other_settings(text: &str, with_label: bool) -> Vec<(usize, String)> {
    // the names of chart values have escaped dots
    let text = text.replace('\\', "");
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let settings = lines.iter().enumerate().filter_map(|(index, line)| {
        let value = format!("{line}\n{}", lines.get(index + 1).copied().unwrap_or_default());
        let is_method = line.contains(Setting::Auth.name()) && !value.contains(WORKLOAD_IDENTITY);
        let is_label = line.contains(USE) && !value.contains("\"true\"");
        let is_comment = line.starts_with(['#', '/']);
        ((is_method || is_label && with_label) && !is_comment).then(|| (index, (*line).to_owned()))
    });
    settings.collect()
}

#[cfg(test)]
mod tests {
    use super::left_settings;

    #[test]
    fn a_setting_in_a_block_that_is_not_read_is_found() {
        for text in [
            "resource \"helm_release\" \"a\" {\n  values = [<<EOF\nenv:\n- name: config.service.auth\n  valueFrom: {}\nEOF\n  ]\n}\n",
            "resource \"helm_release\" \"a\" {\n  set {\n\n    name  = \"env.config\\\\.service\\\\.auth\"\n    value = var.key\n  }\n}\n",
            "resource \"kubernetes_env\" \"a\" {\n  env {\n\n    name = \"config.service.auth\"\n    value = \"a\"\n  }\n}\n",
        ] {
            assert_eq!(left_settings(text, text, &|_| false), [4], "{text}");
            assert!(left_settings(text, text, &|lines| lines.contains(&4)).is_empty());
            assert!(left_settings(text, "", &|_| false).is_empty());
        }
        for text in [
            "resource \"azurerm_container_app\" \"a\" {\n  name = \"config.service.auth\"\n}\n",
            "resource \"kubernetes_config_map\" \"a\" {\n  data = {\n    \"config.service.auth\" = \"workloadIdentity\"\n  }\n}\n",
        ] {
            assert!(left_settings(text, text, &|_| false).is_empty(), "{text}");
        }
    }
}

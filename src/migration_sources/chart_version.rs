//! Versions of Microsoft's chart: which support workload identity, and what to write in place of older ones.
//!
//! Workload identity is supported since chart 1.15.0 with gateway 2.11.0 (github.com/Azure/api-management-self-hosted-gateway,
//! helm-charts/azure-api-management-gateway).

use super::{NoteKind, SourceReport, ValueMigration};
use apim_keyless_core::policy::shell_word;
use jsonptr::PointerBuf;
use semver::{Version, VersionReq};
use serde_json::{Value, json};

/// The name of the chart.
pub(super) const CHART: &str = "azure-api-management-gateway";
/// The repository of the chart.
pub const REPOSITORY: &str = "https://azure.github.io/api-management-self-hosted-gateway/helm-charts/";
/// The version that is written in place of an older one.
pub const NEW_VERSION: &str = "1.15.1";
/// The first version with workload identity.
const FIRST: Version = Version::new(1, 15, 0);
/// Versions with workload identity, to try a range with: the published ones that are known, and the newest of a series.
const WITH_IDENTITY: [Version; 5] = [
    Version::new(1, 15, 0),
    Version::new(1, 15, 1),
    Version::new(1, 16, 1),
    Version::new(1, u64::MAX, 0),
    Version::new(u64::MAX, 0, 0),
];

/// Whether a version or a range of versions, as Helm, Flux, Argo CD and Terraform take it, only names versions that are too
/// old. A text that is none of these, such as a variable, is not too old.
pub(super) fn is_too_old(text: &str) -> bool {
    let text = text.trim();
    let exact = text.trim_start_matches(['v', '=']).trim();
    if let Ok(version) = Version::parse(exact) {
        return version < FIRST;
    }
    // in Helm, two numbers are a series, and a space separates the parts of a range
    let is_series = exact.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !exact.is_empty();
    let range = if is_series { format!("={exact}") } else { text.replace("||", "|") };
    let alternatives: Vec<Option<VersionReq>> = range.split('|').map(range_of).collect();
    !alternatives.is_empty()
        && alternatives.iter().all(|range| {
            range.as_ref().is_some_and(|range| !WITH_IDENTITY.iter().any(|version| range.matches(version)))
        })
}

fn range_of(text: &str) -> Option<VersionReq> {
    let text = text.trim();
    VersionReq::parse(text).or_else(|_| VersionReq::parse(&text.replace(' ', ", "))).ok()
}

/// Whether a text names Microsoft's chart: its name, with or without a repository's before it, or the address of its OCI
/// repository.
pub(super) fn is_chart(name: &str) -> bool {
    let last = name.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let archived = last.strip_suffix(".tgz").and_then(|name| name.strip_prefix(CHART)?.strip_prefix('-'));
    last == CHART || archived.is_some()
}

/// Whether a word names an archive of the chart whose version is too old, such as `azure-api-management-gateway-1.7.0.tgz`.
pub(super) fn is_old_archive(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or_default();
    let version = last.strip_prefix(CHART).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tgz"));
    version.is_some_and(is_too_old)
}

/// Whether the `Chart.yaml` is that of Microsoft's chart in a version that is too old.
pub fn is_old_chart(chart: &Value) -> bool {
    let text = |key: &str| chart.get(key).and_then(Value::as_str).unwrap_or_default();
    text("name") == CHART && is_too_old(text("version"))
}

/// What to do about a chart of another name that is made from Microsoft's.
pub(super) const OTHER_CHART: &str = "Check that this chart is made from version 1.15.0 or newer of azure-api-management-gateway: older \
                                      charts do not support workload identity";
/// What to do about a copy of the chart that is too old.
pub const OLD_CHART: &str =
    "Replace this copy of the chart by version 1.15.0 or newer: older charts do not support workload identity";

/// Names a copy of Microsoft's chart that is too old. `None` for other charts.
pub(super) fn migrate_copy(chart: &Value) -> Option<ValueMigration> {
    if !is_old_chart(chart) {
        return None;
    }
    let mut report = SourceReport::default();
    report.note(PointerBuf::from_tokens(["version"]), NoteKind::ByHand, OLD_CHART);
    Some(ValueMigration { value: None, report })
}

/// The name of the chart's objects: `fullnameOverride`, or a name that is made of the release's. `chart` is the name of the
/// chart, or its alias as a sub-chart.
pub(super) fn full_name(values: &Value, release: &str, chart: &str) -> String {
    let text = |key: &str| values.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(name) = text("fullnameOverride") {
        return name.to_owned();
    }
    let chart = text("nameOverride").unwrap_or(chart);
    let name = if release.contains(chart) { release.to_owned() } else { format!("{release}-{chart}") };
    // Kubernetes' limit on the length of a label
    name.chars().take(63).collect::<String>().trim_end_matches('-').to_owned()
}

/// Raises the version of Microsoft's chart among the dependencies in the `Chart.yaml` of another chart. `None` if it is not
/// among them.
pub(super) fn migrate_dependencies(file: &str, chart: &Value) -> Option<ValueMigration> {
    let is_ours = |dependency: &Value| dependency.get("name").and_then(Value::as_str) == Some(CHART);
    let dependencies = chart.get("dependencies").and_then(Value::as_array)?;
    if !dependencies.iter().any(is_ours) {
        return None;
    }
    let mut new = chart.clone();
    for dependency in new.get_mut("dependencies").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_old = dependency.get("version").and_then(Value::as_str).is_some_and(is_too_old);
        if is_ours(dependency) && is_old {
            super::value_path::set(dependency, &["version"], json!(NEW_VERSION));
        }
    }
    let mut report = SourceReport::default();
    let value = (new != *chart).then_some(new);
    if value.is_some() {
        let folder = file.rsplit_once('/').map_or(".", |(folder, _)| folder);
        report.apply.push(format!("helm dependency update {}", shell_word(folder)));
    }
    Some(ValueMigration { value, report })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_dependency_is_raised() {
        let chart = json!({"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [
            {"name": "azure-api-management-gateway", "version": "1.12.0", "alias": "apim"}, {"name": "redis", "version": "1.0.0"},
        ]});
        let migration = migrate_dependencies("charts/platform/Chart.yaml", &chart).unwrap();
        let new = migration.value.unwrap();
        assert_eq!(
            (&new["dependencies"][0]["version"], &new["dependencies"][1]),
            (&json!(NEW_VERSION), &chart["dependencies"][1])
        );
        assert_eq!(migration.report.apply, ["helm dependency update charts/platform"]);
        assert_eq!(migrate_dependencies("Chart.yaml", &new).unwrap().value, None);
        assert_eq!(migrate_dependencies("Chart.yaml", &json!({"dependencies": [{"name": "redis"}]})), None);
    }

    #[test]
    fn versions_and_ranges_without_workload_identity_are_too_old() {
        for text in [
            "1.14.1",
            "v1.0.0-rc",
            "1.14",
            "1.14.x",
            "~1.12.0",
            "<1.15.0",
            ">=1.0.0 <1.15.0",
            "0.3.0",
            "=1.2.3",
            "1.2.x || 1.3.x",
        ] {
            assert!(is_too_old(text), "{text}");
        }
        for text in [
            "1.15.0",
            "1.16.1",
            "*",
            "",
            "1.x",
            "^1.2.0",
            ">=1.2.0",
            "1",
            "2.0.0",
            "var.version",
            "${VERSION}",
            "1.2.x || 1.15.x",
            "HEAD",
        ] {
            assert!(!is_too_old(text), "{text}");
        }
    }

    #[test]
    fn the_chart_is_known_by_its_name() {
        for name in [
            "azure-api-management-gateway",
            "azure-apim-gateway/azure-api-management-gateway",
            "oci://a.example/charts/azure-api-management-gateway",
            "./azure-api-management-gateway-1.15.1.tgz",
        ] {
            assert!(is_chart(name), "{name}");
        }
        assert!(!is_chart("azure-api-management-gateway-operator") && !is_chart("gateway"));
    }
}

//! A `HelmRelease` of Flux (helm.toolkit.fluxcd.io): its values, the version of its chart, and Secrets with values.

use super::chart_version::{NEW_VERSION, OTHER_CHART, is_chart, is_too_old};
use super::helm_values::{self, Release, pointer};
use super::value_path;
use super::{NoteKind, SourceContext, SourceReport, ValueMigration, layers, leftovers};
use apim_keyless_core::policy::shell_word;
use jsonptr::PointerBuf;
use serde_json::{Value, json};

/// Migrates a `HelmRelease`. `None` if it does not install Microsoft's chart, and changes nothing of what it installs.
pub(super) fn migrate(object: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let migration = migrate_values(object, context);
    if migration.is_none() && !leftovers::has_changes(object) {
        return None;
    }
    let mut migration = migration.unwrap_or_default();
    leftovers::report(object, context, &|_| None, &mut migration.report);
    Some(migration)
}

fn migrate_values(object: &Value, context: SourceContext<'_>) -> Option<ValueMigration> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let values = object.pointer("/spec/values").cloned().unwrap_or_else(|| json!({}));
    let is_own = text("/spec/chart/spec/chart").is_some_and(is_chart) || helm_values::are_of_chart(&values, context);
    let namespace = text("/spec/targetNamespace").or_else(|| text("/metadata/namespace"));
    let name = release_name(object);
    if !is_own {
        let release = Release { name: name.as_deref(), namespace, ..Release::default() };
        return of_sub_chart(object, &values, release, context);
    }
    let release = Release { name: name.as_deref(), namespace, ..Release::default() };
    let plan = helm_values::plan(&values, release, context);
    let mut report = SourceReport::default();
    helm_values::append(&mut report, plan.report, |at| pointer(["spec", "values"].map(str::to_owned).iter().chain(at)));
    if plan.is_missing_facts {
        return Some(ValueMigration { value: None, report });
    }
    let mut new = object.clone();
    let mut layer = [values];
    layers::apply(&plan.changes, &mut layer, 0);
    let [layer] = layer;
    if !plan.changes.is_empty() {
        value_path::set(&mut new, &["spec", "values"], layer);
    }
    raise_version(&mut new, &mut report);
    // Flux reads values beside the HelmRelease, and not where it installs the release
    remove_key_sources(&mut new, text("/metadata/namespace"), &mut report);
    let value = (new != *object).then_some(new);
    if value.is_some() {
        let namespace = text("/metadata/namespace").map(|name| format!(" --namespace {}", shell_word(name)));
        let namespace = namespace.unwrap_or_default();
        let name = shell_word(text("/metadata/name").unwrap_or("NAME"));
        // Flux reads the release from Git, and applies it with a Kustomization of its own
        report.apply.push("flux reconcile source git GIT_REPOSITORY".to_owned());
        report.apply.push("flux reconcile kustomization KUSTOMIZATION".to_owned());
        report.apply.push(format!("flux reconcile helmrelease {name}{namespace} --with-source"));
    }
    Some(ValueMigration { value, report })
}

/// Migrates the values of Microsoft's chart as a sub-chart of the released one.
fn of_sub_chart(
    object: &Value,
    values: &Value,
    release: Release<'_>,
    context: SourceContext<'_>,
) -> Option<ValueMigration> {
    let ValueMigration { value, report: of_values } =
        super::helm_file::migrate_values_of("", values, release, context)?;
    let mut report = SourceReport::default();
    let at_values = |at: &PointerBuf| {
        let mut place = pointer(&["spec", "values"].map(str::to_owned));
        place.append(at);
        place
    };
    helm_values::append(&mut report, of_values, at_values);
    report.apply.clear();
    if value.is_some() {
        report.note(
            at_values(&PointerBuf::new()),
            NoteKind::Guess,
            format!(
                "Set the version of the dependency azure-api-management-gateway to {NEW_VERSION} or newer in the Chart.yaml \
                 of the chart: older versions do not support workload identity"
            ),
        );
    }
    let value = value.map(|values| {
        let mut new = object.clone();
        value_path::set(&mut new, &["spec", "values"], values);
        new
    });
    Some(ValueMigration { value, report })
}

/// The name that Flux gives the release.
pub(super) fn release_name(object: &Value) -> Option<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let composed = || {
        let name = text("/metadata/name")?;
        Some(text("/spec/targetNamespace").map_or_else(|| name.to_owned(), |target| format!("{target}-{name}")))
    };
    text("/spec/releaseName").map(str::to_owned).or_else(composed)
}

fn raise_version(object: &mut Value, report: &mut SourceReport<PointerBuf>) {
    let path = ["spec", "chart", "spec", "version"];
    let is_old = value_path::get(object, &path).and_then(Value::as_str).is_some_and(is_too_old);
    let chart = ["spec", "chart", "spec", "chart"];
    let name = value_path::get(object, &chart).and_then(Value::as_str);
    match name.map(is_chart) {
        Some(true) if is_old => value_path::set(object, &path, json!(NEW_VERSION)),
        Some(false) => report.note(pointer(&chart.map(str::to_owned)), NoteKind::Guess, OTHER_CHART),
        _ => {}
    }
    if let Some(reference) = object.pointer("/spec/chartRef") {
        let text = |key: &str| reference.get(key).and_then(Value::as_str).unwrap_or("NAME");
        let message = format!(
            "Check that {} \"{}\" selects version 1.15.0 or newer of the chart: older versions do not support workload \
             identity",
            text("kind"),
            text("name")
        );
        report.note(pointer(&["spec", "chartRef"].map(str::to_owned)), NoteKind::Guess, message);
    }
}

/// Removes the entries of `valuesFrom` that only supply the key, and reports Secrets with any values.
fn remove_key_sources(object: &mut Value, namespace: Option<&str>, report: &mut SourceReport<PointerBuf>) {
    let Some(sources) = object.pointer_mut("/spec/valuesFrom").and_then(Value::as_array_mut) else { return };
    let text = |source: &Value, key: &str| source.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_of_key = |source: &Value| {
        let target = value_path::parse(&text(source, "targetPath")).join(".");
        ["gateway.auth.key", "gateway.authKey", "gateway.auth.azureAd.app.secret"].contains(&target.as_str())
    };
    let (removed, kept): (Vec<Value>, Vec<Value>) = std::mem::take(sources).into_iter().partition(is_of_key);
    *sources = kept;
    let at = pointer(&["spec", "valuesFrom"].map(str::to_owned));
    for source in
        sources.iter().filter(|source| text(source, "kind") == "Secret" && text(source, "targetPath").is_empty())
    {
        let message = format!(
            "Look for gateway.auth.key in Secret \"{}\", and remove it: with workload identity the gateway needs no key",
            text(source, "name")
        );
        report.note(at.clone(), NoteKind::Guess, message);
    }
    let is_empty = sources.is_empty();
    for source in removed.iter().filter(|source| text(source, "kind") == "Secret") {
        report.delete_secret(namespace, &text(source, "name"));
    }
    if is_empty && !removed.is_empty() {
        value_path::remove(object, &["spec", "valuesFrom"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration_sources::tests::deletions;
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::Facts;

    const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

    fn migrated(object: &Value) -> Option<ValueMigration> {
        let facts = Facts { client_id: Some(CLIENT_ID.to_owned()), ..Facts::default() };
        let context = SourceContext { facts: &facts, images: &Images::default() };
        let migration = migrate(object, context)?;
        if let Some(new) = &migration.value {
            assert_eq!(migrate(new, context).unwrap().value, None, "{new}");
        }
        Some(migration)
    }

    fn release(version: &str, values: &Value) -> Value {
        json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "orders", "namespace": "flux-system"},
            "spec": {
                "targetNamespace": "gateways",
                "chart": {"spec": {"chart": "azure-api-management-gateway", "version": version}},
                "values": values,
                "valuesFrom": [{"kind": "Secret", "name": "token", "valuesKey": "t", "targetPath": "gateway.auth.key"}],
            },
        })
    }

    #[test]
    fn values_version_and_key_change() {
        let values = json!({"gateway": {"configuration": {"uri": "contoso.configuration.azure-api.net"}}});
        let migration = migrated(&release("1.12.x", &values)).unwrap();
        let new = migration.value.unwrap();
        assert_eq!(new["spec"]["chart"]["spec"]["version"], NEW_VERSION);
        assert_eq!(new["spec"]["values"]["gateway"]["auth"]["azureAd"]["app"]["id"], CLIENT_ID);
        // Flux makes the name of the release from both names
        assert_eq!(new["spec"]["values"]["gateway"]["name"], "gateways-orders");
        assert_eq!(new["spec"].get("valuesFrom"), None);
        let report = migration.report;
        assert_eq!(deletions(&report), ["kubectl delete -n flux-system secret token"]);
        assert_eq!(
            report.apply,
            [
                "flux reconcile source git GIT_REPOSITORY",
                "flux reconcile kustomization KUSTOMIZATION",
                "flux reconcile helmrelease orders --namespace flux-system --with-source"
            ]
        );
        let gateway = &report.gateways[0];
        assert_eq!(gateway.service_account, "gateways-orders-azure-api-management-gateway");
        assert_eq!(report.notes[0].at.to_string(), "/spec/values/gateway/name");
    }

    #[test]
    fn a_version_that_is_new_enough_stays() {
        let new = migrated(&release(">=1.15.0", &json!({}))).unwrap().value.unwrap();
        assert_eq!(new["spec"]["chart"]["spec"]["version"], ">=1.15.0");
    }

    #[test]
    fn values_of_a_sub_chart_change_and_its_version_is_said() {
        let mut object = release("0.1.0", &json!({"apim": {"gateway": {"auth": {"type": "GatewayToken"}}}}));
        object["spec"]["chart"]["spec"]["chart"] = json!("./charts/platform");
        let migration = migrated(&object).unwrap();
        let new = migration.value.unwrap();
        assert_eq!(new["spec"]["values"]["apim"]["gateway"]["auth"]["type"], "WorkloadIdentity");
        assert_eq!(new["spec"]["chart"]["spec"]["version"], "0.1.0");
        let kinds: Vec<NoteKind> = migration.report.notes.iter().map(|note| note.kind).collect();
        assert_eq!(kinds, [NoteKind::Guess, NoteKind::Guess]);
    }

    #[test]
    fn another_release_is_left_alone() {
        let mut object = release("1.0.0", &json!({"gateway": {"enabled": true}}));
        object["spec"]["chart"]["spec"]["chart"] = json!("istio");
        assert_eq!(migrated(&object), None);
    }
}

//! The resources of the Kubernetes provider: workloads of gateways, their `ConfigMap`s, Secrets and `ServiceAccount`s.

use super::editor::Editor;
use super::workload::Workload;
use super::{Sources, resource_name, resource_type, resources, values};
use crate::migration_sources::chart_version::CHART;
use crate::migration_sources::helm_values::KEY_MESSAGE;
use crate::migration_sources::{KeyResource, NoteKind, SourceContext, SourceReport, patch_finder};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, TENANT_ID, USE};
use apim_keyless_core::gateway::{AuthMethod, Setting, WORKLOAD_IDENTITY};
use hcl_edit::Span;
use hcl_edit::expr::{Expression, Object};
use hcl_edit::structure::{Block, Body};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The resources with a pod template, without the suffix `_v1`.
const WORKLOADS: [&str; 7] = [
    "kubernetes_deployment",
    "kubernetes_stateful_set",
    "kubernetes_daemonset",
    "kubernetes_daemon_set",
    "kubernetes_replication_controller",
    "kubernetes_job",
    "kubernetes_pod",
];

/// The type of a resource without the suffix `_v1`.
pub(super) fn kind(block: &Block) -> &str {
    let name = resource_type(block);
    name.strip_suffix("_v1").unwrap_or(name)
}

/// The first block of this name in a body.
pub(super) fn child<'b>(body: &'b Body, name: &str) -> Option<&'b Block> {
    body.blocks().find(|block| block.has_ident(name))
}

/// An attribute of the block `metadata` of a resource.
pub(super) fn metadata<'b>(block: &'b Block, name: &str) -> Option<&'b Expression> {
    child(&block.body, "metadata")?.body.get_attribute(name).map(|attribute| &attribute.value)
}

/// Migrates the gateways of a configuration. `secrets` are the Secrets of keys that releases took.
pub(super) fn migrate(
    sources: Sources<'_, '_>,
    mut secrets: BTreeSet<String>,
    editor: &mut Editor<'_>,
    context: SourceContext<'_>,
    report: &mut SourceReport<usize>,
) {
    let (body, mut accounts) = (sources.body, Vec::new());
    let mut config_maps: Vec<&Block> = Vec::new();
    for block in resources(body).filter(|block| WORKLOADS.contains(&kind(block))) {
        if let Some(workload) = Workload::of(block, sources, editor, context) {
            workload.migrate(editor, report, &mut accounts);
            secrets.extend(workload.secrets(editor));
            config_maps.extend(workload.config_maps());
        }
    }
    report.key_secrets.extend(secrets.iter().cloned());
    for block in body.blocks().filter(|block| block.has_ident("module")) {
        module(block, editor, context, report);
    }
    for block in resources(body) {
        match kind(block) {
            "kubernetes_config_map" => {
                let is_taken = config_maps.iter().any(|taken| std::ptr::eq(*taken, block));
                if let Some(data) = data(block).filter(|data| !is_taken && holds_key(data, editor)) {
                    change_settings(data, &Map::new(), editor, report);
                }
            }
            "kubernetes_secret" => secret(block, &secrets, editor, report),
            "kubernetes_manifest" | "kubectl_manifest" => manifest(block, editor, context, report),
            _ => {}
        }
    }
}

/// The entries of a `ConfigMap` or a Secret, if they are written in an object.
pub(super) fn data(block: &Block) -> Option<&Object> {
    block.body.get_attribute("data")?.value.as_object()
}

/// Whether entries hold the setting of a gateway that authenticates in another way than with workload identity.
fn holds_key(data: &Object, editor: &Editor<'_>) -> bool {
    entries(data, editor).any(|(setting, text)| setting.is_auth() && text != WORKLOAD_IDENTITY)
}

/// The settings of a gateway among the entries of an object, with their values.
pub(super) fn entries(data: &Object, editor: &Editor<'_>) -> impl Iterator<Item = (Setting, String)> {
    let known = data.iter().filter_map(|(name, member)| {
        let setting = Setting::of(&values::key(name)?)?;
        Some((setting, values::value(member.expr(), editor).as_str().unwrap_or_default().to_owned()))
    });
    known.collect::<Vec<_>>().into_iter()
}

/// Whether a setting is one of another method of authentication than workload identity.
pub(super) fn is_of_other_method(setting: Setting) -> bool {
    setting.is_config_service() && !matches!(setting, Setting::Auth | Setting::Endpoint | Setting::TokenAudience)
}

/// Lets the entries of a `ConfigMap` select workload identity, with these further settings. Returns false if a person has to
/// write them.
pub(super) fn change_settings(
    data: &Object,
    further: &Map<String, Value>,
    editor: &mut Editor<'_>,
    report: &mut SourceReport<usize>,
) -> bool {
    let mut new = Map::new();
    for (name, member) in data {
        let Some(key) = values::key(name) else { continue };
        let value = values::value(member.expr(), editor);
        let setting = Setting::of(&key);
        if value.as_str().is_some_and(|text| setting.is_some_and(|setting| is_key(setting, text))) {
            report.note(editor.line(member.expr()), NoteKind::Key, KEY_MESSAGE);
        }
        match setting {
            Some(Setting::Auth) => _ = new.insert(key, json!(WORKLOAD_IDENTITY)),
            Some(setting) if is_of_other_method(setting) => {}
            Some(setting) if further.contains_key(setting.name()) => {
                new.insert(key, further.get(setting.name()).cloned().unwrap_or_default());
            }
            _ => _ = new.insert(key, value),
        }
    }
    let has = |new: &Map<String, Value>, name: &str| new.keys().any(|key| Setting::of(key) == Setting::of(name));
    let auth = (Setting::Auth.name().to_owned(), json!(WORKLOAD_IDENTITY));
    for (name, value) in std::iter::once(auth).chain(further.clone()) {
        if !has(&new, &name) {
            new.insert(name, value);
        }
    }
    let mark = editor.mark();
    let is_changed = values::change(data, &new, editor);
    if !is_changed {
        editor.undo(mark);
        let lines: Vec<String> = new
            .iter()
            .filter(|(key, _)| Setting::of(key).is_some())
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        report.note(
            editor.line(data),
            NoteKind::ByHand,
            format!("Write into these entries by hand: {}", lines.join(", ")),
        );
    }
    is_changed
}

/// Whether the value of a setting is a key in plain text.
pub(super) fn is_key(setting: Setting, text: &str) -> bool {
    setting.is_auth() && !text.contains("${") && AuthMethod::of(setting, text) == AuthMethod::Key
}

/// Reports a Secret of these names, or resources, that gateways took.
fn secret(block: &Block, secrets: &BTreeSet<String>, editor: &Editor<'_>, report: &mut SourceReport<usize>) {
    let name = metadata(block, "name").map(|name| values::value(name, editor));
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    let reference = format!("{}.{}", resource_type(block), resource_name(block));
    if !secrets.contains(name) && !secrets.contains(&reference) {
        return;
    }
    // Terraform deletes it
    report.delete.retain(|secret| secret.name != name);
    for (_, member) in data(block).into_iter().flat_map(Object::iter) {
        let value = values::value(member.expr(), editor);
        if value.as_str().is_some_and(|text| is_key(Setting::AuthKey, text)) {
            report.note(editor.line(member.expr()), NoteKind::Key, KEY_MESSAGE);
        }
    }
    let message = format!(
        "Remove resource {reference} and what refers to it after the rollout: with workload identity the gateway needs no key"
    );
    report.note(editor.line(block), NoteKind::AfterRollout, message);
    report.key_resources.push(KeyResource { at: editor.line(block), reference, name: name.to_owned() });
}

/// Names a gateway in a `kubernetes_manifest`.
fn manifest(block: &Block, editor: &Editor<'_>, context: SourceContext<'_>, report: &mut SourceReport<usize>) {
    let text = editor.slice(block);
    let start = block.span().map_or(0, |range| range.start);
    for (at, _) in text.match_indices("GatewayKey ") {
        let value = text.get(at..).and_then(|rest| rest.split(['"', '\'', '\n']).next()).unwrap_or_default();
        if is_key(Setting::AuthKey, value) {
            report.note(editor.line_at(start + at), NoteKind::Key, KEY_MESSAGE);
        }
    }
    let is_image = |word: &str| context.images.is_gateway(word);
    let mut words = text.split(|letter: char| letter.is_whitespace() || ['"', '\''].contains(&letter));
    let is_gateway = words.any(is_image) || text.contains("config.service.auth");
    let is_migrated = text.contains(USE) || (text.contains(WORKLOAD_IDENTITY) && !text.contains("containers"));
    if is_gateway && !is_migrated {
        report.note(editor.line(block), NoteKind::ByHand, MANIFEST);
    }
}

/// Names a module that gets values of a gateway. A module of the input is migrated in its own files.
fn module(block: &Block, editor: &Editor<'_>, context: SourceContext<'_>, report: &mut SourceReport<usize>) {
    let text = editor.slice(block);
    let mut words = text.split(|letter: char| letter.is_whitespace() || ['"', '\''].contains(&letter));
    let is_about = ["gateway.auth.", "gateway.authKey", "GatewayKey ", CHART].iter().any(|mark| text.contains(mark))
        || patch_finder::mentions_other_method(text)
        || words.any(|word| context.images.is_gateway(word));
    let is_migrated = text.to_ascii_lowercase().contains(&WORKLOAD_IDENTITY.to_ascii_lowercase());
    if is_about && !is_migrated {
        report.note(editor.line(block), NoteKind::ByHand, MODULE);
    }
}

const MODULE: &str = "Change what this module gets by hand: remove the auth key, and select WorkloadIdentity with the client id and \
                      the name of the gateway; a module in another place is not read";
const MANIFEST: &str = "Move this manifest into a YAML file and migrate it there, or change it by hand: remove the auth key, set \
                        config.service.auth: workloadIdentity and gateway.name in the ConfigMap, the label \
                        azure.workload.identity/use: \"true\" and a serviceAccountName in the pod template, and an image of \
                        version 2.11.0 or newer";

/// The resource of a new `ServiceAccount`.
pub(super) fn service_account(
    resource: &str,
    name: &str,
    namespace: Option<&str>,
    annotations: &Map<String, Value>,
) -> String {
    let namespace = namespace.map(|namespace| format!("    namespace = {namespace}\n")).unwrap_or_default();
    let labels = values::expression(&json!({USE: "true"}), "    ");
    let annotations = values::expression(&Value::Object(annotations.clone()), "    ");
    format!(
        "\nresource \"kubernetes_service_account_v1\" \"{resource}\" {{\n  metadata {{\n    name      = {}\n{namespace}    \
         labels = {labels}\n    annotations = {annotations}\n  }}\n}}\n",
        values::string(name)
    )
}

/// The annotations of the `ServiceAccount` of a gateway.
pub(super) fn annotations(client_id: &str, tenant_id: Option<&str>) -> Map<String, Value> {
    let tenant_id = tenant_id.map(|id| (TENANT_ID.to_owned(), json!(id)));
    std::iter::once((CLIENT_ID.to_owned(), json!(client_id))).chain(tenant_id).collect()
}

/// Adds members to the object of an attribute in a block, or the attribute, or `merge` around another expression.
pub(super) fn add_members(
    block: &Block,
    attribute: &str,
    members: &Map<String, Value>,
    editor: &mut Editor<'_>,
) -> bool {
    let Some(written) = block.body.get_attribute(attribute) else {
        let Some(indentation) = inner_indentation(block, editor) else { return false };
        let text = values::expression(&Value::Object(members.clone()), &indentation);
        return insert_first(block, &format!("{indentation}{attribute} = {text}\n"), editor);
    };
    if let Some(object) = written.value.as_object() {
        let Value::Object(mut new) = values::value(&written.value, editor) else { return false };
        let is_same = members.iter().all(|(name, value)| new.get(name) == Some(value));
        new.extend(members.clone());
        return is_same || values::change(object, &new, editor);
    }
    let text = editor.slice(&written.value);
    if members.keys().all(|name| text.contains(name.as_str())) {
        return true;
    }
    let Some(range) = written.value.span() else { return false };
    let members: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("{} = {}", values::key_text(name), values::expression(value, "")))
        .collect();
    editor.replace(range, format!("merge({}, {{ {} }})", text.trim(), members.join(", ")));
    true
}

/// The indentation of what is in a block.
pub(super) fn inner_indentation(block: &Block, editor: &Editor<'_>) -> Option<String> {
    let first = block.body.iter().next().and_then(Span::span);
    let own = editor.indentation(block.span()?.start);
    Some(first.map_or_else(|| format!("{own}  "), |first| editor.indentation(first.start).to_owned()))
}

/// Inserts lines at the beginning of a block. Returns false if the block is written in one line.
pub(super) fn insert_first(block: &Block, lines: &str, editor: &mut Editor<'_>) -> bool {
    let Some(start) = block.ident.span().map(|range| range.end) else { return false };
    let Some(brace) = editor.text.get(start..).and_then(|rest| rest.find('{')) else { return false };
    let after = start + brace + 1;
    let rest = editor.text.get(after..).unwrap_or_default();
    let is_in_lines =
        rest.split('\n').next().is_some_and(|rest| rest.trim().is_empty() || rest.trim().starts_with('#'));
    if is_in_lines && rest.contains('\n') {
        editor.insert_lines(after, lines);
    }
    is_in_lines
}

#[cfg(test)]
mod tests {
    use crate::migration_sources::terraform::migrate_terraform;
    use crate::migration_sources::terraform::tests::NO_FILES;
    use crate::migration_sources::{NoteKind, SourceContext, TextMigration};
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::{Fact, Facts};

    const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

    fn migrated(text: &str, facts: &Facts) -> Option<TextMigration> {
        let context = SourceContext { facts, images: &Images::default() };
        let migration = migrate_terraform(text, context, &NO_FILES)?;
        if let Some(new) = &migration.text {
            let second = migrate_terraform(new, context, &NO_FILES);
            assert_eq!(second.and_then(|second| second.text), None, "{new}");
        }
        Some(migration)
    }

    fn facts() -> Facts {
        Facts { client_id: Some(CLIENT_ID.to_owned()), ..Facts::default() }
    }

    fn deployment(spec: &str, container: &str) -> String {
        format!(
            "resource \"kubernetes_deployment_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders\"\n    namespace = \"gateways\"\n  }}\n  spec {{\n    template {{\n      metadata {{\n        labels = merge(local.labels, {{ a = \"b\" }})\n      }}\n      spec {{\n{spec}        container {{\n          name  = \"gateway\"\n          image = \"mcr.microsoft.com/azure-api-management/gateway:2.12.2\"\n{container}        }}\n      }}\n    }}\n  }}\n}}\n"
        )
    }

    const SETTINGS: &str = "          env_from {\n            config_map_ref {\n              name = kubernetes_config_map_v1.orders.metadata.0.name\n            }\n          }\n          env_from {\n            secret_ref {\n              name = \"apim-access-token\"\n            }\n          }\n";

    #[test]
    fn a_config_map_and_an_account_of_the_configuration_are_changed() {
        let text = format!(
            "{}\nresource \"kubernetes_config_map_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders-env\"\n  }}\n  data = {{\n    \"config.service.auth\" = \"key\" # token\n    \"config.service.endpoint\" = \"https://contoso.management.azure-api.net/subscriptions/s/gateways/shop?api-version=1\"\n    other = var.other\n  }}\n}}\n\nresource \"kubernetes_service_account_v1\" \"orders\" {{\n  metadata {{\n    name = \"orders-account\"\n  }}\n}}\n\nresource \"kubernetes_secret_v1\" \"token\" {{\n  metadata {{\n    name = \"apim-access-token\"\n  }}\n  data = {{\n    \"config.service.auth.key\" = \"GatewayKey shop&202701010000&c2Vj\"\n  }}\n}}\n",
            deployment(
                "        service_account_name = kubernetes_service_account_v1.orders.metadata.0.name\n",
                SETTINGS
            )
        );
        let migration = migrated(&text, &facts()).unwrap();
        let new = migration.text.unwrap();
        for line in [
            "        labels = merge(merge(local.labels, { a = \"b\" }), { \"azure.workload.identity/use\" = \"true\" })\n",
            "    \"config.service.auth\" = \"workloadIdentity\" # token\n    \"config.service.endpoint\" = \"contoso.configuration.azure-api.net\"\n    other = var.other\n    \"gateway.name\" = \"shop\"\n",
            "    name = \"orders-account\"\n",
            "      \"azure.workload.identity/client-id\" = \"11111111-2222-3333-4444-555555555555\"\n",
            "        service_account_name = kubernetes_service_account_v1.orders.metadata.0.name\n",
        ] {
            assert!(new.contains(line), "{line}\n{new}");
        }
        assert!(!new.contains("secret_ref {"), "{new}");
        let notes = &migration.report.notes;
        assert!(notes.iter().any(|note| note.kind == NoteKind::Key));
        assert!(notes.iter().any(|note| note.message.starts_with("Remove resource kubernetes_secret_v1.token ")));
        assert!(notes.iter().all(|note| !note.message.contains("c2Vj")));
        assert_eq!(migration.report.gateways[0].service_account, "orders-account");
        assert_eq!(migration.report.gateways[0].namespace.as_deref(), Some("gateways"));
    }

    #[test]
    fn variables_are_changed_and_an_account_is_added() {
        let variables = "          env {\n            name  = \"config.service.auth\"\n            value = \"azureAdApp\"\n          }\n          env {\n            name  = \"config.service.auth.azureAd.clientId\"\n            value = var.client_id\n          }\n          env {\n            name = \"config.service.auth.azureAd.clientSecret\"\n            value_from {\n              secret_key_ref {\n                name = \"app\"\n                key  = \"secret\"\n              }\n            }\n          }\n          env {\n            name  = \"gateway.name\"\n            value = \"orders\"\n          }\n";
        let migration = migrated(&deployment("", variables), &Facts::default()).unwrap();
        let new = migration.text.unwrap();
        assert!(new.contains("            value = \"workloadIdentity\"\n"), "{new}");
        assert!(!new.contains("azureAd") && !new.contains("\"app\""), "{new}");
        assert!(
            new.contains("service_account_name = kubernetes_service_account_v1.orders_identity.metadata[0].name\n"),
            "{new}"
        );
        assert!(new.contains("      \"azure.workload.identity/client-id\" = var.client_id\n"), "{new}");
    }

    #[test]
    fn the_method_is_not_repeated_beside_a_config_map() {
        let variable = "          env {\n            name = \"config.service.auth\"\n            value_from {\n              secret_key_ref {\n                name = \"token\"\n                key  = \"value\"\n              }\n            }\n          }\n";
        let source = |more: &str| {
            format!(
                "          env_from {{\n{more}            config_map_ref {{\n              name = kubernetes_config_map_v1.orders.metadata[0].name\n            }}\n          }}\n"
            )
        };
        let map = "\nresource \"kubernetes_config_map_v1\" \"orders\" {\n  metadata {\n    name = \"orders\"\n  }\n  data = {\n    other = \"a\"\n  }\n}\n";
        let unknown = "          env_from {\n            config_map_ref {\n              name = \"unknown\"\n            }\n          }\n";
        for (sources, map, stays) in [
            (source(""), map, false),
            // the ConfigMap does not have the setting under its name, or another one can have it
            (source("            prefix = \"A_\"\n"), map, true),
            (source("") + unknown, map, true),
            (source(""), "", true),
        ] {
            let text = format!("{}{map}", deployment("", &format!("{variable}{sources}")));
            let new = migrated(&text, &facts()).unwrap().text.unwrap();
            let is_written = new.contains("    \"config.service.auth\" = \"workloadIdentity\"\n");
            assert_eq!(is_written, !map.is_empty(), "{new}");
            assert_eq!(new.contains("name  = \"config.service.auth\"\n"), stays, "{new}");
            assert!(!new.contains("secret_key_ref"), "{new}");
        }
    }

    #[test]
    fn new_lines_end_like_the_file() {
        let variable = "          env {\n            name = \"config.service.auth\"\n            value_from {\n              secret_key_ref {\n                name = \"token\"\n                key  = \"value\"\n              }\n            }\n          }\n";
        let text = deployment("", variable).replace("merge(local.labels, { a = \"b\" })", "{ a = \"b\" }");
        let new = migrated(&text.replace('\n', "\r\n"), &facts()).unwrap().text.unwrap();
        assert_eq!(new.matches('\n').count(), new.matches("\r\n").count(), "{new:?}");
        let of_unix = migrated(&text, &facts()).unwrap().text.unwrap();
        assert_eq!(new.replace("\r\n", "\n"), of_unix);
    }

    #[test]
    fn without_a_client_id_nothing_changes() {
        let migration = migrated(&deployment("", SETTINGS), &Facts::default()).unwrap();
        let kinds: Vec<NoteKind> = migration.report.notes.iter().map(|note| note.kind).collect();
        assert_eq!((migration.text, kinds), (None, vec![NoteKind::Missing(Fact::ClientId)]));
    }

    #[test]
    fn a_manifest_is_changed_by_hand() {
        let text = "resource \"kubernetes_manifest\" \"a\" {\n  manifest = {\n    image = \"mcr.microsoft.com/azure-api-management/gateway:v2\"\n  }\n}\n";
        let migration = migrated(text, &facts()).unwrap();
        assert_eq!((migration.text, migration.report.notes[0].kind), (None, NoteKind::ByHand));
    }

    #[test]
    fn resources_of_applications_are_left_alone() {
        let text = "resource \"kubernetes_config_map\" \"a\" {\n  data = {\n    X__AccessToken = \"SharedAccessSignature x&y&z\"\n  }\n}\nresource \"kubernetes_deployment\" \"a\" {\n  spec {\n    template {\n      spec {\n        container {\n          image = \"a/gateway\"\n          env {\n            name  = \"ENDPOINT\"\n            value = \"x\"\n          }\n        }\n      }\n    }\n  }\n}\n";
        assert_eq!(migrated(text, &facts()), None);
    }
}

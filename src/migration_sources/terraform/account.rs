//! The `ServiceAccount` of a gateway's workload in Terraform.

use super::editor::Editor;
use super::kubernetes::{
    add_members, annotations, child, inner_indentation, insert_first, kind, metadata, service_account,
};
use super::workload::Workload;
use super::{resource_name, resource_type, resources, values};
use crate::migration_sources::{NoteKind, SourceGateway, SourceReport};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, DEFAULT_SERVICE_ACCOUNT, USE};
use apim_keyless_core::migration::ARTICLE_ACCOUNT;
use apim_keyless_core::policy::shell_word;
use hcl_edit::Span;
use hcl_edit::structure::{Attribute, Block};
use serde_json::{Map, Value, json};

/// A `ServiceAccount` that was added for the gateways of a namespace.
pub(super) struct NewAccount {
    namespace: Option<String>,
    reference: String,
}

impl Workload<'_> {
    /// Sets the label and the `ServiceAccount`, whose name is added to the gateway.
    pub(super) fn identity(
        &self,
        mut gateway: SourceGateway,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
        accounts: &mut Vec<NewAccount>,
    ) {
        let label = Map::from_iter([(USE.to_owned(), json!("true"))]);
        let is_labeled = child(&self.template.body, "metadata")
            .is_some_and(|metadata| add_members(metadata, "labels", &label, editor));
        if !is_labeled {
            report.note(editor.line(self.template), NoteKind::ByHand, LABEL);
        }
        let client_id = gateway.client_id.as_deref().unwrap_or_default();
        let annotations = annotations(client_id, self.context.facts.tenant_id.as_deref());
        let written = self.spec.body.get_attribute("service_account_name");
        let own = written.filter(|name| name.value.as_str() != Some(DEFAULT_SERVICE_ACCOUNT));
        gateway.service_account = match own.filter(|_| self.context.facts.service_account.is_none()) {
            Some(own) => self.existing_account(own, (&annotations, &label), editor, report),
            None => self.new_account(written, &annotations, accounts, editor, report),
        };
        report.gateways.push(gateway);
    }

    /// The `ServiceAccount` of this configuration that the workload names.
    fn account(&self, own: &Attribute, editor: &Editor<'_>) -> Option<&Block> {
        let text = editor.slice(&own.value).trim().to_owned();
        resources(self.body).filter(|block| kind(block) == "kubernetes_service_account").find(|block| {
            text.starts_with(&format!("{}.{}.", resource_type(block), resource_name(block)))
                || metadata(block, "name").is_some_and(|name| editor.slice(name).trim() == text)
        })
    }

    /// An annotation of the `ServiceAccount` that the workload names, if it is in this configuration.
    pub(super) fn annotated(&self, name: &str, editor: &Editor<'_>) -> Option<String> {
        let account = self.account(self.spec.body.get_attribute("service_account_name")?, editor)?;
        let annotations = metadata(account, "annotations")?.as_object()?;
        let mut entries = annotations.iter().filter(|(key, _)| values::key(key).as_deref() == Some(name));
        entries.find_map(|(_, member)| values::value(member.expr(), editor).as_str().map(str::to_owned))
    }

    /// Annotates the `ServiceAccount` that the workload names, and returns its name.
    fn existing_account(
        &self,
        own: &Attribute,
        (annotations, label): (&Map<String, Value>, &Map<String, Value>),
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) -> String {
        let account = self.account(own, editor);
        let block = account.and_then(|account| child(&account.body, "metadata"));
        let is_set = block.is_some_and(|metadata| {
            add_members(metadata, "annotations", annotations, editor) && add_members(metadata, "labels", label, editor)
        });
        if !is_set && let Some(name) = own.value.as_str().filter(|_| account.is_none()) {
            // it is of nothing in this configuration
            let namespace = metadata(self.block, "namespace").and_then(|namespace| namespace.as_str());
            report.apply.extend(commands_of_account((name, namespace), annotations));
        } else if !is_set {
            let client_id = annotations.get(CLIENT_ID).and_then(Value::as_str).unwrap_or_default();
            let message = format!(
                "Set annotation {CLIENT_ID}: {client_id} and label {USE}: \"true\" on the ServiceAccount that this line \
                 names"
            );
            report.note(editor.line(own), NoteKind::ByHand, message);
        }
        let name = account.and_then(|account| metadata(account, "name")).unwrap_or(&own.value);
        values::value(name, editor).as_str().unwrap_or_default().to_owned()
    }

    /// Lets the workload run under a new `ServiceAccount`, and returns its name.
    fn new_account(
        &self,
        written: Option<&Attribute>,
        annotations: &Map<String, Value>,
        accounts: &mut Vec<NewAccount>,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) -> String {
        let name = self.context.facts.service_account.as_deref().unwrap_or(ARTICLE_ACCOUNT);
        let namespace = metadata(self.block, "namespace").map(|namespace| editor.slice(namespace).trim().to_owned());
        let resource = format!("{}_identity", resource_name(self.block));
        let known = accounts.iter().find(|account| account.namespace == namespace);
        let reference = known.map_or_else(
            || format!("kubernetes_service_account_v1.{resource}.metadata[0].name"),
            |account| account.reference.clone(),
        );
        if let Some(range) = self.block.span().filter(|_| known.is_none()) {
            editor.insert_lines(range.end, &service_account(&resource, name, namespace.as_deref(), annotations));
            accounts.push(NewAccount { namespace, reference: reference.clone() });
        }
        let range = written.and_then(|attribute| attribute.value.span());
        let is_set = match (range, inner_indentation(self.spec, editor)) {
            (Some(range), _) => {
                editor.replace(range, reference.clone());
                true
            }
            (None, Some(indentation)) => {
                insert_first(self.spec, &format!("{indentation}service_account_name = {reference}\n"), editor)
            }
            (None, None) => false,
        };
        if !is_set {
            let message = format!("Set service_account_name = {reference} in this block");
            report.note(editor.line(self.spec), NoteKind::ByHand, message);
        }
        name.to_owned()
    }
}

/// The commands that give its identity to a `ServiceAccount` that something else made.
fn commands_of_account((name, namespace): (&str, Option<&str>), annotations: &Map<String, Value>) -> [String; 2] {
    let (account, namespace) = (shell_word(name), shell_word(namespace.unwrap_or("NAMESPACE")));
    let pair = |(key, value): (&String, &Value)| format!("{key}={}", value.as_str().unwrap_or_default());
    let pairs: Vec<String> = annotations.iter().map(|annotation| shell_word(&pair(annotation))).collect();
    let of = |verb: &str, pairs: &str| {
        format!("kubectl {verb} serviceaccount {account} --namespace {namespace} --overwrite {pairs}")
    };
    [of("annotate", &pairs.join(" ")), of("label", &format!("{USE}=true"))]
}

const LABEL: &str = "Set label azure.workload.identity/use = \"true\" in the metadata of this template";

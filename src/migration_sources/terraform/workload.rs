//! A workload of a gateway in Terraform.

use super::editor::Editor;
use super::kubernetes::{
    add_members, annotations, change_settings, child, data, entries, inner_indentation, insert_first,
    is_of_other_method, kind, metadata, service_account,
};
use super::variables::{add_variables, remove_secret, setting, variable_of, variables};
use super::{resource_name, resource_type, resources, values};
use crate::migration_sources::helm_values::is_variable;
use crate::migration_sources::{NoteKind, SourceContext, SourceGateway, SourceReport};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, DEFAULT_SERVICE_ACCOUNT, USE};
use apim_keyless_core::gateway::{EndpointForm, ImageName, ImageVersion, Setting, WORKLOAD_IDENTITY, is_guid};
use apim_keyless_core::migration::{ARTICLE_ACCOUNT, Fact, IMAGE_VERSION, endpoint_of_version_2, gateway_in_address};
use apim_keyless_core::policy::FIRST_VERSION;
use hcl_edit::Span;
use hcl_edit::expr::Object;
use hcl_edit::structure::{Attribute, Block, Body};
use serde_json::{Map, Value, json};

/// A workload with containers of a gateway.
pub(super) struct Workload<'b> {
    block: &'b Block,
    body: &'b Body,
    /// The block with the labels and the one with the containers.
    template: &'b Block,
    spec: &'b Block,
    containers: Vec<&'b Block>,
    context: SourceContext<'b>,
}

/// A `ServiceAccount` that was added for the gateways of a namespace.
pub(super) struct NewAccount {
    namespace: Option<String>,
    reference: String,
}

impl<'b> Workload<'b> {
    /// A resource with a container of a gateway.
    pub(super) fn of(
        block: &'b Block,
        body: &'b Body,
        editor: &Editor<'_>,
        context: SourceContext<'b>,
    ) -> Option<Self> {
        let spec = child(&block.body, "spec")?;
        let is_pod = kind(block) == "kubernetes_pod";
        let template = if is_pod { block } else { child(&spec.body, "template")? };
        let spec = if is_pod { spec } else { child(&template.body, "spec")? };
        let containers: Vec<&Block> = spec
            .body
            .get_blocks("container")
            .filter(|container| {
                let image = container.body.get_attribute("image").map(|image| values::value(&image.value, editor));
                let is_image =
                    image.as_ref().and_then(Value::as_str).is_some_and(|name| context.images.is_gateway(name));
                is_image || variables(container, editor).any(|(setting, _)| setting.is_auth())
            })
            .collect();
        (!containers.is_empty()).then_some(Self { block, body, template, spec, containers, context })
    }

    /// The `ConfigMap`s of this configuration that the gateway takes as a whole.
    pub(super) fn config_maps(&self) -> Vec<&'b Block> {
        let sources = self.containers.iter().flat_map(|container| container.body.get_blocks("env_from"));
        let references = sources.filter_map(|source| child(&source.body, "config_map_ref"));
        references.filter_map(|reference| self.resource(reference, "kubernetes_config_map")).collect()
    }

    /// The resource that the attribute `name` of a block names, by a reference or by its own name.
    fn resource(&self, reference: &Block, wanted: &str) -> Option<&'b Block> {
        let text = reference.body.get_attribute("name")?.value.to_string();
        let text = text.trim();
        resources(self.body).filter(|block| kind(block) == wanted).find(|block| {
            let start = format!("{}.{}.", resource_type(block), resource_name(block));
            let is_name = || metadata(block, "name").is_some_and(|name| name.to_string().trim() == text);
            text.starts_with(&start) || is_name()
        })
    }

    /// The names of the Secrets, or the resources, that held a key or a client secret.
    pub(super) fn secrets(&self, editor: &Editor<'_>) -> Vec<String> {
        let blocks = self.containers.iter().flat_map(|container| {
            let of_variables = container.body.get_blocks("env").filter_map(|variable| {
                setting(variable, editor).filter(|setting| setting.is_auth() || is_of_other_method(*setting))?;
                child(&child(&variable.body, "value_from")?.body, "secret_key_ref")
            });
            let of_sources =
                container.body.get_blocks("env_from").filter_map(|source| child(&source.body, "secret_ref"));
            of_variables.chain(of_sources)
        });
        let names = blocks.filter_map(|block| {
            let text = block.body.get_attribute("name")?.value.clone();
            Some(match text.as_str() {
                Some(name) => name.to_owned(),
                None => text.to_string().trim().split('.').take(2).collect::<Vec<_>>().join("."),
            })
        });
        names.collect()
    }

    /// The settings of the gateway, with their values.
    fn settings(&self, editor: &Editor<'_>) -> Vec<(Setting, String)> {
        let of_maps = self.config_maps().into_iter().filter_map(data).flat_map(|data| entries(data, editor));
        let of_variables = self.containers.iter().flat_map(|container| variables(container, editor));
        of_maps.chain(of_variables).collect()
    }

    /// Migrates the workload, its `ConfigMap`s and its `ServiceAccount`.
    pub(super) fn migrate(
        &self,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
        accounts: &mut Vec<NewAccount>,
    ) {
        self.name_dynamic_blocks(editor, report);
        let settings = self.settings(editor);
        let text =
            |wanted: Setting| settings.iter().rfind(|(setting, _)| *setting == wanted).map(|(_, text)| text.as_str());
        let (mut notes, is_complete) = (SourceReport::default(), self.is_complete(text(Setting::Auth), editor));
        let further = self.further(&text, editor, &mut notes);
        let client_id = self.context.facts.client_id.clone().or_else(|| self.client_id(editor));
        if client_id.is_none() && !is_complete {
            notes.note(editor.line(self.block), NoteKind::Missing(Fact::ClientId), CLIENT);
        }
        let is_missing = notes.notes.iter().any(|note| matches!(note.kind, NoteKind::Missing(_)));
        if is_complete && further.is_empty() {
            return;
        }
        notes.notes.retain(|note| !is_missing || matches!(note.kind, NoteKind::Missing(_)));
        report.notes.append(&mut notes.notes);
        if is_missing {
            return;
        }
        self.settings_of_workload(&further, editor, report);
        let gateway_name = further.get(Setting::GatewayName.name()).and_then(Value::as_str);
        let namespace = metadata(self.block, "namespace").and_then(|namespace| namespace.as_str());
        let gateway = SourceGateway {
            namespace: namespace.map(str::to_owned),
            service_account: String::new(),
            client_id,
            gateway_name: gateway_name.or_else(|| text(Setting::GatewayName)).map(str::to_owned),
            ..SourceGateway::default()
        };
        self.identity(gateway, editor, report, accounts);
        for container in &self.containers {
            self.image(container, editor, report);
        }
    }

    /// Names variables that an expression makes.
    fn name_dynamic_blocks(&self, editor: &Editor<'_>, report: &mut SourceReport<usize>) {
        let blocks = self.containers.iter().flat_map(|container| container.body.get_blocks("dynamic"));
        let is_of_variables =
            |block: &&Block| block.labels.first().is_some_and(|label| ["env", "env_from"].contains(&label.as_str()));
        for block in blocks.filter(is_of_variables) {
            report.note(editor.line(block), NoteKind::ByHand, DYNAMIC);
        }
    }

    /// The settings to write beside the method of authentication.
    fn further<'t>(
        &self,
        text: &dyn Fn(Setting) -> Option<&'t str>,
        editor: &Editor<'_>,
        notes: &mut SourceReport<usize>,
    ) -> Map<String, Value> {
        let (line, facts, mut further) = (editor.line(self.block), self.context.facts, Map::new());
        match (&facts.endpoint, text(Setting::Endpoint)) {
            (Some(endpoint), _) => _ = further.insert(Setting::Endpoint.name().to_owned(), json!(endpoint)),
            (None, Some(endpoint)) if EndpointForm::of(endpoint) == EndpointForm::Retired => {
                match endpoint_of_version_2(endpoint) {
                    Some(endpoint) => _ = further.insert(Setting::Endpoint.name().to_owned(), json!(endpoint)),
                    None => notes.note(line, NoteKind::Missing(Fact::Endpoint), ENDPOINT),
                }
            }
            _ => {}
        }
        let name = metadata(self.block, "name").map(|name| values::value(name, editor));
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
        let given = facts.gateway_name.clone();
        if given.is_some() || text(Setting::GatewayName).is_none() {
            let in_address = text(Setting::Endpoint).and_then(gateway_in_address);
            let (gateway, source) = match (given, in_address) {
                (Some(name), _) => (name, None),
                (None, Some(name)) => (name, Some("the gateway in the old endpoint")),
                (None, None) => (name.to_owned(), Some("the name of the workload, as the Azure portal names both")),
            };
            if let Some(source) = source {
                notes.note(line, NoteKind::Guess, format!("Check gateway.name {gateway}, a guess: {source}"));
            }
            further.insert(Setting::GatewayName.name().to_owned(), json!(gateway));
        }
        further
    }

    /// Whether the gateway already uses workload identity, and has its label.
    fn is_complete(&self, auth: Option<&str>, editor: &Editor<'_>) -> bool {
        let labels = child(&self.template.body, "metadata").and_then(|block| block.body.get_attribute("labels"));
        auth == Some(WORKLOAD_IDENTITY) && labels.is_some_and(|labels| editor.slice(&labels.value).contains(USE))
    }

    /// The client id of an Entra app, or of the `ServiceAccount`.
    fn client_id(&self, editor: &Editor<'_>) -> Option<String> {
        let usable = |text: &String| is_guid(text) || is_variable(text);
        let named = |members: &Object, end: &str| {
            let mut found = members
                .iter()
                .filter(|(key, _)| values::key(key).is_some_and(|key| key.to_ascii_lowercase().ends_with(end)));
            found.find_map(|(_, member)| values::value(member.expr(), editor).as_str().map(str::to_owned))
        };
        let of_maps =
            || self.config_maps().into_iter().filter_map(data).find_map(|data| named(data, "azuread.clientid"));
        let of_variables = || {
            let mut variables = self.containers.iter().flat_map(|container| container.body.get_blocks("env"));
            variables.find_map(|variable| {
                let name = variable.body.get_attribute("name")?.value.as_str()?.to_ascii_lowercase();
                let value = values::value(&variable.body.get_attribute("value")?.value, editor);
                name.ends_with("azuread.clientid").then(|| value.as_str().map(str::to_owned))?
            })
        };
        of_variables().or_else(of_maps).filter(usable)
    }

    /// Writes the settings where they are: in the variables of the containers and in the `ConfigMap`s.
    fn settings_of_workload(
        &self,
        further: &Map<String, Value>,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) {
        let maps: Vec<&Object> = self.config_maps().into_iter().filter_map(data).collect();
        let mut in_variables: Vec<Setting> = Vec::new();
        for container in &self.containers {
            for variable in container.body.get_blocks("env") {
                in_variables.extend(variable_of(variable, further, editor, report));
            }
            for source in container.body.get_blocks("env_from") {
                remove_secret(source, editor, report);
            }
        }
        let rest: Map<String, Value> = further
            .iter()
            .filter(|(name, _)| !in_variables.iter().any(|setting| setting.name() == name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some((first, others)) = maps.split_first() {
            change_settings(first, &rest, editor, report);
            let has_auth = |data: &&&Object| entries(data, editor).any(|(setting, _)| setting.is_auth());
            let others: Vec<&Object> = others.iter().filter(has_auth).copied().collect();
            for other in others {
                change_settings(other, &Map::new(), editor, report);
            }
            return;
        }
        let auth = (Setting::Auth.name().to_owned(), json!(WORKLOAD_IDENTITY));
        let has_auth = in_variables.contains(&Setting::Auth);
        let added: Vec<(String, Value)> = std::iter::once(auth).filter(|_| !has_auth).chain(rest).collect();
        for container in &self.containers {
            add_variables(container, &added, editor, report);
        }
    }

    /// Sets the label and the `ServiceAccount`, whose name is added to the gateway.
    fn identity(
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

    /// Annotates the `ServiceAccount` that the workload names, and returns its name.
    fn existing_account(
        &self,
        own: &Attribute,
        (annotations, label): (&Map<String, Value>, &Map<String, Value>),
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) -> String {
        let text = editor.slice(&own.value).trim().to_owned();
        let account = resources(self.body).filter(|block| kind(block) == "kubernetes_service_account").find(|block| {
            text.starts_with(&format!("{}.{}.", resource_type(block), resource_name(block)))
                || metadata(block, "name").is_some_and(|name| editor.slice(name).trim() == text)
        });
        let block = account.and_then(|account| child(&account.body, "metadata"));
        let is_set = block.is_some_and(|metadata| {
            add_members(metadata, "annotations", annotations, editor) && add_members(metadata, "labels", label, editor)
        });
        if !is_set {
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

    /// Sets the tag of an image that is older than the first version with workload identity, or whose tag moves.
    fn image(&self, container: &Block, editor: &mut Editor<'_>, report: &mut SourceReport<usize>) {
        let Some(image) = container.body.get_attribute("image") else { return };
        let line = editor.line(image);
        let (Some(name), Some(range)) = (image.value.as_str(), image.value.span()) else {
            return report.note(line, NoteKind::Guess, IMAGE);
        };
        let tag = self.context.facts.image_tag.as_deref();
        let version = self.context.images.version(name, &FIRST_VERSION);
        let is_old = matches!(version, ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling);
        if tag.is_none() && !is_old {
            return;
        }
        let newest = IMAGE_VERSION.to_string();
        match ImageName::with_tag(name, tag.unwrap_or(&newest)) {
            Some(new) => {
                if tag.is_none() {
                    report.note(
                        line,
                        NoteKind::Guess,
                        format!("Check image tag {newest}, a guess: set another with --image-tag"),
                    );
                }
                editor.replace(range, json!(new).to_string());
            }
            None => report.note(line, NoteKind::ByHand, IMAGE),
        }
    }
}

const ENDPOINT: &str = "Pass --endpoint, the configuration endpoint, such as NAME.configuration.azure-api.net: the resource has \
                        an address of version 1, which was retired";
const CLIENT: &str =
    "Pass --client-id, the client id of the Entra app or the managed identity: the configuration does not have it";
const DYNAMIC: &str = "Write these variables as blocks of their own: they are made by an expression that is not read, and can set \
                       config.service.auth again";
const LABEL: &str = "Set label azure.workload.identity/use = \"true\" in the metadata of this template";
const IMAGE: &str = "Check that this image is version 2.11.0 or newer: older versions do not support workload identity";

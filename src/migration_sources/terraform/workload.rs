//! A workload of a gateway in Terraform.

use super::account::NewAccount;
use super::editor::Editor;
use super::kubernetes::{child, data, entries, is_of_other_method, kind, metadata};
use super::variables::{add_variables, change_variable, remove_secret, setting, variables};
use super::{Sources, resource_name, resource_type, resources, values};
use crate::migration_sources::helm_values::is_variable;
use crate::migration_sources::{NoteKind, SourceContext, SourceGateway, SourceReport};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use apim_keyless_core::gateway::{Cloud, EndpointForm, ImageName, ImageVersion, Setting, WORKLOAD_IDENTITY, is_guid};
use apim_keyless_core::migration::{
    Fact, Facts, IMAGE_VERSION, endpoint_of_gateway_host, endpoint_of_version_2, gateway_in_address,
};
use apim_keyless_core::policy::FIRST_VERSION;
use hcl_edit::Span;
use hcl_edit::expr::Object;
use hcl_edit::structure::{Block, Body};
use serde_json::{Map, Value, json};

/// A workload with containers of a gateway.
pub(super) struct Workload<'b> {
    pub(super) block: &'b Block,
    pub(super) body: &'b Body,
    sources: Sources<'b, 'b>,
    /// The block with the labels and the one with the containers.
    pub(super) template: &'b Block,
    pub(super) spec: &'b Block,
    containers: Vec<&'b Block>,
    pub(super) context: SourceContext<'b>,
}

impl<'b> Workload<'b> {
    /// A resource with a container of a gateway.
    pub(super) fn of(
        block: &'b Block,
        sources: Sources<'b, 'b>,
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
                let image = image.as_ref().and_then(Value::as_str);
                let filled = image.and_then(|name| sources.filled(name)).map(|(name, _)| name);
                let is_image = image.into_iter().chain(filled.as_deref()).any(|name| context.images.is_gateway(name));
                is_image || variables(container, editor).any(|(setting, _)| setting.is_auth())
            })
            .collect();
        (!containers.is_empty()).then_some(Self {
            block,
            body: sources.body,
            sources,
            template,
            spec,
            containers,
            context,
        })
    }

    /// The `ConfigMap`s of this configuration that the gateway takes as a whole.
    pub(super) fn config_maps(&self) -> Vec<&'b Block> {
        let sources = self.containers.iter().flat_map(|container| container.body.get_blocks("env_from"));
        let references = sources.filter_map(|source| child(&source.body, "config_map_ref"));
        references.filter_map(|reference| self.resource(reference, "kubernetes_config_map")).collect()
    }

    /// The resource that the attribute `name` of a block names, by a reference or by its own name.
    pub(super) fn resource(&self, reference: &Block, wanted: &str) -> Option<&'b Block> {
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
            let reference = text.to_string();
            // an instance is a part of its resource
            let resource = reference.trim().split('[').next().unwrap_or_default();
            let resource = || resource.split('.').take(2).collect::<Vec<_>>().join(".");
            Some(text.as_str().map_or_else(resource, str::to_owned))
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
        self.name_old_images(editor, report);
        let settings = self.settings(editor);
        let text =
            |wanted: Setting| settings.iter().rfind(|(setting, _)| *setting == wanted).map(|(_, text)| text.as_str());
        let (mut notes, is_complete) = (SourceReport::default(), self.is_complete(text(Setting::Auth), editor));
        let facts = self.consistent_facts(&text, is_complete, editor, &mut notes);
        let further = self.further(&text, &facts, editor, &mut notes);
        let client_id = facts.client_id.or_else(|| self.client_id(editor));
        if client_id.is_none() && !is_complete {
            notes.note(editor.line(self.block), NoteKind::Missing(Fact::ClientId), CLIENT);
        }
        let is_missing = notes.notes.iter().any(|note| matches!(note.kind, NoteKind::Missing(_)));
        if is_complete && further.is_empty() {
            let kept = notes.notes.into_iter().filter(|note| note.kind == NoteKind::Kept);
            return report.notes.extend(kept);
        }
        if let Some(line) = self.line_of_instances(editor) {
            return report.note(line, NoteKind::ByHand, INSTANCES);
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
        if !is_complete {
            self.identity(gateway, editor, report, accounts);
        }
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

    /// The line of `for_each` or `count`, if each instance has a name or a namespace of its own: new resources and settings beside
    /// the workload would be those of one instance.
    fn line_of_instances(&self, editor: &Editor<'_>) -> Option<usize> {
        let of_each = ["for_each", "count"].iter().find_map(|name| self.block.body.get_attribute(name))?;
        let names = ["name", "namespace"].iter().filter_map(|name| metadata(self.block, name));
        let has_own =
            names.map(|name| editor.slice(name)).any(|name| name.contains("each.") || name.contains("count."));
        has_own.then(|| editor.line(of_each))
    }

    /// Names old images that are in local values, or in defaults of variables.
    fn name_old_images(&self, editor: &Editor<'_>, report: &mut SourceReport<usize>) {
        for container in &self.containers {
            let image = container.body.get_attribute("image").map(|image| values::value(&image.value, editor));
            let filled = image.as_ref().and_then(Value::as_str).and_then(|name| self.sources.filled(name));
            if let Some((_, place)) = filled.filter(|(name, _)| self.is_old(name)) {
                report.note(editor.line(place), NoteKind::ByHand, OLD_IMAGE);
            }
        }
    }

    fn is_old(&self, image: &str) -> bool {
        let version = self.context.images.version(image, &FIRST_VERSION);
        matches!(version, ImageVersion::Older | ImageVersion::Preview | ImageVersion::Rolling)
    }

    /// The settings to write beside the method of authentication.
    fn further<'t>(
        &self,
        text: &dyn Fn(Setting) -> Option<&'t str>,
        facts: &Facts,
        editor: &Editor<'_>,
        notes: &mut SourceReport<usize>,
    ) -> Map<String, Value> {
        let (line, mut further) = (editor.line(self.block), Map::new());
        let endpoint = new_endpoint(text(Setting::Endpoint), facts, line, notes);
        let cloud = endpoint.as_deref().or_else(|| text(Setting::Endpoint)).and_then(Cloud::of_api_management);
        further.extend(endpoint.map(|endpoint| (Setting::Endpoint.name().to_owned(), json!(endpoint))));
        let cloud = cloud.filter(|cloud| *cloud != Cloud::Public && text(Setting::TokenAudience).is_none());
        let audience = cloud.map(|cloud| (Setting::TokenAudience.name().to_owned(), json!(cloud.token_audience())));
        further.extend(audience);
        let name = metadata(self.block, "name").map(|name| values::value(name, editor));
        let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
        let given = facts.gateway_name.clone().filter(|given| text(Setting::GatewayName) != Some(given));
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
        let annotated = self.annotated(CLIENT_ID, editor).filter(usable);
        annotated.or_else(|| of_variables().or_else(of_maps).filter(usable))
    }

    /// Writes the settings where they are: in the variables of the containers and in the `ConfigMap`s.
    fn settings_of_workload(
        &self,
        further: &Map<String, Value>,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) {
        let in_variables: Vec<Setting> = self
            .containers
            .iter()
            .flat_map(|container| variables(container, editor))
            .map(|(setting, _)| setting)
            .collect();
        let rest: Map<String, Value> = further
            .iter()
            .filter(|(name, _)| !in_variables.iter().any(|setting| setting.name() == name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let maps = self.settings_of_maps(&rest, editor, report);
        for container in &self.containers {
            let has_method = self.has_method(container, &maps);
            for variable in container.body.get_blocks("env") {
                change_variable(variable, further, has_method, editor, report);
            }
            for source in container.body.get_blocks("env_from") {
                remove_secret(source, editor, report);
            }
        }
        if !maps.is_empty() {
            return;
        }
        let auth = (Setting::Auth.name().to_owned(), json!(WORKLOAD_IDENTITY));
        let has_auth = in_variables.contains(&Setting::Auth);
        let added: Vec<(String, Value)> = std::iter::once(auth).filter(|_| !has_auth).chain(rest).collect();
        for container in &self.containers {
            add_variables(container, &added, editor, report);
        }
    }

    /// Sets the tag of an image that is older than the first version with workload identity, or whose tag moves.
    fn image(&self, container: &Block, editor: &mut Editor<'_>, report: &mut SourceReport<usize>) {
        let Some(image) = container.body.get_attribute("image") else { return };
        let line = editor.line(image);
        let (Some(name), Some(range)) = (image.value.as_str(), image.value.span()) else {
            let value = values::value(&image.value, editor);
            if value.as_str().is_some_and(|name| self.sources.filled(name).is_some()) {
                return;
            }
            return report.note(line, NoteKind::Guess, IMAGE);
        };
        let tag = self.context.facts.image_tag.as_deref();
        if tag.is_none() && !self.is_old(name) {
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

/// The endpoint in place of the written one; `None` if that stays.
fn new_endpoint(written: Option<&str>, facts: &Facts, line: usize, notes: &mut SourceReport<usize>) -> Option<String> {
    let form = written.map(EndpointForm::of);
    // another usable one is a contradiction
    if facts.endpoint.is_some() {
        return facts.endpoint.clone().filter(|_| form != Some(EndpointForm::Usable));
    }
    let written = written?;
    match form {
        Some(EndpointForm::Retired) => {
            let endpoint = endpoint_of_version_2(written);
            if endpoint.is_none() {
                notes.note(line, NoteKind::Missing(Fact::Endpoint), ENDPOINT);
            }
            endpoint
        }
        Some(EndpointForm::GatewayHost) => endpoint_of_gateway_host(written).inspect(|endpoint| {
            let message =
                format!("Check config.service.endpoint {endpoint}, a guess: the instance of the old endpoint");
            notes.note(line, NoteKind::Guess, message);
        }),
        _ => None,
    }
}

const INSTANCES: &str = "Change this workload by hand: each of its instances has a name or a namespace of its own. Remove the auth key, \
                         set config.service.auth: workloadIdentity and gateway.name for each, add a ServiceAccount with the \
                         client id, the label azure.workload.identity/use and service_account_name, and use an image of version \
                         2.11.0 or newer";
const OLD_IMAGE: &str = "Set this image to version 2.11.0 or newer: older versions do not support workload identity";
const ENDPOINT: &str = "Pass --endpoint, the configuration endpoint, such as NAME.configuration.azure-api.net: the resource has \
                        an address of version 1, which was retired";
const CLIENT: &str =
    "Pass --client-id, the client id of the Entra app or the managed identity: the configuration does not have it";
const DYNAMIC: &str = "Write these variables as blocks of their own: they are made by an expression that is not read, and can set \
                       config.service.auth again";
const IMAGE: &str = "Check that this image is version 2.11.0 or newer: older versions do not support workload identity";

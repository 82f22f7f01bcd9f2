//! Facts that were stated and contradict what a workload, or its `ServiceAccount` in the configuration, has.

use super::editor::Editor;
use super::workload::Workload;
use crate::migration_sources::{NoteKind, SourceReport};
use apim_keyless_core::gateway::well_known::{CLIENT_ID, TENANT_ID};
use apim_keyless_core::gateway::{EndpointForm, Setting, is_guid};
use apim_keyless_core::migration::{Fact, Facts, is_same_endpoint};

impl Workload<'_> {
    /// The stated facts without those that contradict the workload. One with workload identity keeps what it has; one with a
    /// key is left until a person has decided. `text` is the value of a setting.
    pub(super) fn consistent_facts<'t>(
        &self,
        text: &dyn Fn(Setting) -> Option<&'t str>,
        is_complete: bool,
        editor: &Editor<'_>,
        report: &mut SourceReport<usize>,
    ) -> Facts {
        let (mut facts, line) = (self.context.facts.clone(), editor.line(self.block));
        let is_own = is_complete || facts.service_account.is_none();
        let is_other_id = |stated: &Option<String>, key: &str| {
            let written = self.annotated(key, editor).filter(|id| is_own && is_guid(id));
            stated.as_ref().zip(written).is_some_and(|(stated, written)| !stated.eq_ignore_ascii_case(&written))
        };
        let mut contradict = |fact: &mut Option<String>, kept: &str, message: &str| {
            *fact = None;
            if is_complete {
                report.note(line, NoteKind::Kept, kept);
            } else {
                report.note(line, NoteKind::Missing(Fact::Consistency), message);
            }
        };
        if is_other_id(&facts.client_id, CLIENT_ID) {
            contradict(&mut facts.client_id, KEPT_CLIENT_ID, OTHER_CLIENT_ID);
        }
        if is_other_id(&facts.tenant_id, TENANT_ID) {
            contradict(&mut facts.tenant_id, KEPT_TENANT_ID, OTHER_TENANT_ID);
        }
        let endpoint = text(Setting::Endpoint).filter(|endpoint| EndpointForm::of(endpoint) == EndpointForm::Usable);
        if facts.endpoint.as_ref().zip(endpoint).is_some_and(|(stated, own)| !is_same_endpoint(stated, own)) {
            contradict(&mut facts.endpoint, KEPT_ENDPOINT, OTHER_ENDPOINT);
        }
        let name = text(Setting::GatewayName).filter(|name| !name.is_empty());
        match facts.gateway_name.clone().zip(name).filter(|(stated, own)| stated != own) {
            Some(_) if is_complete => contradict(&mut facts.gateway_name, KEPT_NAME, ""),
            Some((stated, _)) => {
                let message = format!("Check gateway.name {stated} of --gateway-name: it replaces another name");
                report.note(line, NoteKind::Guess, message);
            }
            None => {}
        }
        facts
    }
}

const KEPT_CLIENT_ID: &str = "the client id of the ServiceAccount of this workload, which is not that of --client-id";
const KEPT_TENANT_ID: &str = "the tenant id of the ServiceAccount of this workload, which is not that of --tenant-id";
const KEPT_ENDPOINT: &str = "the config.service.endpoint of this workload, which is not that of --endpoint";
const KEPT_NAME: &str = "the gateway.name of this workload, which is not that of --gateway-name";
const OTHER_CLIENT_ID: &str = "Leave out --client-id for this workload, or pass --service-account with a new name: its ServiceAccount \
                               has another client id";
const OTHER_TENANT_ID: &str = "Leave out --tenant-id for this workload, or pass --service-account with a new name: its ServiceAccount \
                               has another tenant id";
const OTHER_ENDPOINT: &str = "Leave out --endpoint for this workload, or change its config.service.endpoint first: it names another \
                              configuration API";

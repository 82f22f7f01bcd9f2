//! Commands of scripts that undo the migration of a gateway of manifests.

use super::other_sources::{OtherPlan, OtherPlans};
use super::reading::{SourceType, Sources};
use crate::migration_sources::{NoteKind, ScriptedGateway, SourceContext, SourceReport, commands_on_gateways};
use apim_keyless_core::migration::Migration;
use apim_keyless_report::file_name;
use std::collections::BTreeMap;

impl OtherPlans {
    /// Adds what a person has to change in scripts. Each plan is of the gateway itself, so that its Secret and keys are kept.
    pub(super) fn add_script_commands(&mut self, sources: &Sources, context: SourceContext<'_>, migration: &Migration) {
        let gateways: Vec<ScriptedGateway<'_>> = migration
            .gateways
            .iter()
            .map(|gateway| ScriptedGateway {
                workload: &gateway.object.name,
                accounts: [gateway.service_account.as_str()].into(),
                config_maps: gateway.config_maps.iter().map(String::as_str).collect(),
            })
            .collect();
        if gateways.is_empty() {
            return;
        }
        for source in sources.texts.iter().filter(|source| source.source_type == SourceType::Script) {
            let mut reports: BTreeMap<usize, SourceReport<String>> = BTreeMap::new();
            for (gateway, line, message) in commands_on_gateways(&source.text, &gateways, context) {
                let place = format!("{}:{line}", file_name(&source.file));
                reports.entry(gateway).or_default().note(place, NoteKind::ByHand, message);
            }
            let of_gateways =
                reports.into_iter().filter_map(|(index, report)| Some((migration.gateways.get(index)?, report)));
            for (gateway, report) in of_gateways {
                let object = gateway.object.clone();
                self.plans.push(OtherPlan::new(object, SourceType::Script, &source.file, report));
            }
        }
    }
}

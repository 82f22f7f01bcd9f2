//! The `ConfigMap`s of a workload in Terraform.

use super::editor::Editor;
use super::kubernetes::{change_settings, child, data, entries};
use super::workload::Workload;
use crate::migration_sources::SourceReport;
use hcl_edit::structure::Block;
use serde_json::{Map, Value};

impl<'b> Workload<'b> {
    /// Writes the settings into the `ConfigMap`s. Returns these, each with whether it selects workload identity now.
    pub(super) fn settings_of_maps(
        &self,
        further: &Map<String, Value>,
        editor: &mut Editor<'_>,
        report: &mut SourceReport<usize>,
    ) -> Vec<(&'b Block, bool)> {
        let mut maps: Vec<(&Block, bool)> = Vec::new();
        for map in self.config_maps() {
            let Some(data) = data(map).filter(|_| !maps.iter().any(|(known, _)| std::ptr::eq(*known, map))) else {
                continue;
            };
            let is_first = maps.is_empty();
            let has_auth = is_first || entries(data, editor).any(|(setting, _)| setting.is_auth());
            let none = Map::new();
            let further = if is_first { further } else { &none };
            maps.push((map, has_auth && change_settings(data, further, editor, report)));
        }
        maps
    }

    /// Whether a container takes the method from one of these `ConfigMap`s, and from nothing else that can have another.
    pub(super) fn has_method(&self, container: &Block, maps: &[(&Block, bool)]) -> bool {
        let mut has_method = false;
        for source in container.body.get_blocks("env_from").filter(|source| child(&source.body, "secret_ref").is_none())
        {
            let reference = child(&source.body, "config_map_ref");
            let map = reference.and_then(|reference| self.resource(reference, "kubernetes_config_map"));
            let known = map.and_then(|map| maps.iter().find(|(known, _)| std::ptr::eq(*known, map)));
            let Some((_, selects)) = known else { return false };
            has_method |= *selects && source.body.get_attribute("prefix").is_none();
        }
        has_method && container.body.get_blocks("dynamic").next().is_none()
    }
}

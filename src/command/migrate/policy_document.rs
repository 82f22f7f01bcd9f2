//! `--write-policy`: what the namespaces of migrated gateways expect, as a policy document.

use super::deployed::Deployed;
use super::files::OutputPaths;
use crate::command::print_to_stderr;
use crate::command::rewritten_file::{diff_of_new, is_written};
use crate::migration_sources::SourceGateway;
use anyhow::{Context, anyhow, bail, ensure};
use apim_keyless_core::gateway::is_guid;
use apim_keyless_core::migration::Migration;
use apim_keyless_core::policy::{NamespaceSetting, Policy};
use apim_keyless_manifest::rewrite::scalar;
use apim_keyless_report::counted;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// A policy document that is to be written.
pub(super) struct PolicyDocument {
    pub(super) path: PathBuf,
    text: String,
}

impl PolicyDocument {
    /// The document for these gateways; `None` if nothing is known of any namespace. A file with the same content is accepted,
    /// so that the command can be repeated.
    ///
    /// # Errors
    /// The file exists with other content, or the document would be invalid.
    pub(super) fn of(
        path: &Path,
        (migration, other): (&Migration, &Vec<&SourceGateway>),
        (deployed, output): (&Deployed<'_>, &OutputPaths),
    ) -> anyhow::Result<Option<Self>> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir());
        if let Some(folder) = folder {
            bail!("--write-policy: folder {} does not exist; create it, or name another file", folder.display());
        }
        output.check_inside(path)?;
        check_link(path)?;
        let (mut namespaces, unknown) = of_manifests(migration, deployed);
        let unknown = unknown + add_other(&mut namespaces, other);
        if unknown > 0 {
            print_to_stderr(&format!(
                "--write-policy: add the namespace of {} to {}: the sources do not name it",
                counted(unknown, "gateway"),
                path.display()
            ));
        }
        if namespaces.is_empty() {
            return Ok(None);
        }
        let text = text(&namespaces);
        // a document is never written that `check --policy` would not accept
        Policy::find(&text).map_err(|error| anyhow!("--write-policy: {error}"))?;
        match fs::read_to_string(path) {
            Ok(other) if other != text => bail!(
                "--write-policy: {} exists with other content; name another file, and merge the two",
                path.display()
            ),
            _ => Ok(Some(Self { path: path.to_owned(), text })),
        }
    }

    /// Whether the file has this content.
    pub(super) fn is_written(&self) -> bool {
        is_written(&self.path, &self.text)
    }

    /// The new file as a unified diff. It holds names and ids, which are no secrets.
    pub(super) fn diff(&self) -> String {
        diff_of_new(&self.path.display().to_string(), &self.text, &self.text)
    }

    pub(super) fn write(&self) -> anyhow::Result<()> {
        check_link(&self.path)?;
        let cannot_write = || format!("cannot write {}; check that its folder is writable", self.path.display());
        let mut file = fs::File::create(&self.path).with_context(cannot_write)?;
        file.write_all(self.text.as_bytes()).with_context(cannot_write)
    }
}

/// Checks that the path is not a symbolic link, which can lead anywhere.
fn check_link(path: &Path) -> anyhow::Result<()> {
    let is_link = path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
    ensure!(!is_link, "--write-policy: {} is a symbolic link; name the file that it leads to", path.display());
    Ok(())
}

/// By namespace and setting: what is expected.
type Namespaces = BTreeMap<String, BTreeMap<&'static str, BTreeSet<String>>>;

/// What manifests say, and the number of gateways whose namespace they do not say.
fn of_manifests(migration: &Migration, deployed: &Deployed<'_>) -> (Namespaces, usize) {
    let (mut namespaces, mut unknown) = (Namespaces::new(), 0);
    for gateway in &migration.gateways {
        for deployed in deployed.gateways(gateway) {
            if !is_known(&deployed.namespace) {
                unknown += 1;
                continue;
            }
            let of_namespace = namespaces.entry(deployed.namespace).or_default();
            let ids = deployed.client_id.iter().filter(|id| is_guid(id)).map(|id| (NamespaceSetting::ClientId, id));
            let tenants = gateway.tenant_id.iter().map(|id| (NamespaceSetting::TenantId, id));
            let accounts = [(NamespaceSetting::ServiceAccount, &deployed.service_account)];
            let config_maps = deployed.config_maps.iter().map(|name| (NamespaceSetting::ConfigMap, name));
            let names = gateway.gateway_names.iter().map(|name| (NamespaceSetting::GatewayName, name));
            for (setting, value) in ids.chain(tenants).chain(accounts).chain(config_maps).chain(names) {
                of_namespace.entry(setting.field()).or_default().insert(value.clone());
            }
        }
    }
    (namespaces, unknown)
}

/// Whether a name is known: variables and words in capitals, such as RELEASE, stand for what is not.
fn is_known(name: &str) -> bool {
    !name.contains(['$', '{', '<', '#', '%']) && name == name.to_ascii_lowercase()
}

/// Adds what other sources say. Returns the number of gateways whose namespace they do not say.
fn add_other(namespaces: &mut Namespaces, gateways: &[&SourceGateway]) -> usize {
    let is_known = |name: &&String| is_known(name);
    let mut unknown = 0;
    for gateway in gateways {
        let Some(namespace) = gateway.namespace.as_ref().filter(is_known) else {
            unknown += 1;
            continue;
        };
        let of_namespace = namespaces.entry(namespace.clone()).or_default();
        let id = gateway.client_id.as_ref().filter(|id| is_guid(id)).map(|id| (NamespaceSetting::ClientId, id));
        let account = Some(&gateway.service_account).filter(is_known).filter(|name| !name.is_empty());
        let account = account.map(|name| (NamespaceSetting::ServiceAccount, name));
        let name = gateway.gateway_name.as_ref().filter(is_known).map(|name| (NamespaceSetting::GatewayName, name));
        for (setting, value) in [id, account, name].into_iter().flatten() {
            of_namespace.entry(setting.field()).or_default().insert(value.clone());
        }
    }
    unknown
}

fn text(namespaces: &Namespaces) -> String {
    let mut text =
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nmetadata:\n  name: default\nspec:\n".to_owned();
    text += "  namespaces:\n";
    for (namespace, settings) in namespaces {
        // writing to a String cannot fail
        _ = writeln!(text, "    {}:", scalar(namespace));
        for (field, values) in settings {
            let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
            _ = match values.as_slice() {
                [one] => writeln!(text, "      {field}: {one}"),
                _ => writeln!(text, "      {field}: [{}]", values.join(", ")),
            };
        }
    }
    text
}

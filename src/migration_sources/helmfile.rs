//! A helmfile: the releases that it installs. It is not changed; what a person has to change is named with its place.

use super::chart_version::{NEW_VERSION, is_chart, is_too_old};
use super::helm_values::{are_of_chart, is_variable};
use super::installed_release::{InstalledLayer, InstalledRelease, problems_of_values};
use super::patch_finder::{has_other_method, is_of_method};
use super::value_path;
use super::{NoteKind, SourceContext, ValueMigration, layers};
use apim_keyless_core::gateway::Setting;
use jsonptr::PointerBuf;
use serde_json::{Value, json};

/// The lists of files with values.
const FILES: [&str; 2] = ["values", "secrets"];
/// The lists with the names and the values of `helm --set`.
const SETS: [&str; 3] = ["set", "setString", "setTemplate"];
const METHOD: &str = "Change this release by hand: remove gateway.auth.key and secret.existingSecretName here, and set \
                      gateway.auth.type: WorkloadIdentity, gateway.auth.azureAd.app.id, gateway.name and \
                      secret.createSecret: false: helmfile passes these values to Helm after those in files, and the gateway \
                      would authenticate in another way";

/// The releases of a helmfile, and the templates of releases, with their places.
fn releases(helmfile: &Value) -> Vec<(PointerBuf, &Value)> {
    let listed = helmfile.get("releases").and_then(Value::as_array).into_iter().flatten().enumerate();
    let listed = listed.map(|(index, release)| (PointerBuf::from_tokens(["releases", &index.to_string()]), release));
    let templates = helmfile.get("templates").and_then(Value::as_object).into_iter().flatten();
    let templates = templates.map(|(name, release)| (PointerBuf::from_tokens(["templates", name.as_str()]), release));
    listed.chain(templates).collect()
}

/// The entries of the lists of a release with values, with their places from the release.
fn entries<'r>(
    release: &'r Value,
    lists: &'static [&'static str],
) -> impl Iterator<Item = (&'static str, usize, &'r Value)> {
    lists.iter().flat_map(move |list| {
        let entries = release.get(*list).and_then(Value::as_array).into_iter().flatten().enumerate();
        entries.map(move |(index, entry)| (*list, index, entry))
    })
}

/// The values that stand in a release itself, each with its place from the release.
fn layers_of(release: &Value) -> Vec<(&'static str, usize, Value)> {
    let inline = entries(release, &FILES).filter(|(.., entry)| entry.is_object());
    let mut layers: Vec<_> = inline.map(|(list, index, entry)| (list, index, entry.clone())).collect();
    layers.extend(sets(release));
    layers
}

/// The values of the lists with names and values, each with its place from the release.
fn sets(release: &Value) -> impl Iterator<Item = (&'static str, usize, Value)> {
    entries(release, &SETS).filter_map(|(list, index, entry)| {
        let name = entry.get("name").and_then(Value::as_str)?;
        let mut layer = json!({});
        value_path::set(&mut layer, &value_path::parse(name), entry.get("value").cloned().unwrap_or_default());
        Some((list, index, layer))
    })
}

fn merged(layers: &[(&'static str, usize, Value)]) -> Value {
    let values: Vec<Value> = layers.iter().map(|(.., layer)| layer.clone()).collect();
    layers::merged(&values)
}

fn is_of_chart(release: &Value, context: SourceContext<'_>) -> bool {
    let chart = release.get("chart").and_then(Value::as_str);
    chart.is_some_and(is_chart) || are_of_chart(&merged(&layers_of(release)), context)
}

/// Whether a mapping is a helmfile with a release of Microsoft's chart.
pub fn has_gateway_release(mapping: &Value, context: SourceContext<'_>) -> bool {
    let is_helmfile = mapping.get("releases").is_some_and(Value::is_array) || mapping.get("templates").is_some();
    is_helmfile && releases(mapping).iter().any(|(_, release)| is_of_chart(release, context))
}

/// The files with values that the releases of a helmfile name.
pub fn files_of_helmfile(helmfile: &Value) -> Vec<&str> {
    let releases = releases(helmfile).into_iter();
    releases.flat_map(|(_, release)| entries(release, &FILES).filter_map(|(.., entry)| entry.as_str())).collect()
}

/// The releases of Microsoft's chart that a helmfile installs. Its `set` lists win over all values.
pub(super) fn releases_of_helmfile(helmfile: &Value) -> Vec<InstalledRelease> {
    let listed = releases(helmfile).into_iter().map(|(_, release)| release);
    let own = listed.filter(|release| release.get("chart").and_then(Value::as_str).is_some_and(is_chart));
    own.map(|release| {
        let layer = |entry: &Value| match entry {
            Value::String(file) => Some(InstalledLayer::File(file.clone())),
            Value::Object(_) => Some(InstalledLayer::Inline(entry.clone())),
            _ => None,
        };
        let mut layers: Vec<InstalledLayer> = entries(release, &FILES).filter_map(|(.., entry)| layer(entry)).collect();
        layers.extend(sets(release).map(|(.., layer)| InstalledLayer::Inline(layer)));
        // a name with a template is not known
        let text = |key: &str| release.get(key)?.as_str().filter(|text| !is_variable(text)).map(str::to_owned);
        let chart = text("chart");
        InstalledRelease {
            name: text("name"),
            namespace: text("namespace"),
            layers,
            chart,
            ..InstalledRelease::default()
        }
    })
    .collect()
}

/// Names what a person has to change in a helmfile.
pub fn migrate_helmfile(helmfile: &Value, context: SourceContext<'_>) -> ValueMigration {
    let mut migration = ValueMigration::default();
    for (at, release) in releases(helmfile).into_iter().filter(|(_, release)| is_of_chart(release, context)) {
        let layers = layers_of(release);
        let mut found: Vec<PointerBuf> = Vec::new();
        for (list, index, _) in layers.iter().filter(|(.., layer)| sets_other_method(layer)) {
            let mut place = at.clone();
            place.append(PointerBuf::from_tokens([*list, &index.to_string()]));
            found.push(place);
        }
        let has_files = entries(release, &FILES).any(|(.., entry)| entry.is_string());
        let method = merged(&layers);
        let method = value_path::get(&method, &["gateway", "auth", "type"]).and_then(Value::as_str);
        let is_release = at.first().is_some_and(|list| list.decoded() == "releases");
        let inherits = release.get("inherit").is_some() || release.get("<<").is_some();
        if found.is_empty() && method.is_none() && is_release && !has_files && !inherits {
            found.push(at.clone());
        }
        for place in found {
            migration.report.note(place, NoteKind::ByHand, METHOD);
        }
        // the last one wins
        let of_tag = |(.., layer): &&(&str, usize, Value)| value_path::get(layer, &["image", "tag"]).is_some();
        if let Some((list, index, _)) = layers.iter().rfind(of_tag) {
            let is_tag = |(path, _): &(PointerBuf, String)| path.first().is_some_and(|key| key.decoded() == "image");
            for (_, message) in problems_of_values(&merged(&layers), context).into_iter().filter(is_tag) {
                let mut place = at.clone();
                place.append(PointerBuf::from_tokens([*list, &index.to_string()]));
                migration.report.note(place, NoteKind::ByHand, message);
            }
        }
        if release.get("version").and_then(Value::as_str).is_some_and(is_too_old) {
            let message = format!(
                "Set version {NEW_VERSION} or newer here by hand: older charts do not support workload identity"
            );
            migration.report.note(at.with_trailing_token("version"), NoteKind::ByHand, message);
        }
    }
    migration
}

/// Whether values select another method than workload identity, or hold what only that needs.
fn sets_other_method(values: &Value) -> bool {
    let additional = value_path::get(values, &["gateway", "configuration", "additional"]).and_then(Value::as_object);
    let mut names = additional.into_iter().flatten().map(|(name, _)| name);
    values.get("gateway").is_some_and(has_other_method)
        || names.any(|name| Setting::of(name).is_some_and(is_of_method))
        || value_path::get(values, &["secret", "existingSecretName"]).is_some_and(|name| *name != "")
        || value_path::get(values, &["gateway", "auth", "azureAd", "app", "secret"]).is_some()
}

//! The releases that the input installs: all values of a release together show its version and its `ServiceAccount`.

use super::other_sources::{OtherPlan, OtherPlans};
use super::reading::{OtherSource, SourceObject, SourceType, Sources, located};
use super::release_files::{ReleaseFiles, Values, named_path, read_mapping, without_variable};
use crate::migration_sources::{
    InstalledLayer, InstalledRelease, NoteKind, OLD_CHART, SourceContext, SourceGateway, SourceReport, aliases,
    gateway_of_release, is_name_of_chart, is_old_chart, merged_values, problems_of_values, releases_of_object,
    releases_of_script, releases_of_terraform, relevant_values, selects_identity,
};
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::Migration;
use apim_keyless_manifest::{Place, normalized};
use apim_keyless_report::file_name;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

/// What the releases of the input say about the plans.
#[derive(Default)]
struct Found {
    /// By the index of a plan: the gateways of the releases with its values.
    gateways: BTreeMap<usize, Vec<SourceGateway>>,
    commands: BTreeMap<usize, BTreeSet<String>>,
    /// By the index of a plan: the place that a person has to change first.
    open: BTreeMap<usize, String>,
    /// By the index of a plan: the file that installs its values, and what it is.
    installers: BTreeMap<usize, (String, SourceType)>,
    /// By the place: its file, and what to do.
    notes: BTreeMap<String, (String, String)>,
}

/// What installs releases.
#[derive(Clone, Copy)]
struct Installer<'i> {
    file: &'i str,
    /// The namespace of the object.
    namespace: &'i str,
    /// The place of the object; `None` if it is a text.
    place: Option<&'i Place>,
    source_type: SourceType,
}

pub(super) struct Installations<'s> {
    context: SourceContext<'s>,
    files: ReleaseFiles<'s>,
    /// The plans of files, by their path.
    plans: HashMap<PathBuf, Vec<usize>>,
    found: Found,
}

impl<'s> Installations<'s> {
    /// Adds what the releases show to the plans.
    pub(super) fn add(
        plans: &mut OtherPlans,
        sources: &'s Sources,
        context: SourceContext<'s>,
        migration: &'s Migration,
    ) {
        let mut of_file: HashMap<PathBuf, Vec<usize>> = HashMap::new();
        for (index, plan) in plans.plans.iter().enumerate() {
            of_file.entry(normalized(Path::new(&plan.file))).or_default().push(index);
        }
        let files = ReleaseFiles::of(sources, migration);
        let mut all = Self { context, files, plans: of_file, found: Found::default() };
        let installs = |source: &SourceObject| source.other.is_some() || deployer_of_chart(source).is_some();
        for (index, source) in sources.objects.iter().enumerate().filter(|(_, source)| installs(source)) {
            let new = migration.value_of(index, &source.value);
            let mut releases = releases_of_object(new);
            releases.extend(of_chart(source));
            let of = Installer {
                file: source.place.file(),
                namespace: &source.namespace,
                place: Some(&source.place),
                source_type: deployer_of_chart(source).unwrap_or(source.source_type()),
            };
            all.releases(of, releases, plans);
        }
        for source in &sources.texts {
            let changed = plans.texts.iter().find(|change| change.file == source.file);
            let text = changed.map_or(source.text.as_str(), |change| change.rewrite.after.as_str());
            let releases = match source.source_type {
                SourceType::Terraform => releases_of_terraform(text),
                _ => releases_of_script(text),
            };
            let of = Installer { file: &source.file, namespace: "", place: None, source_type: source.source_type };
            all.releases(of, releases, plans);
        }
        all.found.write(plans);
    }

    fn releases(&mut self, of: Installer<'_>, mut releases: Vec<InstalledRelease>, plans: &OtherPlans) {
        releases.dedup();
        for release in releases {
            for release in self.of_folder(of, release) {
                self.release(of, &release, plans);
            }
        }
    }

    /// The release as the folder of its chart shows it: none if the chart is another one, and one for each alias of Microsoft's
    /// chart as a sub-chart.
    fn of_folder(&mut self, of: Installer<'_>, release: InstalledRelease) -> Vec<InstalledRelease> {
        let Some(chart) = release.chart.clone() else { return vec![release] };
        let found = self.files.found_beside(of.file, &format!("{chart}/Chart.yaml"));
        let read = found.and_then(|path| Some((path.clone(), read_mapping(&path)?)));
        let Some((path, (value, _))) = read else {
            return if is_name_of_chart(&chart) { vec![release] } else { Vec::new() };
        };
        if value.get("name").and_then(Value::as_str).is_some_and(is_name_of_chart) {
            return vec![InstalledRelease { chart: Some(path.display().to_string()), ..release }];
        }
        let own = InstalledLayer::Path(path.with_file_name("values.yaml"));
        let layers = || std::iter::once(own.clone()).chain(release.layers.clone()).collect();
        let of_alias = |alias: &str| InstalledRelease {
            below: vec![alias.to_owned()],
            layers: layers(),
            chart: None,
            ..release.clone()
        };
        aliases(&value).into_iter().map(of_alias).collect()
    }

    /// Names a copy of the chart that is too old. Returns its place.
    fn old_chart(&mut self, release: &InstalledRelease, plans: &OtherPlans) -> Option<String> {
        let path: PathBuf =
            Path::new(release.chart.as_deref().filter(|chart| chart.ends_with("Chart.yaml"))?).components().collect();
        let mut own = self.plans.get(&normalized(&path)).into_iter().flatten();
        if let Some(place) = own.find_map(|index| plans.plans.get(*index)?.open_place()) {
            return Some(place.to_owned());
        }
        let (_, place) = read_mapping(&path).filter(|(value, _)| is_old_chart(value))?;
        let place_of_version = located(&place, "/version");
        self.found.notes.insert(place_of_version.clone(), (place.file().to_owned(), OLD_CHART.to_owned()));
        Some(place_of_version)
    }

    /// Names a file with the values of a release that was not migrated. Returns the place.
    fn absent_values(&mut self, of: Installer<'_>, release: &InstalledRelease, merged: &Value) -> Option<String> {
        if !release.has_all_layers || selects_identity(merged) {
            return None;
        }
        let mut files = release.layers.iter().filter_map(|layer| match layer {
            InstalledLayer::File(name) => Some(name.clone()),
            _ => None,
        });
        let name = files.find(|name| !self.files.is_given(of.file, name))?;
        let place = match of.place {
            Some(place) => located(place, ""),
            None => format!("{}:{}", file_name(of.file), release.line),
        };
        let message = format!(
            "Give {} to this command, too, or set gateway.auth.type: WorkloadIdentity in it by hand: it has values of this \
             release, and the others do not select workload identity",
            without_variable(&name)
        );
        self.found.notes.insert(place.clone(), (of.file.to_owned(), message));
        Some(place)
    }

    fn release(&mut self, of: Installer<'_>, release: &InstalledRelease, plans: &OtherPlans) {
        let (file, namespace) = (of.file, of.namespace);
        let layers: Vec<(Value, Option<Values>)> =
            release.layers.iter().filter_map(|layer| self.layer((file, namespace), release, layer)).collect();
        let merged = merged_values(&layers.iter().map(|(value, _)| value.clone()).collect::<Vec<_>>());
        let own = |path: &Path| self.plans.get(path).into_iter().flatten().copied();
        let known = layers.iter().filter_map(|(_, values)| values.as_ref().filter(|values| values.is_known));
        let known = known.map(|values| normalized(Path::new(values.place.file())));
        let of_values: BTreeSet<usize> = known.flat_map(|path| own(&path).collect::<Vec<_>>()).collect();
        let fitting: BTreeMap<usize, PathBuf> = release
            .layers
            .iter()
            .filter_map(
                |layer| if let InstalledLayer::File(name) = layer { Some(self.files.fitting(name)) } else { None },
            )
            .flatten()
            .flat_map(|path| own(&path).map(|index| (index, path.clone())).collect::<Vec<_>>())
            .collect();
        let all_files = || of_values.iter().chain(fitting.keys());
        for index in all_files().filter(|_| of.source_type.installs()) {
            self.found.installers.entry(*index).or_insert_with(|| (file.to_owned(), of.source_type));
        }
        let installer: Vec<usize> = own(&normalized(Path::new(file))).collect();
        let open_installer =
            installer.iter().find_map(|index| plans.plans.get(*index)?.open_place().map(str::to_owned));
        let named = self.problems(release, &layers, &merged).or_else(|| self.old_chart(release, plans));
        // with a fact that is missing, these values select workload identity
        let lacks_fact = |index: &usize| plans.plans.get(*index).is_some_and(OtherPlan::lacks_fact);
        let is_complete = !all_files().chain(&installer).any(lacks_fact);
        let named = named.or_else(|| is_complete.then(|| self.absent_values(of, release, &merged))?);
        if let Some(place) = &named {
            self.found.keep(installer.iter(), place);
        }
        if let Some(place) = open_installer.or(named) {
            self.found.keep(all_files(), &place);
        }
        let inline = layers.iter().filter(|(_, values)| values.is_none()).map(|(value, _)| value.clone());
        let (old, _) = gateway_of_release(&merged_values(&inline.collect::<Vec<_>>()), release);
        let is_of_installer = |index: &usize| {
            let gateways = plans.plans.get(*index).map(|plan| plan.report.gateways.as_slice());
            matches!(gateways, Some([own]) if (&own.namespace, &own.service_account) == (&old.namespace, &old.service_account))
        };
        let of_release: BTreeSet<usize> = installer.into_iter().filter(is_of_installer).chain(of_values).collect();
        self.found.add(of_release, gateway_of_release(&merged, release));
        // each file that the name of another can stand for is of a release of its own
        for (index, path) in fitting {
            let Some(values) = self.files.at(&path) else { continue };
            let merged = merged_values(&[merged.clone(), relevant_values(&values.value)]);
            self.found.add([index], gateway_of_release(&merged, release));
        }
    }

    /// The values of a layer, without those that say nothing about how a gateway authenticates.
    fn layer(
        &mut self,
        (file, namespace): (&str, &str),
        release: &InstalledRelease,
        layer: &InstalledLayer,
    ) -> Option<(Value, Option<Values>)> {
        let (value, values) = match layer {
            InstalledLayer::Inline(value) => (value.clone(), None),
            InstalledLayer::File(name) => {
                self.files.file(file, name).map(|values| (values.value.clone(), Some(values)))?
            }
            InstalledLayer::Path(path) => {
                let values = self.files.at(path)?;
                (values.value.clone(), Some(values))
            }
            InstalledLayer::Object { kind, name, key, target } => {
                let values = self.files.entry((kind, namespace, name), key, target.as_deref())?;
                (values.value.clone(), Some(values))
            }
        };
        Some((relevant_values(value.pointer(&pointer(&release.below))?), values))
    }

    /// Names what values that the migration does not change set over the migrated ones. Returns the first place.
    fn problems(
        &mut self,
        release: &InstalledRelease,
        layers: &[(Value, Option<Values>)],
        merged: &Value,
    ) -> Option<String> {
        let mut first = None;
        for (at, message) in problems_of_values(merged, self.context) {
            let last = layers.iter().rev().find(|(value, _)| value.pointer(at.as_str()).is_some());
            let Some(values) = last.and_then(|(_, values)| values.as_ref()).filter(|values| !values.is_known) else {
                continue;
            };
            let below = pointer(&release.below) + at.as_str();
            let place = located(&values.place, if values.within.is_empty() { &below } else { values.within });
            self.found.notes.insert(place.clone(), (values.place.file().to_owned(), message));
            first.get_or_insert(place);
        }
        first
    }
}

impl OtherPlans {
    /// A release is installed by what names its values: then no command of Helm is printed for them.
    pub(super) fn set_installers(&mut self, sources: &Sources) {
        let mut values: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, plan) in self.plans.iter().enumerate() {
            if plan.source_type == SourceType::HelmValues {
                values
                    .entry(file_name(&plan.file).rsplit('/').next().unwrap_or_default().to_owned())
                    .or_default()
                    .push(index);
            }
        }
        let objects = sources.objects.iter().filter(|source| source.other.is_some_and(OtherSource::installs));
        let objects =
            objects.map(|source| (source.place.file(), source.source_type(), Cow::Owned(source.value.to_string())));
        let texts =
            sources.texts.iter().map(|text| (text.file.as_str(), text.source_type, Cow::Borrowed(text.text.as_str())));
        for (file, source_type, text) in objects.chain(texts) {
            let separators = |letter: char| letter.is_whitespace() || "\"',=:;()[]{}".contains(letter);
            let named = text.split(separators).filter_map(|word| {
                let plans = values.get(word.rsplit('/').next().unwrap_or_default())?;
                Some((named_path(word), plans))
            });
            for (path, index) in named.flat_map(|(path, plans)| plans.iter().map(move |index| (path.clone(), index))) {
                self.set_installer((*index, &path), file, source_type);
            }
        }
    }

    /// Notes what installs the plan with this index, if its file has this path.
    fn set_installer(&mut self, (index, path): (usize, &Path), file: &str, source_type: SourceType) {
        if let Some(plan) = self.plans.get_mut(index)
            && normalized(Path::new(&plan.file)).ends_with(path)
        {
            plan.installed_by(file, source_type);
        }
    }
}

/// What an object is that installs a chart of a repository with Git, whose folder alone shows that Microsoft's is in it.
pub(super) fn deployer_of_chart(source: &SourceObject) -> Option<SourceType> {
    match (source.text("/apiVersion").split('/').next()?, source.text("/kind")) {
        ("argoproj.io", "Application" | "ApplicationSet") => Some(SourceType::ArgoApplication),
        ("helm.toolkit.fluxcd.io", "HelmRelease") => Some(SourceType::HelmRelease),
        _ => None,
    }
}

/// The releases of a chart that has Microsoft's as a dependency, with each file of values beside it.
fn of_chart(source: &SourceObject) -> Vec<InstalledRelease> {
    let aliases = if source.source_type() == SourceType::HelmChart { aliases(&source.value) } else { Vec::new() };
    let folder = Path::new(source.place.file()).parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let entries = if aliases.is_empty() { None } else { fs::read_dir(folder).ok() };
    let names = entries.into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let is_values = |name: &String| {
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
        name.starts_with("values") && extension.is_some_and(|extension| ["yaml", "yml"].contains(&extension))
    };
    let names: BTreeSet<String> = names.filter(is_values).collect();
    let release = |alias: &str, name: &String| InstalledRelease {
        below: vec![alias.to_owned()],
        layers: vec![InstalledLayer::File("values.yaml".to_owned()), InstalledLayer::File(name.clone())],
        ..InstalledRelease::default()
    };
    aliases.iter().flat_map(|alias| names.iter().map(move |name| release(alias, name))).collect()
}

/// The gateways of releases, with how those of the source of the same name, or the only one, authenticated.
fn with_old_methods(new: Vec<SourceGateway>, old: &[SourceGateway]) -> Vec<SourceGateway> {
    let of_old = |gateway: SourceGateway| {
        let same = old.iter().find(|old| old.gateway_name == gateway.gateway_name).or(old.first());
        let (from, old_client_id) = same.map(|old| (old.from, old.old_client_id.clone()))?;
        Some(SourceGateway { from, old_client_id, ..gateway })
    };
    let is_unnamed = |gateway: &SourceGateway| gateway.service_account.contains("RELEASE");
    let has_names = new.iter().any(|gateway| !is_unnamed(gateway));
    new.into_iter().filter(|gateway| !has_names || !is_unnamed(gateway)).filter_map(of_old).collect()
}

fn pointer(keys: &[String]) -> String {
    keys.iter().fold(String::new(), |pointer, key| pointer + "/" + key)
}

impl Found {
    /// Adds the gateway of a release, and the commands for its `ServiceAccount`, to plans.
    fn add(&mut self, plans: impl IntoIterator<Item = usize>, (gateway, commands): (SourceGateway, Vec<String>)) {
        for index in plans.into_iter().filter(|_| gateway.client_id.is_some()) {
            let gateways = self.gateways.entry(index).or_default();
            if !gateways.contains(&gateway) {
                gateways.push(gateway.clone());
            }
            self.commands.entry(index).or_default().extend(commands.iter().cloned());
        }
    }

    /// Keeps the Secrets and keys of plans until a person has changed this place.
    fn keep<'i>(&mut self, plans: impl Iterator<Item = &'i usize>, place: &str) {
        for index in plans {
            self.open.entry(*index).or_insert_with(|| place.to_owned());
        }
    }

    fn write(self, plans: &mut OtherPlans) {
        for (index, (file, source_type)) in self.installers {
            if let Some(plan) = plans.plans.get_mut(index).filter(|plan| plan.source_type == SourceType::HelmValues) {
                plan.installed_by(&file, source_type);
            }
        }
        for (index, gateways) in self.gateways {
            if let Some(plan) = plans.plans.get_mut(index).filter(|plan| !plan.report.gateways.is_empty()) {
                plan.report.gateways = with_old_methods(gateways, &plan.report.gateways);
            }
        }
        for (index, commands) in self.commands {
            if let Some(plan) = plans.plans.get_mut(index).filter(|plan| plan.is_changed) {
                plan.report.apply.retain(|command| !command.starts_with("kubectl "));
                plan.report.apply.splice(0..0, commands);
            }
        }
        for (index, place) in self.open {
            if let Some(plan) = plans.plans.get_mut(index) {
                plan.open_installer.get_or_insert(place);
            }
        }
        let mut files: BTreeMap<String, SourceReport<String>> = BTreeMap::new();
        for (place, (file, message)) in self.notes {
            files.entry(file).or_default().note(place, NoteKind::ByHand, message);
        }
        for (file, report) in files {
            let kind = SourceType::HelmValues.name().to_owned();
            let source = ObjectReference { kind, name: file.clone(), ..ObjectReference::default() };
            plans.plans.push(OtherPlan::new(source, SourceType::HelmValues, &file, report));
        }
    }
}

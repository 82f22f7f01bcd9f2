//! Reads the files of a migration.

pub(in crate::command) use super::source_type::SourceType;
// longer than the guide: the one place that decides what each file and each document is

use super::beside::read_beside;
use super::deployed::namespaces_of_files;
use super::source_kind::{OutsideGateway, SourceKind, Unsupported, installs_chart, is_helmfile};
use super::taken::Taken;
use super::unread;
use crate::command::check::not_final::NotFinal;
use crate::command::check::plain_key;
use crate::migration_sources::{
    Deployer, Kustomizations, SourceContext, files_of_generators, generated_config_maps, has_gateway_release,
    migrate_object, migrate_values,
};
use apim_keyless_core::gateway::{Gateway, Images, KubernetesObject, ObjectReference, Recognized, RelatedObjects};
use apim_keyless_core::migration::{Facts, names_in_keys};
use apim_keyless_core::policy::dotted;
use apim_keyless_manifest::{FileContent, Inputs, ManifestObject, PatchFiles, Place, is_encrypted, normalized};
use apim_keyless_report::file_name;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The content of the files.
#[derive(Default)]
pub(super) struct Sources {
    /// The objects, in the order of the files and their documents.
    pub(super) objects: Vec<SourceObject>,
    /// What could not be read: `FILE:LINE:COLUMN: cause and fix`.
    pub(super) failures: Vec<String>,
    /// Gateways that this command cannot migrate, with the place.
    pub(super) unsupported: Vec<(String, Unsupported)>,
    /// Sources that are not YAML, and pipelines.
    pub(super) texts: Vec<TextSource>,
    /// The Secrets that values of other charts take, with the place.
    pub(super) taken: Vec<(String, String)>,
    /// The names of gateways whose keys other values have, with the place.
    pub(super) keys_elsewhere: Vec<(String, String)>,
    /// The texts of gateways outside of Kubernetes, with the place: they keep their keys.
    pub(super) outside: Vec<(String, String)>,
    /// The metadata of the `ConfigMap`s that generators make.
    generated: HashSet<String>,
    /// The indices of objects, by kind, namespace and name.
    by_name: HashMap<(String, String, String), Vec<usize>>,
}

/// An object of a file.
pub(super) struct SourceObject {
    pub(super) place: Place,
    pub(super) value: Value,
    /// The object, if it is of a kind that rules evaluate and is the one that reaches a cluster.
    pub(super) object: Option<KubernetesObject<'static>>,
    pub(super) namespace: String,
    /// The places of the auth keys in plain text: the file may be changed when they are shown.
    pub(super) keys: Vec<String>,
    /// What it is, if it is not a plain manifest.
    pub(super) other: Option<OtherSource>,
    /// Whether its text is a whole YAML document.
    pub(super) is_document: bool,
}

/// A source of gateways that is YAML, but not a plain manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherSource {
    /// Values of a chart, or its `Chart.yaml`.
    Values,
    /// A helmfile with a release of Microsoft's chart.
    Helmfile,
    /// A `HelmRelease`, an `Application` or an `ApplicationSet`.
    Release,
    /// A kustomization.
    Kustomization,
    /// The `ConfigMap` that the generator with this index of a kustomization makes.
    Generator(usize),
}

impl OtherSource {
    /// Whether it can name files of values, with which its tool installs a release.
    pub(super) fn installs(self) -> bool {
        matches!(self, Self::Helmfile | Self::Release | Self::Kustomization)
    }
}

/// A source of gateways that is not YAML, or whose text alone can be changed.
pub(super) struct TextSource {
    pub(super) file: String,
    pub(super) text: String,
    pub(super) source_type: SourceType,
}

impl TextSource {
    /// A name for it, to ask for its facts.
    pub(super) fn reference(&self) -> ObjectReference {
        let kind = self.source_type.name().to_owned();
        let name = file_name(&self.file).to_owned();
        ObjectReference { kind, name, ..ObjectReference::default() }
    }
}

impl SourceObject {
    /// What it is.
    pub(super) fn source_type(&self) -> SourceType {
        match self.other {
            Some(OtherSource::Values) if self.value.get("dependencies").is_some() => SourceType::HelmChart,
            Some(OtherSource::Values) => SourceType::HelmValues,
            Some(OtherSource::Helmfile) => SourceType::Helmfile,
            Some(OtherSource::Release) => match self.text("/kind") {
                "HelmRelease" => SourceType::HelmRelease,
                "Kustomization" => SourceType::FluxKustomization,
                _ => SourceType::ArgoApplication,
            },
            Some(OtherSource::Kustomization | OtherSource::Generator(_)) => SourceType::Kustomization,
            None => SourceType::Manifest,
        }
    }

    /// Whether it is a source of its own, and no manifest. A kustomization reports what its generators make.
    pub(super) fn is_other(&self) -> bool {
        !matches!(self.other, None | Some(OtherSource::Generator(_)))
    }

    /// A name for it, to ask for its facts.
    pub(super) fn reference(&self) -> ObjectReference {
        let (kind, name) = (self.source_type().name().to_owned(), located(&self.place, ""));
        ObjectReference { kind, name, ..ObjectReference::default() }
    }

    fn other(object: ManifestObject, other: OtherSource, reading: &Reading<'_>) -> Self {
        let ManifestObject { value, place, .. } = object;
        let own = value.pointer("/metadata/namespace").and_then(Value::as_str);
        let namespace = own.unwrap_or(reading.namespace).to_owned();
        let keys = plain_key::find(&value).iter().map(|key| located_key(&place, &value, key.as_str())).collect();
        let is_document = place.is_yaml_document();
        Self { place, object: None, namespace, keys, value, other: Some(other), is_document }
    }

    pub(super) fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Files of which only a kustomization says what they are.
struct BuiltFiles {
    patches: PatchFiles,
    /// The files with settings that generators read.
    settings: BTreeSet<PathBuf>,
}

/// How the files are read.
pub(super) struct Reading<'a> {
    /// Namespace of objects that name none.
    pub(super) namespace: &'a str,
    pub(super) images: &'a Images,
    /// The folder that the new files are written to. Its files are left out: they are those of an earlier run.
    pub(super) output: Option<&'a Path>,
}

impl Reading<'_> {
    /// The folder of the new files, if files of it would be read only because it is in a folder of the input.
    fn left_out(&self, paths: &[PathBuf]) -> Option<PathBuf> {
        let output = fs::canonicalize(self.output?).ok()?;
        let is_named = |path: &PathBuf| fs::canonicalize(path).is_ok_and(|path| path.starts_with(&output));
        (!paths.iter().any(is_named)).then_some(output)
    }
}

impl Sources {
    /// Reads these files, the files of folders, and `stdin` for `-`. A file with several names is read once.
    pub(super) fn read(paths: &[PathBuf], stdin: Option<&[u8]>, reading: &Reading<'_>) -> Self {
        let mut inputs = Inputs::with_extensions(SourceKind::EXTENSIONS);
        for path in paths {
            inputs.add(path, stdin.unwrap_or_default());
        }
        let mut contents = inputs.read(|content| content);
        if let Some(output) = reading.left_out(paths) {
            let is_new = |file: &str| fs::canonicalize(file).is_ok_and(|file| file.starts_with(&output));
            contents.retain(|content| !is_new(&content.name));
        }
        let mut built = BuiltFiles { patches: PatchFiles::above(paths), settings: BTreeSet::new() };
        for content in &contents {
            built.patches.extend(content.patch_files.iter().cloned());
            let folder = Path::new(&content.name).parent().unwrap_or(Path::new(""));
            let files = content.kustomizations.iter().flat_map(|built| files_of_generators(&built.value));
            built.settings.extend(files.map(|file| normalized(&folder.join(file))));
        }
        let namespaces = namespaces_of_files(&contents);
        let mut sources = Self::default();
        for content in contents {
            let namespace = namespaces.get(&content.name).map_or(reading.namespace, String::as_str);
            sources.add_file(content, &built, &Reading { namespace, ..*reading });
        }
        // a patch is only a part of the object with its name
        let is_whole = |source: &&SourceObject| !built.patches.contains(source.place.file());
        for (index, source) in sources.objects.iter().enumerate().filter(|(_, source)| is_whole(source)) {
            let name = (source.text("/kind"), source.namespace.as_str(), source.text("/metadata/name"));
            sources.by_name.entry(owned(name)).or_default().push(index);
        }
        sources
    }

    /// The objects with this kind and name in a namespace, with their indices.
    pub(super) fn find(&self, kind: &str, namespace: &str, name: &str) -> impl Iterator<Item = (usize, &SourceObject)> {
        let indices = self.by_name.get(&owned((kind, namespace, name))).into_iter().flatten();
        indices.filter_map(|index| Some((*index, self.objects.get(*index)?)))
    }

    /// The one place that decides what a file is. Each kind of source that is not a manifest has a module of its own.
    fn add_file(&mut self, content: FileContent, built: &BuiltFiles, reading: &Reading<'_>) {
        let path = Path::new(&content.name);
        match SourceKind::of(path, content.text()) {
            SourceKind::Manifests => self.add_manifests(content, built, reading),
            SourceKind::Script => {
                self.add_unsupported(Unsupported::in_script(&content.name, content.text(), reading.images));
                self.add_text(&content, SourceType::Script);
            }
            SourceKind::Terraform => {
                self.failures.extend(unread::failure_of_terraform(&content));
                self.add_unsupported(Unsupported::in_terraform(&content.name, content.text()));
                self.add_text(&content, SourceType::Terraform);
            }
            // the kustomization reports it
            SourceKind::Unsupported(Unsupported::Docker) if built.settings.contains(&normalized(path)) => {}
            SourceKind::Unsupported(unsupported) => {
                let text = content.text().to_owned();
                self.add_unsupported([OutsideGateway { place: content.name, what: Some(unsupported), text }]);
            }
            SourceKind::NotAbout => self.taken.extend(unread::all_words(&content)),
        }
    }

    /// Adds gateways that cannot be migrated, with what has their keys.
    fn add_unsupported(&mut self, gateways: impl IntoIterator<Item = OutsideGateway>) {
        for OutsideGateway { place, what, text } in gateways {
            self.unsupported.extend(what.map(|what| (place.clone(), what)));
            self.outside.push((file_name(&place).to_owned(), text));
        }
    }

    fn add_manifests(&mut self, content: FileContent, built: &BuiltFiles, reading: &Reading<'_>) {
        self.failures.extend(content.errors.iter().map(unread::failure));
        self.failures.extend(unread::failures(&content));
        self.taken.extend(unread::taken(&content));
        if !content.errors.is_empty() && is_helmfile(content.text()) {
            let (place, text) = (content.name.clone(), content.text().to_owned());
            self.add_unsupported([OutsideGateway { place, what: Some(Unsupported::HelmfileTemplate), text }]);
        }
        if !content.mappings.is_empty() {
            self.add_unsupported(Unsupported::in_script(&content.name, content.text(), reading.images));
        }
        let none = Facts::default();
        let without_facts = SourceContext { facts: &none, images: reading.images };
        let is_values =
            |mapping: &ManifestObject| migrate_values(&content.name, &mapping.value, without_facts).is_some();
        let has_values = content.mappings.iter().any(is_values);
        let is_unsupported = content.mappings.iter().any(|mapping| Unsupported::of_mapping(&mapping.value).is_some());
        let is_script = !has_values
            && !is_unsupported
            && !content.mappings.is_empty()
            && (unread::has_commands(content.text(), without_facts) || installs_chart(content.text()));
        if is_script {
            self.add_text(&content, SourceType::Script);
        }
        self.add_unsupported(unread::list(&content));
        for mapping in content.mappings {
            self.add_mapping(mapping, (&content.name, is_script), reading);
        }
        for kustomization in content.kustomizations {
            self.add_kustomization(kustomization, reading);
        }
        let is_patch = built.patches.contains(&content.name);
        for object in content.objects {
            if is_patch {
                self.add_patch(object, reading);
            } else {
                self.add_object(object, reading);
            }
        }
    }

    /// Adds a mapping that is no object. The commands of a script are read from its text, which changes.
    fn add_mapping(&mut self, mapping: ManifestObject, (file, is_script): (&str, bool), reading: &Reading<'_>) {
        let context = SourceContext { facts: &Facts::default(), images: reading.images };
        let (place, text) = (located(&mapping.place, ""), mapping.value.to_string());
        if let Some(unsupported) = Unsupported::of_mapping(&mapping.value) {
            return self.add_unsupported([OutsideGateway { place, what: Some(unsupported), text }]);
        }
        if has_gateway_release(&mapping.value, context) {
            return self.objects.push(SourceObject::other(mapping, OtherSource::Helmfile, reading));
        }
        if migrate_values(file, &mapping.value, context).is_some() {
            return self.objects.push(SourceObject::other(mapping, OtherSource::Values, reading));
        }
        let unread = unread::gateway(&mapping.place, &mapping.value);
        self.add_unsupported(unread.filter(|_| !is_script));
        let keys = names_in_keys(&text).into_iter().filter(|_| !is_script);
        self.keys_elsewhere.extend(keys.map(|name| (name.to_owned(), place.clone())));
        let Taken { names, mentions, commands, .. } = Taken::of(&mapping.value);
        let of_others = commands.into_iter().chain(mentions).filter(|_| !is_script);
        self.taken.extend(names.into_iter().chain(of_others).map(|name| (name, place.clone())));
    }

    fn add_text(&mut self, content: &FileContent, source_type: SourceType) {
        self.texts.push(TextSource { file: content.name.clone(), text: content.text().to_owned(), source_type });
    }

    /// Adds a patch of a kustomization, which reports what it says about a gateway: it is a part of an object.
    fn add_patch(&mut self, object: ManifestObject, reading: &Reading<'_>) {
        let ManifestObject { value, place, .. } = object;
        let keys = plain_key::find(&value).iter().map(|key| located_key(&place, &value, key.as_str())).collect();
        let namespace = reading.namespace.to_owned();
        let is_document = place.is_yaml_document();
        self.objects.push(SourceObject { place, object: None, namespace, keys, value, other: None, is_document });
    }

    /// Adds a kustomization, and the `ConfigMap`s that it generates: workloads take them.
    fn add_kustomization(&mut self, kustomization: ManifestObject, reading: &Reading<'_>) {
        let read = |name: &str| read_beside(kustomization.place.file(), name);
        for (index, value) in generated_config_maps(&kustomization.value, &read) {
            // overlays of one base can generate the same name; a workload takes one of them
            let is_first = self.generated.insert(value.get("metadata").map(Value::to_string).unwrap_or_default());
            let object = KubernetesObject::recognize(value.to_string(), reading.namespace).ok().flatten();
            let (place, is_enclosed) = (kustomization.place.clone(), kustomization.is_enclosed);
            let generated = ManifestObject { value, place, ignored: None, is_enclosed };
            let other = SourceObject::other(generated, OtherSource::Generator(index), reading);
            // its keys are those of the kustomization
            self.objects.push(SourceObject { object: object.filter(|_| is_first), keys: Vec::new(), ..other });
        }
        self.objects.push(SourceObject::other(kustomization, OtherSource::Kustomization, reading));
    }

    /// The files with objects.
    pub(super) fn files(&self) -> HashSet<PathBuf> {
        self.objects.iter().map(|source| normalized(Path::new(source.place.file()))).collect()
    }

    /// The kustomizations.
    pub(super) fn kustomizations(&self) -> Kustomizations<'_> {
        let kustomizations = self.objects.iter().filter(|source| source.other == Some(OtherSource::Kustomization));
        let deployers = self.objects.iter().enumerate();
        let deployers = deployers.flat_map(|(index, source)| Deployer::of_object(index, &source.value));
        Kustomizations::new(kustomizations.map(|source| (source.place.file(), &source.value)).collect())
            .deployed_by(deployers)
    }

    fn add_object(&mut self, object: ManifestObject, reading: &Reading<'_>) {
        let context = SourceContext { facts: &Facts::default(), images: reading.images };
        if migrate_object(&object.value, context).is_some() {
            return self.objects.push(SourceObject::other(object, OtherSource::Release, reading));
        }
        let ManifestObject { value, place, .. } = object;
        if let Some(unsupported) = Unsupported::of_object(&value) {
            let (place, text) = (located(&place, ""), value.to_string());
            return self.add_unsupported([OutsideGateway { place, what: Some(unsupported), text }]);
        }
        // values in a Secret are named with the release that takes them
        let is_secret = value.get("kind").is_some_and(|kind| kind == "Secret");
        self.add_unsupported(unread::gateway(&place, &value).filter(|_| !is_secret));
        let is_patch = value.get("$patch").is_some();
        let recognized = KubernetesObject::recognize(value.to_string(), reading.namespace);
        let recognized = match recognized {
            Ok(Some(object)) => match NotFinal::of(&object, is_encrypted(&value), is_patch) {
                None => Some(object),
                Some(why) => {
                    self.add_not_final(&place, &object, &why, reading);
                    None
                }
            },
            Ok(None) => None,
            Err(error) => {
                let message =
                    format!("{}: {} {}", located(&place, error.at.as_str()), dotted(&error.at), error.message);
                self.failures.push(message);
                None
            }
        };
        let own = value.pointer("/metadata/namespace").and_then(Value::as_str).filter(|name| !name.is_empty());
        let namespace = own.unwrap_or(reading.namespace).to_owned();
        let keys = plain_key::find(&value).iter().map(|key| located_key(&place, &value, key.as_str())).collect();
        let is_document = place.is_yaml_document();
        self.objects.push(SourceObject { place, object: recognized, namespace, keys, value, other: None, is_document });
    }

    /// A gateway whose object is not the one that reaches a cluster cannot be migrated here.
    fn add_not_final(&mut self, place: &Place, object: &KubernetesObject<'_>, why: &NotFinal, reading: &Reading<'_>) {
        let related = RelatedObjects::default();
        let gateway = Gateway::recognize(object, reading.images, &related).and_then(Recognized::gateway);
        if gateway.is_some_and(|gateway| !gateway.is_possible()) {
            self.failures.push(format!("{}: {}", located(place, why.at()), why.message()));
        }
    }
}

fn owned((kind, namespace, name): (&str, &str, &str)) -> (String, String, String) {
    (kind.to_owned(), namespace.to_owned(), name.to_owned())
}

/// `FILE:LINE:COLUMN` of a JSON pointer into an object.
pub(super) fn located(place: &Place, pointer: &str) -> String {
    let position = place.locate().position(pointer);
    format!("{}:{}:{}", file_name(place.file()), position.line, position.column)
}

/// `FILE:LINE:COLUMN` of an auth key. In a text of several lines that is YAML itself, the line of the key.
fn located_key(place: &Place, value: &Value, pointer: &str) -> String {
    let in_text = || {
        let text = value.pointer(pointer)?.as_str().filter(|text| text.contains('\n'))?;
        let inner = apim_keyless_manifest::value(text)?;
        let keys = plain_key::find(&inner);
        let key = inner.pointer(keys.first()?.as_str())?.as_str()?;
        let located = place.locate();
        let first = located.position(pointer).line;
        let mut lines = located.source().lines().enumerate().skip(first);
        let (index, column) = lines.find_map(|(index, line)| Some((index, line.split_once(key)?.0)))?;
        let (file, column) = (file_name(place.file()), column.chars().count() + 1);
        Some(format!("{file}:{}:{column}", index + 1))
    };
    in_text().unwrap_or_else(|| located(place, pointer))
}

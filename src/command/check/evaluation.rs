//! Evaluates the objects of all files together and fills the report.

use super::not_final::NotFinal;
use super::reading::{PlainKey, ReadFile, ReadObject};
use super::{KEY_IN_PLAIN_TEXT, KEY_REFERENCE, deferral, diagnostic, file_location, location, plain_key};
use crate::command::ignore_comments;
use apim_keyless_core::gateway::{Coverage, KubernetesObject, Workload};
use apim_keyless_core::policy::{Date, Evaluated, Finding, Level, Mode, NamespaceModes, Policy, Together, rules};
use apim_keyless_manifest::{LocatedObject, Locator, LooseKey, PatchFiles, Place};
use apim_keyless_report::{Diagnostic, Failure, GatewayRow, Location, Report, Skipped};
use jsonptr::PointerBuf;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Why the objects of a namespace are skipped.
pub(in crate::command) const OFF: &str = "in a namespace with label apim-keyless.dev/mode: off";

/// The mode of a namespace that is not known, or whose label names none: the one which its objects must be ready for.
const UNLABELED: Mode = Mode::Enforce;

/// How `check` evaluates.
pub(super) struct Evaluation<'a> {
    pub(super) policy: &'a Policy,
    /// The mode of every namespace, if it is given.
    pub(super) mode: Option<Mode>,
    /// Whether the objects are the whole content of their namespaces.
    pub(super) is_complete: bool,
    pub(super) today: Date,
}

impl Evaluation<'_> {
    /// The report of these files, which are in the order of `paths`, the arguments, and the object of each finding.
    pub(super) fn report(&self, mut files: Vec<ReadFile>, paths: &[PathBuf]) -> (Report, Vec<Place>) {
        let mut report = Report {
            objects: files.iter().map(|file| file.count).sum(),
            gateways: Some(Vec::new()),
            ..Report::default()
        };
        let nothing = nothing_looked_at(&files, paths);
        let (mut keys, mut loose_keys) = (Vec::new(), Vec::new());
        for file in &mut files {
            report.skipped.append(&mut file.skipped);
            report.failures.append(&mut file.failures);
            keys.append(&mut file.keys);
            loose_keys.append(&mut file.loose_keys);
        }
        let other_patches = find_patches(&mut report, &mut files, paths);
        deferral::restore(&mut report, &mut files, self.policy);
        let objects = files.iter().flat_map(|file| &file.objects);
        let is_patch = |read: &&ReadObject| matches!(read.not_final, Some(NotFinal::Patch | NotFinal::Partial(_)));
        let (patches, whole): (Vec<&ReadObject>, Vec<&ReadObject>) = objects.partition(is_patch);
        let is_final = |read: &&&ReadObject| !matches!(read.not_final, Some(NotFinal::Encrypted));
        let final_objects =
            report.objects - other_patches - patches.len() - (whole.len() - whole.iter().filter(is_final).count());
        let namespaces = NamespaceModes::of(whole.iter().map(|read| &read.object), self.mode, UNLABELED);
        let mut places = Vec::new();
        self.evaluate((&mut report, &mut places), &namespaces, &whole);
        self.evaluate((&mut report, &mut places), &namespaces, &patches);
        self.add_keys((&mut report, &mut places), &namespaces, keys);
        let loose_keys = loose_keys.iter().filter_map(|key| self.loose_key_finding(key));
        report.findings.extend(loose_keys);
        let is_nothing_final = report.objects > 0 && final_objects == 0;
        if is_nothing_final && report.findings.is_empty() && report.failures.is_empty() {
            let message = "nothing was evaluated: no object here is final; render the files first and check the output";
            report.failures.push(Failure { location: location_of(paths), message: message.to_owned() });
        }
        report.failures.extend(nothing);
        report.rate_gateways();
        (report, places)
    }

    /// Evaluates objects together. Of those that are not final, only keys are reported: what is missing in a part of an
    /// object can be in the rest, but a key is one everywhere.
    fn evaluate(
        &self,
        (report, places): (&mut Report, &mut Vec<Place>),
        namespaces: &NamespaceModes,
        read: &[&ReadObject],
    ) {
        let objects: Vec<&KubernetesObject<'_>> = read.iter().map(|read| &read.object).collect();
        let coverage = if self.is_complete { Coverage::GivenWhole } else { Coverage::Given };
        let mode = |namespace: &str| namespaces.mode(namespace);
        let together = Together { mode: &mode, coverage, today: self.today };
        let evaluated = self.policy.evaluate_together(&objects, &together);
        let (mut locator, mut said) = (Locator::default(), HashSet::new());
        for (read, evaluated) in read.iter().zip(evaluated) {
            let ReadObject { place, object, keys, not_final, ignored, .. } = read;
            let Evaluated { findings, gateway, is_of_gateway } = evaluated;
            let mode = namespaces.mode(&object.reference.namespace);
            if mode == Mode::Off && (gateway.is_some() || !keys.is_empty()) {
                let location = location(locator.locate(place), place.file(), "");
                let reference = Some(object.reference.clone());
                report.skipped.push(Skipped { location, object: reference, reason: OFF.to_owned() });
            }
            let (gateway, keys) = if mode == Mode::Off { (None, &[][..]) } else { (gateway, keys.as_slice()) };
            // other applications have placeholders, too
            let may_be_gateway = is_of_gateway || object.workload().is_some_and(Workload::has_unknown_image);
            if let Some(why @ NotFinal::Unrendered(_)) = not_final
                && mode != Mode::Off
                && may_be_gateway
                && said.insert(place.file())
            {
                add_not_final(report, place, why);
            }
            let gateway = gateway.filter(|_| not_final.is_none());
            report.gateways.get_or_insert_default().extend(gateway.map(|summary| GatewayRow {
                config_maps: object.referenced_config_maps().into_iter().collect(),
                ..GatewayRow::new(object.reference.clone(), summary, mode)
            }));
            let is_reported = |finding: &Finding| is_reported(not_final.as_ref(), finding.rule.id);
            let found: Vec<Finding> = findings.into_iter().filter(is_reported).collect();
            let suppressed = |rule: &str| ignore_comments::suppression(ignored.as_deref(), rule);
            for key in keys.iter().filter(|key| !is_found(&found, key)) {
                let finding = self.key_finding(locator.locate(place), place, key, mode);
                let (object, suppressed) = (Some(object.reference.clone()), suppressed(KEY_IN_PLAIN_TEXT));
                report.findings.extend(finding.map(|finding| Diagnostic { object, suppressed, ..finding }));
            }
            for finding in found {
                let suppressed = suppressed(finding.rule.id);
                let finding = diagnostic(locator.locate(place), place, object, finding, mode);
                report.findings.push(Diagnostic { suppressed, ..finding });
            }
            places.resize(report.findings.len(), place.clone());
        }
    }

    fn add_keys(
        &self,
        (report, places): (&mut Report, &mut Vec<Place>),
        namespaces: &NamespaceModes,
        keys: Vec<PlainKey>,
    ) {
        let mut locator = Locator::default();
        for PlainKey { place, object, at, ignored } in keys {
            let mode = object.as_ref().map_or(self.mode, |object| Some(namespaces.mode(&object.namespace)));
            let mode = mode.unwrap_or(Mode::Enforce);
            if mode != Mode::Off {
                let finding = self.key_finding(locator.locate(&place), &place, &at, mode);
                let suppressed = ignore_comments::suppression(ignored.as_deref(), KEY_IN_PLAIN_TEXT);
                report.findings.extend(finding.map(|finding| Diagnostic { object, suppressed, ..finding }));
                places.resize(report.findings.len(), place);
            }
        }
    }

    /// The finding about an auth key in plain text; `None` if its rule is off. Its line is not shown.
    fn key_finding(&self, located: &LocatedObject, place: &Place, at: &PointerBuf, mode: Mode) -> Option<Diagnostic> {
        self.key_finding_at(location(located, place.file(), at.as_str()), mode)
    }

    /// The finding about an auth key in a comment or in a document that cannot be read.
    fn loose_key_finding(&self, key: &LooseKey) -> Option<Diagnostic> {
        let location = file_location(key.file.clone(), Some(key.line), Some(key.column));
        let finding =
            self.key_finding_at(location, self.mode.filter(|mode| *mode != Mode::Off).unwrap_or(Mode::Enforce))?;
        Some(Diagnostic {
            suppressed: ignore_comments::suppression(key.ignored.as_deref(), KEY_IN_PLAIN_TEXT),
            ..finding
        })
    }

    fn key_finding_at(&self, location: Location, mode: Mode) -> Option<Diagnostic> {
        let rule = rules::find(KEY_IN_PLAIN_TEXT).ok()?;
        let level = match self.policy.mode(rule) {
            Mode::Off => return None,
            Mode::Audit => Level::Warning,
            Mode::Enforce => Level::Error,
        };
        Some(Diagnostic { mode, location, ..Diagnostic::new(rule.id, level, plain_key::MESSAGE) })
    }
}

/// Marks the objects of patch files as patches, and reports once a file what is not final. Returns how many patches are of
/// other applications.
fn find_patches(report: &mut Report, files: &mut [ReadFile], paths: &[PathBuf]) -> usize {
    let mut others = 0;
    let mut patches = PatchFiles::above(paths);
    patches.extend(files.iter().flat_map(|file| file.patch_files.iter().cloned()));
    for file in files {
        let is_patch_file = patches.contains(&file.name);
        let mut said = HashSet::new();
        if let Some(first) = file.others.first().filter(|_| is_patch_file) {
            others += file.others.len();
            said.insert(NotFinal::Patch.message());
            add_not_final(report, first, &NotFinal::Patch);
        }
        for read in &mut file.objects {
            let is_unknown = !file.is_named && !file.is_about_gateway;
            if is_patch_file || is_unknown && matches!(read.not_final, Some(NotFinal::Partial(_))) {
                read.not_final = Some(NotFinal::Patch);
            }
            if let Some(why @ NotFinal::Partial(_)) = &read.not_final {
                add_not_final(report, &read.place, why);
            }
            report.failures.extend(read.invalid.take().map(|invalid| *invalid));
            if let Some(why @ (NotFinal::Encrypted | NotFinal::Patch)) = &read.not_final
                && said.insert(why.message())
            {
                add_not_final(report, &read.place, why);
            }
        }
    }
    others
}

/// Whether the findings of a rule count for an object that is not final: a key is one in a part of an object, too.
fn is_reported(not_final: Option<&NotFinal>, rule: &str) -> bool {
    match not_final {
        None => true,
        Some(NotFinal::Patch | NotFinal::Partial(_)) => [KEY_IN_PLAIN_TEXT, KEY_REFERENCE].contains(&rule),
        Some(NotFinal::Encrypted | NotFinal::Unrendered(_)) => rule == KEY_IN_PLAIN_TEXT,
    }
}

/// Whether a finding is that the value at `key` is an auth key. Another finding there, or about what contains it, does not
/// say that the key must be revoked.
fn is_found(findings: &[Finding], key: &PointerBuf) -> bool {
    let is_at = |at: &PointerBuf| at == key || *key == at.with_trailing_token("value");
    findings.iter().any(|finding| finding.rule.id == KEY_IN_PLAIN_TEXT && is_at(&finding.problem.at))
}

fn add_not_final(report: &mut Report, place: &Place, why: &NotFinal) {
    let (located, message) = (place.locate(), why.message());
    match why {
        NotFinal::Encrypted | NotFinal::Patch => {
            let location = location(&located, place.file(), "");
            report.skipped.push(Skipped { location, object: None, reason: message.into_owned() });
        }
        NotFinal::Partial(_) | NotFinal::Unrendered(_) => {
            let location = location(&located, place.file(), why.at());
            report.failures.push(Failure { location, message: message.into_owned() });
        }
    }
}

/// An error for each folder of which nothing was evaluated: it must not look as if it had no findings.
fn nothing_looked_at(files: &[ReadFile], paths: &[PathBuf]) -> Vec<Failure> {
    let of_folder = |path: &PathBuf| {
        let is_inside = |file: &&ReadFile| !file.is_named && Path::new(&file.name).starts_with(path);
        let mut inside = files.iter().filter(is_inside).peekable();
        inside.peek()?;
        inside.all(|file| !file.is_looked_at()).then(|| Failure {
            location: file_location(path.display().to_string(), None, None),
            message: "nothing was evaluated: no file in this folder holds a Kubernetes object; check the path"
                .to_owned(),
        })
    };
    paths.iter().filter(|path| path.is_dir()).filter_map(of_folder).collect()
}

fn location_of(paths: &[PathBuf]) -> Location {
    file_location(paths.first().map(|path| path.display().to_string()).unwrap_or_default(), None, None)
}

//! `helm install` and `helm upgrade` in scripts, pipelines and Makefiles, and commands that create the Secret of a key.
// longer than the guide: reading a command and writing it belong together

use super::argo_application::{by_hand, text_of};
use super::chart_version::{NEW_VERSION, is_chart, is_too_old};
use super::command_versions::{self, PROGRAMS};
use super::embedded_texts::{self, EmbeddedText};
use super::helm_values::{self, KEY_MESSAGE, Release, is_key};
use super::installed_release::{InstalledLayer, InstalledRelease, problems_of_values};
use super::layers::ValueChanges;
use super::lines::Lines;
use super::script_lines::{ScriptLines, is_comment};
use super::script_variables::ScriptVariables;
use super::shell_words::{Command, ShellText, Word};
use super::value_path::{self, ValuePath};
use super::{NoteKind, SourceContext, SourceReport, TextMigration};
use apim_keyless_core::policy::shell_word;
use apim_keyless_manifest::rewrite::{TextChange, apply};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

/// Commands of Helm that take values.
const COMMANDS: [&str; 3] = ["install", "upgrade", "template"];
/// Commands of Helm that download a chart.
const DOWNLOADS: [&str; 2] = ["pull", "fetch"];
/// Flags of Helm without a value.
const SWITCHES: [&str; 37] = [
    "--install",
    "-i",
    "--wait",
    "--atomic",
    "--debug",
    "--dry-run",
    "--create-namespace",
    "--force",
    "--reuse-values",
    "--reset-values",
    "--reset-then-reuse-values",
    "--devel",
    "--dependency-update",
    "--wait-for-jobs",
    "--cleanup-on-fail",
    "--no-hooks",
    "--rollback-on-failure",
    "--skip-crds",
    "--verify",
    "--take-ownership",
    "--generate-name",
    "-g",
    "--replace",
    "--skip-schema-validation",
    "--plain-http",
    "--insecure-skip-tls-verify",
    "--pass-credentials",
    "--disable-openapi-validation",
    "--render-subchart-notes",
    "--hide-notes",
    "--hide-secret",
    "--enable-dns",
    "--force-replace",
    "--force-conflicts",
    "--include-crds",
    "--validate",
    "--untar",
];
/// Flags with `NAME=VALUE` pairs.
const SET_FLAGS: [&str; 4] = ["--set", "--set-string", "--set-file", "--set-literal"];
/// Names with a key as their value, as in a text that is not a readable command.
const KEY_NAMES: [&str; 2] = ["gateway.auth.key=", "gateway.authKey="];

/// Migrates the commands of a script. `None` if it has none for a gateway.
pub fn migrate_script(text: &str, context: SourceContext<'_>) -> Option<TextMigration> {
    let (lines, embedded) = (Lines::of(text), embedded_texts::find(text));
    let written = embedded.iter().filter_map(|text| text.file.clone()).collect();
    let report = SourceReport::default();
    let mut script = Script {
        text,
        lines,
        embedded,
        written,
        context,
        report,
        changes: Vec::new(),
        read: Vec::new(),
        expected: BTreeMap::new(),
        variables: ScriptVariables::of(text),
    };
    let shell = ShellText::new(text);
    let helm = commands(&shell, text, "helm");
    for command in &helm {
        script.helm(&shell, command);
    }
    for (program, chart, version) in PROGRAMS {
        for command in commands(&shell, text, program) {
            script.program((chart, version), &command);
        }
    }
    script.tasks();
    for command in commands(&shell, text, "kubectl") {
        script.secret(&command.words);
    }
    script.others();
    script.finish(&shell, &helm)
}

/// The releases that the commands of a script, and tasks of a pipeline, install. Whether the chart is Microsoft's, its folder can
/// show.
pub(super) fn installed(text: &str) -> Vec<InstalledRelease> {
    let shell = ShellText::new(text);
    let written = files_after_redirections(text);
    let lines = Lines::of(text);
    let of_helm = commands(&shell, text, "helm").into_iter().filter_map(|command| {
        let line = lines.at(command.words.first()?.range.start);
        let read = HelmCommand::read(&shell, &command.words).filter(|command| !command.is_download())?;
        let mut layers: Vec<InstalledLayer> = read.files.iter().cloned().map(InstalledLayer::File).collect();
        layers.push(InstalledLayer::Inline(read.values()));
        let has_all_layers = !read.reads_input && !read.files.iter().any(|name| written.contains(name.as_str()));
        Some(InstalledRelease {
            name: read.release_name().map(str::to_owned),
            namespace: read.namespace.clone().filter(|name| !is_variable(name)),
            layers,
            chart: Some(read.chart()?.to_owned()),
            line,
            has_all_layers,
            ..InstalledRelease::default()
        })
    });
    let others = PROGRAMS.into_iter().flat_map(|(program, chart, _)| {
        let commands = commands(&shell, text, program).into_iter();
        commands.filter_map(move |command| command_versions::release_of(&command, chart)).collect::<Vec<_>>()
    });
    let mut found: Vec<InstalledRelease> = of_helm.chain(others).collect();
    if text.contains("chartName") {
        found.extend(command_versions::releases_of_tasks(&apim_keyless_manifest::value(text).unwrap_or_default()));
    }
    found
}

/// The files that commands of a script write, with `>` or `tee`: what they have is made from something else.
fn files_after_redirections(text: &str) -> HashSet<&str> {
    let marks = [">", "tee "].into_iter().flat_map(|mark| text.match_indices(mark));
    let names = marks.filter_map(|(at, mark)| {
        let rest = near(text, at + mark.len()).trim_start_matches(['>', '|', ' ']);
        rest.split(|letter: char| letter.is_whitespace() || ";|&)\"'".contains(letter)).find(|word| !word.is_empty())
    });
    names.collect()
}

/// The commands of a program. A name among the arguments of another command is not a command.
pub(super) fn commands(shell: &ShellText<'_>, text: &str, program: &str) -> Vec<Command> {
    let mut is_read = vec![false; text.len()];
    let mut found = Vec::new();
    for start in shell.programs(program) {
        if is_read.get(start).copied().unwrap_or_default() {
            continue;
        }
        let command = shell.command(start);
        for range in &command.read {
            is_read.get_mut(range.clone()).into_iter().flatten().for_each(|byte| *byte = true);
        }
        found.push(command);
    }
    found
}

struct Script<'s> {
    text: &'s str,
    lines: Lines,
    /// The texts that commands read from their input.
    embedded: Vec<EmbeddedText>,
    /// The files that commands write such texts into.
    written: HashSet<String>,
    context: SourceContext<'s>,
    report: SourceReport<usize>,
    changes: Vec<TextChange>,
    /// The bytes of commands that were read.
    read: Vec<Range<usize>>,
    /// By the byte at which a command begins: what it is to be after the changes.
    expected: BTreeMap<usize, Shape>,
    variables: ScriptVariables,
}

/// What a command says, to compare it before and after a change.
#[derive(Debug, Default, PartialEq)]
struct Shape {
    /// Its words and redirections without the pairs of its flags and the version.
    words: Vec<String>,
    /// The pairs, without quotes.
    pairs: Vec<(ValuePath, String)>,
}

/// A `NAME=VALUE` pair of a flag.
struct Pair {
    path: ValuePath,
    value: String,
    range: Range<usize>,
}

impl Pair {
    /// Whether the value is not in the command.
    fn is_elsewhere(&self, flag: &SetFlag) -> bool {
        flag.is_of_files || is_variable(&self.value)
    }
}

/// A flag with pairs.
struct SetFlag {
    /// From the end of the word before it to its own end.
    with_gap: Range<usize>,
    gap: Range<usize>,
    pairs: Vec<Pair>,
    /// Whether its values are names of files that have the values.
    is_of_files: bool,
}

/// A command of Helm.
#[derive(Default)]
pub(super) struct HelmCommand<'w> {
    pub(super) positional: Vec<&'w Word>,
    /// The name of the release, as the chart's page documents it for Helm 2.
    name: Option<&'w Word>,
    /// Whether Helm makes the name of the release.
    generates_name: bool,
    sets: Vec<SetFlag>,
    /// The values of `--set-json`, each with its path.
    json: Vec<(ValuePath, Value)>,
    /// Whether it reads values from its input.
    reads_input: bool,
    pub(super) version: Option<Word>,
    namespace: Option<String>,
    has_files: bool,
    /// The files with values, in their order.
    files: Vec<String>,
    reuses_values: Option<Range<usize>>,
}

impl<'w> HelmCommand<'w> {
    /// Reads the words after `helm`. `None` for other commands of Helm.
    fn read(shell: &ShellText<'_>, words: &'w [Word]) -> Option<Self> {
        let mut command = Self::default();
        let mut rest = words.iter().skip(1).peekable();
        while let Some(word) = rest.next() {
            if !word.text.starts_with('-') {
                command.positional.push(word);
                continue;
            }
            let (flag, own) = match word.text.split_once('=') {
                Some((flag, value)) => (flag, Some((value.to_owned(), word))),
                None => (word.text.as_str(), None),
            };
            if flag == "--reuse-values" {
                command.reuses_values = Some(word.range.clone());
            }
            command.generates_name |= ["-g", "--generate-name"].contains(&flag);
            if SWITCHES.contains(&flag) {
                continue;
            }
            // a flag that is not known can have no value
            let value =
                own.or_else(|| rest.next_if(|next| !next.text.starts_with("--")).map(|next| (next.text.clone(), next)));
            let Some((value, of_value)) = value else { continue };
            let before = word.after;
            let skipped = if std::ptr::eq(of_value, word) { flag.len() + 1 } else { 0 };
            let range = of_value.range.start + skipped..of_value.range.end;
            match flag {
                _ if SET_FLAGS.contains(&flag) => command.sets.push(SetFlag {
                    with_gap: before..of_value.range.end,
                    gap: before..word.range.start,
                    pairs: pairs(shell, range)?,
                    is_of_files: flag == "--set-file",
                }),
                "--version" => command.version = Some(Word { range, text: value, after: before }),
                "-n" | "--namespace" => command.namespace = Some(value),
                "--set-json" => command.json.extend(json_values(&value)),
                "--name" => command.name = Some(of_value),
                "-f" | "--values" => {
                    command.has_files = true;
                    command.reads_input |= value == "-" || value == "/dev/stdin" || value.starts_with("<(");
                    command.files.extend(value.split(',').map(str::to_owned));
                }
                _ => {}
            }
        }
        let is_known = |word: &&Word| COMMANDS.iter().chain(&DOWNLOADS).any(|known| *known == word.text);
        command.positional.first().is_some_and(is_known).then_some(command)
    }

    fn is_download(&self) -> bool {
        self.positional.first().is_some_and(|word| DOWNLOADS.contains(&word.text.as_str()))
    }

    fn is_of_chart(&self) -> bool {
        self.positional.iter().any(|word| is_chart(&word.text))
    }

    /// The chart of a command that installs it.
    fn chart(&self) -> Option<&'w str> {
        let at = if self.name.is_some() || self.generates_name { 1 } else { 2 };
        let chart = self.positional.iter().find(|word| is_chart(&word.text)).or_else(|| self.positional.get(at));
        chart.map(|word| word.text.as_str())
    }

    /// The text that the last pair of this name sets.
    pub(super) fn last_text(&self, path: &[&str]) -> Option<&str> {
        let mut pairs = self.sets.iter().filter(|set| !set.is_of_files).flat_map(|set| &set.pairs);
        pairs.rfind(|pair| pair.path == path).map(|pair| pair.value.as_str())
    }

    fn values(&self) -> Value {
        let mut values = json!({});
        for (set, pair) in self.sets.iter().flat_map(|set| set.pairs.iter().map(move |pair| (set, pair))) {
            // a variable is not a key in plain text
            let value = if pair.is_elsewhere(set) { "${VARIABLE}" } else { &pair.value };
            value_path::set(&mut values, &pair.path, json!(value));
        }
        for (path, value) in &self.json {
            value_path::set(&mut values, path, value.clone());
        }
        values
    }

    /// The name of the release, if it is in the command.
    fn release_name(&self) -> Option<&'w str> {
        let first = || self.positional.get(1).copied().filter(|_| !self.generates_name);
        let name = self.name.or_else(first).map(|word| word.text.as_str());
        name.filter(|name| !is_variable(name) && !is_chart_word(name))
    }

    /// Whether a change is in values that were given as JSON.
    fn is_in_json(&self, changes: &ValueChanges) -> bool {
        let is_in = |changed: &ValuePath| {
            self.json.iter().any(|(path, _)| changed.starts_with(path) || path.starts_with(changed))
        };
        changes.set.keys().chain(&changes.removed).any(is_in)
    }
}

/// The paths and the values of a `NAME=JSON` pair, or of an object with all values. A text with variables that is not JSON
/// counts as a text.
fn json_values(pair: &str) -> Vec<(ValuePath, Value)> {
    if let Ok(Value::Object(members)) = serde_json::from_str(pair) {
        return members.into_iter().map(|(name, value)| (vec![name], value)).collect();
    }
    let Some((name, text)) = pair.split_once('=') else { return Vec::new() };
    let value = serde_json::from_str(text).unwrap_or_else(|_| json!("${VARIABLE}"));
    vec![(value_path::parse(name), value)]
}

/// Whether a value has a variable of a shell, of PowerShell, of a pipeline, or of Windows' command line. No key has these
/// characters.
fn is_variable(value: &str) -> bool {
    value.contains(['$', '`', '%', '{'])
}

/// The pairs of a flag's value, whose bytes these are. `None` if its quotes cannot be read.
fn pairs(shell: &ShellText<'_>, range: Range<usize>) -> Option<Vec<Pair>> {
    let raw = shell.text.get(range.clone())?;
    let quote = raw.chars().next().filter(|first| ['"', '\''].contains(first));
    let is_whole = quote.is_some_and(|quote| raw.len() > 1 && raw.ends_with(quote) && raw.matches(quote).count() == 2);
    let inner = if is_whole { range.start + 1..range.end - 1 } else { range };
    let raw = shell.text.get(inner.clone())?;
    let (mut found, mut start, mut open, mut is_escaped) = (Vec::new(), 0, None, false);
    let (mut ends, mut skipped): (Vec<usize>, usize) = (Vec::new(), inner.start);
    // `NAME={A,B}` is a list
    let (mut is_in_list, mut before) = (false, None);
    for (at, character) in raw.char_indices() {
        if inner.start + at >= skipped && open != Some('\'') {
            skipped = shell.skipped(inner.start + at).unwrap_or(skipped);
        }
        match (open, character) {
            _ if is_escaped || inner.start + at < skipped => {}
            (None, '"' | '\'') => open = Some(character),
            (Some(quote), character) if quote == character => open = None,
            (None, '{') if before == Some('=') => is_in_list = true,
            (None, '}') => is_in_list = false,
            (None, ',') if !is_in_list => ends.push(at),
            _ => {}
        }
        before = Some(character);
        is_escaped = character == '\\' && !is_escaped;
    }
    ends.push(raw.len());
    for end in ends {
        let (name, value) = raw.get(start..end)?.split_once('=')?;
        let name = name.trim_matches(['"', '\'']);
        let value: String = value.chars().filter(|character| !['"', '\''].contains(character)).collect();
        found.push(Pair { path: value_path::parse(name), value, range: inner.start + start..inner.start + end });
        start = end + 1;
    }
    Some(found)
}

impl Script<'_> {
    fn line(&self, at: usize) -> usize {
        self.lines.at(at)
    }

    /// Migrates a command of Helm.
    fn helm(&mut self, shell: &ShellText<'_>, read: &Command) {
        let words = &read.words;
        let Some(command) = HelmCommand::read(shell, words) else { return };
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let values = command.values();
        let is_own =
            command.is_of_chart() || !command.is_download() && helm_values::are_of_chart(&values, self.context);
        if !is_own {
            return;
        }
        self.read.push(first.range.start..last.range.end);
        let at = self.line(first.range.start);
        for (line, message) in command_versions::of_helm(&command, at, &self.variables, self.context) {
            self.report.note(line, NoteKind::ByHand, message);
        }
        if command.is_download() {
            return self.download(shell, read, &command);
        }
        self.named_values(&command);
        self.release(shell, read, (&command, &values));
    }

    /// Migrates a command that installs the chart.
    fn release(&mut self, shell: &ShellText<'_>, read: &Command, (command, values): (&HelmCommand<'_>, &Value)) {
        let words = &read.words;
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        let at = self.line(first.range.start);
        let name = command.release_name();
        let namespace = command.namespace.as_deref().filter(|name| !is_variable(name));
        // values in files alone are migrated there; only the version is here
        let has_json = !command.json.is_empty() && command_versions::has_method(values);
        let plan = if command.sets.is_empty() && !has_json && command.has_files {
            helm_values::ValuesPlan::default()
        } else {
            helm_values::plan(values, Release { name, namespace, ..Release::default() }, self.context)
        };
        let pairs = command.sets.iter().flat_map(|set| &set.pairs).rev();
        let starts: BTreeMap<&ValuePath, usize> = pairs.map(|pair| (&pair.path, pair.range.start)).collect();
        let line_of = |path: &ValuePath| starts.get(path).map_or(at, |start| self.lines.at(*start));
        let report = plan.report.with_places(line_of);
        helm_values::append(&mut self.report, report, |line| *line);
        if plan.is_missing_facts {
            return;
        }
        if let Some(range) = &command.reuses_values {
            self.report.note(self.line(range.start), NoteKind::ByHand, REUSES);
        }
        self.input(command, at, self.line(last.range.end));
        let is_old = command.is_of_chart() && command.version.as_ref().is_some_and(|version| is_too_old(&version.text));
        if plan.changes.is_empty() && !is_old {
            return;
        }
        if read.is_uncertain || words.iter().any(|word| word.text == "--") {
            return self.report.note(at, NoteKind::ByHand, uncertain(&plan.changes, is_old));
        }
        if let Some(version) = command.version.as_ref().filter(|_| is_old) {
            self.changes.push(TextChange { range: version.range.clone(), text: NEW_VERSION.to_owned() });
        }
        if command.is_in_json(&plan.changes) {
            let message = format!("{}, with --set in place of --set-json", by_hand(&plan.changes));
            return self.report.note(at, NoteKind::ByHand, message);
        }
        self.expected.insert(first.range.start, expected(shell, read, command, &plan.changes));
        self.change(command, &plan.changes, last.range.end);
    }

    /// Raises the version of a command that downloads the chart.
    fn download(&mut self, shell: &ShellText<'_>, read: &Command, command: &HelmCommand<'_>) {
        let Some(version) = command.version.as_ref().filter(|version| is_too_old(&version.text)) else { return };
        let start = read.words.first().map_or(0, |word| word.range.start);
        if read.is_uncertain {
            return self.report.note(self.line(start), NoteKind::ByHand, uncertain(&ValueChanges::default(), true));
        }
        self.changes.push(TextChange { range: version.range.clone(), text: NEW_VERSION.to_owned() });
        self.expected.insert(start, expected(shell, read, command, &ValueChanges::default()));
    }

    /// Names an old version in a command of another tool.
    fn program(&mut self, flags: (&str, &str), command: &Command) {
        let line = self.line(command.words.first().map_or(0, |word| word.range.start));
        for (line, message) in command_versions::of_program(flags, command, line, &self.variables) {
            self.report.note(line, NoteKind::ByHand, message);
        }
    }

    /// Names old versions in tasks of a pipeline.
    fn tasks(&mut self) {
        if !self.text.contains("chartVersion") {
            return;
        }
        let value = apim_keyless_manifest::value(self.text).unwrap_or_default();
        let old: BTreeSet<&str> = command_versions::old_in_tasks(&value).into_iter().collect();
        for (index, line) in self.text.lines().enumerate() {
            let version = line.trim_start().trim_start_matches("- ").strip_prefix("chartVersion:");
            let version =
                version.and_then(|rest| rest.split(" #").next()).map(|rest| rest.trim().trim_matches(['"', '\'']));
            if version.is_some_and(|version| old.contains(version)) {
                self.report.note(index + 1, NoteKind::ByHand, command_versions::version_message("chartVersion"));
            }
        }
    }

    /// Names what a script writes into the files of values of a command.
    fn named_values(&mut self, command: &HelmCommand<'_>) {
        let is_named = |text: &&EmbeddedText| text.file.as_ref().is_some_and(|file| command.files.contains(file));
        if !command.files.iter().any(|file| self.written.contains(file)) {
            return;
        }
        let mut notes = Vec::new();
        for text in self.embedded.iter().filter(is_named) {
            let Some(values) = apim_keyless_manifest::value(&text.text).filter(Value::is_object) else { continue };
            // values of the chart by themselves are named in each place
            if helm_values::are_of_chart(&values, self.context) {
                continue;
            }
            if command_versions::has_method(&values) {
                notes.extend(self.notes_about(&values).into_iter().map(|(kind, message)| (text.line, kind, message)));
            } else if command.last_text(&["image", "tag"]).is_none() {
                let problems = problems_of_values(&values, self.context);
                notes.extend(problems.into_iter().map(|(_, message)| (text.line, NoteKind::ByHand, message)));
            }
        }
        for (line, kind, message) in notes {
            self.report.note(line, kind, message);
        }
    }

    /// What a person has to do about values that are a text in a script.
    fn notes_about(&self, values: &Value) -> Vec<(NoteKind, String)> {
        let plan = helm_values::plan(values, Release::default(), self.context);
        let is_known = |kind| matches!(kind, NoteKind::Key | NoteKind::ClientSecret | NoteKind::Missing(_));
        let notes = plan.report.notes.into_iter().filter(|note| is_known(note.kind));
        let by_hand = (!plan.changes.is_empty()).then(|| (NoteKind::ByHand, by_hand(&plan.changes)));
        notes.map(|note| (note.kind, note.message)).chain(by_hand).collect()
    }

    /// Names values from the input of a command that are in no text beside it.
    fn input(&mut self, command: &HelmCommand<'_>, first: usize, last: usize) {
        let is_here = self.embedded.iter().any(|text| (first..=last).contains(&text.line));
        if command.reads_input && !is_here {
            self.report.note(first, NoteKind::ByHand, INPUT);
        }
    }

    /// Writes the changes into the flags of a command.
    fn change(&mut self, command: &HelmCommand<'_>, changes: &ValueChanges, end: usize) {
        let mut new: Vec<String> = Vec::new();
        let written: BTreeSet<&ValuePath> =
            command.sets.iter().flat_map(|set| &set.pairs).map(|pair| &pair.path).collect();
        let removed: BTreeSet<&ValuePath> = changes.removed.iter().collect();
        for (path, value) in changes.set.iter().filter(|(path, _)| !written.contains(path)) {
            new.push(format!("--set {}", shell_word(&assignment(path, value))));
        }
        let last = command.sets.last();
        let gap = last.and_then(|set| self.text.get(set.gap.clone())).unwrap_or(" ").to_owned();
        for set in &command.sets {
            let kept: Vec<&Pair> = set.pairs.iter().filter(|pair| !removed.contains(&pair.path)).collect();
            if kept.is_empty() {
                self.changes.push(TextChange { range: set.with_gap.clone(), text: String::new() });
                continue;
            }
            let texts: Vec<String> = kept
                .iter()
                .map(|pair| match changes.set.get(&pair.path) {
                    Some(value) => assignment(&pair.path, value),
                    None => self.text.get(pair.range.clone()).unwrap_or_default().to_owned(),
                })
                .collect();
            let (Some(first), Some(last)) = (set.pairs.first(), set.pairs.last()) else { continue };
            let range = first.range.start..last.range.end;
            let text = texts.join(",");
            if self.text.get(range.clone()) != Some(text.as_str()) {
                self.changes.push(TextChange { range, text });
            }
        }
        let at = last.map_or(end, |set| set.with_gap.end);
        let text = new.iter().fold(String::new(), |text, argument| text + &gap + argument);
        if !text.is_empty() {
            self.changes.push(TextChange { range: at..at, text });
        }
    }

    /// Reports a command that creates the Secret of a key.
    fn secret(&mut self, words: &[Word]) {
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        let Some(create) = texts.windows(3).position(|words| words == ["create", "secret", "generic"]) else { return };
        let literals: Vec<&Word> = words
            .iter()
            .filter(|word| literal(&word.text).is_some_and(|(name, value)| is_of_gateway(name, value)))
            .collect();
        if literals.is_empty() {
            return;
        }
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return };
        self.read.push(first.range.start..last.range.end);
        for word in &literals {
            if literal(&word.text).is_some_and(|(_, value)| is_plain_key(value)) {
                self.report.note(self.line(word.range.start), NoteKind::Key, KEY_MESSAGE);
            }
        }
        let message = "Remove this command after the rollout: with workload identity the gateway needs no Secret";
        self.report.note(self.line(first.range.start), NoteKind::AfterRollout, message);
        let flag = |names: &[&str]| {
            let at = texts.iter().position(|text| names.contains(text))?;
            texts.get(at + 1).copied()
        };
        let own = || texts.iter().find_map(|text| attached_namespace(text));
        // without it, the namespace is that of the context of kubectl
        let namespace = flag(&["-n", "--namespace"]).or_else(own).filter(|name| !is_variable(name));
        if let Some(name) = texts.get(create + 3).filter(|name| !is_variable(name)) {
            self.report.delete_secret(namespace, name);
        }
    }

    /// Reports keys and tokens in what is not a readable command, and what else sets how a gateway authenticates.
    fn others(&mut self) {
        let read = merged(std::mem::take(&mut self.read));
        let is_read = |at: usize| {
            let next = read.partition_point(|range| range.end <= at);
            read.get(next).is_some_and(|range| range.contains(&at))
        };
        let mut found: Vec<(usize, NoteKind, Cow<'static, str>)> = Vec::new();
        for name in KEY_NAMES {
            for (at, _) in self.text.match_indices(name).filter(|(at, _)| !is_read(*at)) {
                let rest = near(self.text, at + name.len());
                let value = rest.split(['\n', ',', ';']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
                found.extend(is_plain_key(value).then_some((at, NoteKind::Key, KEY_MESSAGE.into())));
                let is_command = !is_comment(self.line_around(at));
                found.extend(is_command.then_some((at, NoteKind::ByHand, OTHER_COMMAND.into())));
            }
        }
        for (at, _) in self.text.match_indices("/generateToken").filter(|(at, _)| !is_read(*at)) {
            let start = self.text.floor_char_boundary(at.saturating_sub(NEAR));
            let before = self.text.get(start..at).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
            if before.contains("/gateways/") {
                found.push((at, NoteKind::AfterRollout, TOKEN.into()));
            }
        }
        for (at, kind, message) in found {
            self.report.note(self.lines.at(at), kind, message);
        }
        self.embedded_values();
        self.settings(&is_read);
    }

    /// The line with a byte, as far as it is looked at.
    fn line_around(&self, at: usize) -> &str {
        let start = self.text.floor_char_boundary(at.saturating_sub(NEAR));
        let before = self.text.get(start..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(start, |line_break| start + line_break + 1);
        near(self.text, start).lines().next().unwrap_or_default()
    }

    /// Reports values of the chart that a command reads from its input.
    fn embedded_values(&mut self) {
        let mut notes = Vec::new();
        for text in &self.embedded {
            let values = apim_keyless_manifest::value(&text.text).filter(Value::is_object);
            let own = values.filter(|values| helm_values::are_of_chart(values, self.context));
            let of_text = own.map(|values| self.notes_about(&values)).into_iter().flatten();
            notes.extend(of_text.map(|(kind, message)| (text.line, kind, message)));
        }
        for (line, kind, message) in notes {
            self.report.note(line, kind, message);
        }
    }

    /// Reports lines that set another method of authentication, an old image or a key, outside of the commands that were read.
    fn settings(&mut self, is_read: &dyn Fn(usize) -> bool) {
        let noted: BTreeSet<usize> = self.report.notes.iter().map(|note| note.at).collect();
        let lines = ScriptLines { text: self.text, secrets: &self.report.delete, context: self.context };
        for (line, kind, message) in lines.notes(is_read, &noted) {
            self.report.note(line, kind, message);
        }
    }

    /// Whether each command of Helm of the new text says what it is to say, and the others what they did.
    fn is_as_expected(&self, shell: &ShellText<'_>, old: &[Command], new: &str) -> bool {
        let new_shell = ShellText::new(new);
        let new = commands(&new_shell, new, "helm");
        let is_same = |(old, new): (&Command, &Command)| {
            let start = old.words.first().map_or(0, |word| word.range.start);
            let shape_of = |shell, command| shape(shell, command, HelmCommand::read(shell, &command.words).as_ref());
            let shape = shape_of(&new_shell, new);
            self.expected.get(&start).map_or_else(|| shape == shape_of(shell, old), |expected| shape == *expected)
        };
        old.len() == new.len() && old.iter().zip(&new).all(is_same)
    }

    fn finish(mut self, shell: &ShellText<'_>, helm: &[Command]) -> Option<TextMigration> {
        self.changes.sort_by_key(|change| (change.range.start, change.range.end));
        self.report.notes.sort_by_key(|note| note.at);
        self.report.notes.dedup();
        let is_in_order =
            self.changes.windows(2).all(|pair| matches!(pair, [one, other] if one.range.end <= other.range.start));
        let new = apply(self.text, &self.changes);
        let is_yaml = apim_keyless_manifest::value(self.text).is_some();
        let is_safe = is_in_order
            && (self.changes.is_empty() || self.is_as_expected(shell, helm, &new))
            && (!is_yaml || apim_keyless_manifest::value(&new).is_some());
        if !is_safe {
            let first = self.changes.first().map_or(0, |change| change.range.start);
            self.report.note(self.lines.at(first), NoteKind::ByHand, UNSAFE);
        }
        let text = (is_safe && new != self.text).then_some(new);
        (text.is_some() || !self.report.is_empty()).then_some(TextMigration { text, report: self.report })
    }
}

/// What a command says. The version is not compared.
fn shape(shell: &ShellText<'_>, read: &Command, command: Option<&HelmCommand<'_>>) -> Shape {
    let Some(command) = command else { return Shape { words: words_outside(shell, read, &[]), ..Shape::default() } };
    let mut outside: Vec<Range<usize>> = command.sets.iter().map(|set| set.gap.end..set.with_gap.end).collect();
    outside.extend(command.version.as_ref().map(|version| version.range.clone()));
    let pairs = command.sets.iter().flat_map(|set| &set.pairs);
    let pairs = pairs.map(|pair| pair_shape(&pair.path, &shell.shape(pair.range.clone())));
    Shape { words: words_outside(shell, read, &outside), pairs: pairs.collect() }
}

/// The words and redirections of a command that are not within these ranges, which are in their order.
fn words_outside(shell: &ShellText<'_>, read: &Command, ranges: &[Range<usize>]) -> Vec<String> {
    let mut ranges = ranges.to_vec();
    ranges.sort_by_key(|range| range.start);
    let is_outside = |part: &&Range<usize>| {
        let next = ranges.partition_point(|range| range.end <= part.start);
        ranges.get(next).is_none_or(|range| range.start >= part.end)
    };
    let words = read.words.iter().map(|word| &word.range).filter(is_outside);
    words.chain(read.redirections.iter()).map(|range| shell.shape(range.clone())).collect()
}

/// A pair without quotes and without its name.
fn pair_shape(path: &ValuePath, pair: &str) -> (ValuePath, String) {
    let value = pair.split_once('=').map_or(pair, |(_, value)| value);
    (path.clone(), value.chars().filter(|letter| !['"', '\''].contains(letter)).collect())
}

/// What a command is to say after these changes.
fn expected(shell: &ShellText<'_>, read: &Command, command: &HelmCommand<'_>, changes: &ValueChanges) -> Shape {
    let mut shape = shape(shell, read, Some(command));
    let removed: BTreeSet<&ValuePath> = changes.removed.iter().collect();
    shape.pairs.retain(|(path, _)| !removed.contains(path));
    let written: BTreeSet<ValuePath> = shape.pairs.iter().map(|(path, _)| path.clone()).collect();
    let of_change = |(path, value): (&ValuePath, &Value)| pair_shape(path, &assignment(path, value));
    for pair in &mut shape.pairs {
        if let Some(value) = changes.set.get(&pair.0) {
            *pair = of_change((&pair.0, value));
        }
    }
    shape.pairs.extend(changes.set.iter().filter(|(path, _)| !written.contains(*path)).map(of_change));
    shape
}

/// What to write in a command that cannot be changed safely.
fn uncertain(changes: &ValueChanges, is_old: bool) -> String {
    let version = format!("Set --version {NEW_VERSION} or newer");
    let message = match (changes.is_empty(), is_old) {
        (true, _) => version,
        (false, true) => format!("{version}. {}", by_hand(changes)),
        (false, false) => by_hand(changes),
    };
    format!("{message}: it is not certain where this command ends, because of a quote, a backquote or a substitution")
}

const OTHER_COMMAND: &str = "Remove gateway.auth.key from these values by hand, and set gateway.auth.type=WorkloadIdentity, \
                             gateway.auth.azureAd.app.id=CLIENT-ID and gateway.name=NAME: migrate changes only \
                             commands that begin with helm and have plain values, without quotes or escapes around the command";
const UNSAFE: &str = "Set gateway.auth.type=WorkloadIdentity, gateway.auth.azureAd.app.id=CLIENT-ID and gateway.name=NAME in this \
                      command by hand, and remove gateway.auth.key: an escape or a quote in its values would be read in another \
                      way after the change";
const TOKEN: &str =
    "Remove this request after the rollout: it makes a token for a gateway, which needs none with workload identity";

const REUSES: &str = "Replace --reuse-values by --reset-then-reuse-values: the values of a chart older than 1.15.0 lack those that \
                      the new chart needs";
const INPUT: &str = "Write the values that this command reads from its input into a file, name the file in the command, and give \
                     it to this command, too: values in an input cannot be read here";
/// The most bytes before or behind a mark that are looked at. No key and no address is longer.
const NEAR: usize = 512;

/// The text behind a byte, as far as it is looked at.
fn near(text: &str, at: usize) -> &str {
    text.get(at..text.floor_char_boundary(at.saturating_add(NEAR))).unwrap_or_default()
}

/// Ranges in their order, of which none is in another.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match merged.last_mut().filter(|last| range.start <= last.end) {
            Some(last) => last.end = last.end.max(range.end),
            None => merged.push(range),
        }
    }
    merged
}

fn is_chart_word(name: &str) -> bool {
    is_chart(name) && name.contains('/')
}

/// The pair of a flag `--set`.
fn assignment(path: &[String], value: &Value) -> String {
    format!("{}={}", value_path::name(path), text_of(value))
}

/// The namespace in the same word as its flag: `--namespace=NAME`, `-nNAME` or `-n=NAME`.
fn attached_namespace(word: &str) -> Option<&str> {
    let short = || word.strip_prefix("-n").map(|rest| rest.strip_prefix('=').unwrap_or(rest));
    word.strip_prefix("--namespace=").or_else(short).filter(|name| !name.is_empty())
}

/// The name and the value of `--from-literal=NAME=VALUE`, or of `NAME=VALUE` behind the flag.
fn literal(word: &str) -> Option<(&str, &str)> {
    word.strip_prefix("--from-literal=").unwrap_or(word).split_once('=').filter(|(name, _)| !name.starts_with('-'))
}

/// Whether a Secret's entry holds the key of a gateway.
fn is_of_gateway(name: &str, value: &str) -> bool {
    let is_name = ["gateway-key", "config.service.auth", "config.service.auth.key"].contains(&name);
    is_name || value.trim_start().starts_with("GatewayKey") || value.contains("/generateToken")
}

pub(super) fn is_plain_key(value: &str) -> bool {
    is_key(value) && !is_variable(value) && value.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration_sources::tests::deletions;
    use apim_keyless_core::gateway::Images;
    use apim_keyless_core::migration::{Fact, Facts};

    const CLIENT_ID: &str = "11111111-2222-3333-4444-555555555555";

    fn facts() -> Facts {
        Facts { client_id: Some(CLIENT_ID.to_owned()), gateway_name: Some("orders".to_owned()), ..Facts::default() }
    }

    fn migrated(text: &str, facts: &Facts) -> Option<TextMigration> {
        let context = SourceContext { facts, images: &Images::default() };
        let migration = migrate_script(text, context)?;
        if let Some(new) = &migration.text {
            assert_eq!(migrate_script(new, context).and_then(|second| second.text), None, "{new}");
        }
        Some(migration)
    }

    #[track_caller]
    fn becomes(text: &str, expected: &str) -> SourceReport<usize> {
        let migration = migrated(text, &facts()).unwrap();
        let expected = expected.replace("ID", CLIENT_ID);
        assert_eq!(migration.text.as_deref(), Some(expected.as_str()), "{:?}", migration.report);
        migration.report
    }

    #[test]
    fn a_command_over_several_lines_keeps_its_form() {
        let report = becomes(
            "#!/bin/sh\nhelm upgrade --install apim azure-apim-gateway/azure-api-management-gateway \\\n  --namespace gateways --version 1.12.0 \\\n  --set gateway.configuration.uri=\"$URI\" \\\n  --set gateway.auth.key=\"GatewayKey orders&202701010000&c2Vj\" \\\n  --wait\necho done\n",
            "#!/bin/sh\nhelm upgrade --install apim azure-apim-gateway/azure-api-management-gateway \\\n  --namespace gateways --version 1.15.1 \\\n  --set gateway.configuration.uri=\"$URI\" \\\n  --set gateway.auth.azureAd.app.id=ID \\\n  --set gateway.auth.type=WorkloadIdentity \\\n  --set gateway.name=orders \\\n  --set secret.createSecret=false \\\n  --wait\necho done\n",
        );
        assert!(report.notes.iter().any(|note| (note.kind, note.at) == (NoteKind::Key, 5)));
        assert!(report.notes.iter().all(|note| !note.message.contains("c2Vj")));
        assert_eq!(report.gateways[0].service_account, "apim-azure-api-management-gateway");
        assert_eq!(report.gateways[0].namespace.as_deref(), Some("gateways"));
    }

    #[test]
    fn a_key_on_the_last_line_takes_the_mark_before_it_with_it() {
        becomes(
            "helm install apim ./azure-api-management-gateway `\n  --set gateway.name=='orders' `\n  --set gateway.auth.key=$env:TOKEN\n",
            "helm install apim ./azure-api-management-gateway `\n  --set gateway.name=orders `\n  --set gateway.auth.azureAd.app.id=ID `\n  --set gateway.auth.type=WorkloadIdentity `\n  --set secret.createSecret=false\n",
        );
    }

    #[test]
    fn pairs_in_one_flag_and_steps_of_a_pipeline_are_changed() {
        becomes(
            "jobs:\n  a:\n    steps:\n      - run: helm upgrade apim oci://r.example/azure-api-management-gateway --set \"gateway.auth.key=${{ secrets.TOKEN }},replicaCount=2\" -n gateways\n",
            "jobs:\n  a:\n    steps:\n      - run: helm upgrade apim oci://r.example/azure-api-management-gateway --set \"replicaCount=2\" --set gateway.auth.azureAd.app.id=ID --set gateway.auth.type=WorkloadIdentity --set gateway.name=orders --set secret.createSecret=false -n gateways\n",
        );
        becomes(
            "deploy:\n\thelm upgrade apim chart/azure-api-management-gateway --set gateway.auth.type=GatewayToken; echo\n",
            "deploy:\n\thelm upgrade apim chart/azure-api-management-gateway --set gateway.auth.type=WorkloadIdentity --set gateway.auth.azureAd.app.id=ID --set gateway.name=orders --set secret.createSecret=false; echo\n",
        );
    }

    #[test]
    fn values_in_a_file_are_not_repeated_in_the_command() {
        becomes(
            "helm upgrade apim x/azure-api-management-gateway -f values.yaml --version=1.14.1\n",
            "helm upgrade apim x/azure-api-management-gateway -f values.yaml --version=1.15.1\n",
        );
        assert_eq!(migrated("helm upgrade apim x/azure-api-management-gateway -f values.yaml\n", &facts()), None);
    }

    #[test]
    fn without_facts_only_the_key_is_reported() {
        let text = "helm install a b/azure-api-management-gateway --set gateway.auth.key=abc\n";
        let migration = migrated(text, &Facts::default()).unwrap();
        let kinds: Vec<NoteKind> = migration.report.notes.iter().map(|note| note.kind).collect();
        assert_eq!((migration.text, kinds), (None, vec![NoteKind::Key, NoteKind::Missing(Fact::ClientId)]));
    }

    #[test]
    fn a_command_in_quotes_is_changed_by_hand() {
        let text = "a: 1\nb: \"helm upgrade x y/azure-api-management-gateway --set gateway.auth.key=$(TOKEN)\"\n";
        let migration = migrated(text, &facts()).unwrap();
        assert_eq!(migration.text, None);
        assert!(migration.report.notes.iter().any(|note| (note.kind, note.at) == (NoteKind::ByHand, 2)));
        let text = "bash -c \"cd x && helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=$T\"\n";
        assert_eq!(migrated(text, &facts()).unwrap().text, None);
        let text = "task: HelmDeploy@1\noverrideValues: gateway.auth.key=GatewayKey a&202701010000&c2Vj\n";
        let kinds: Vec<NoteKind> =
            migrated(text, &facts()).unwrap().report.notes.iter().map(|note| note.kind).collect();
        assert_eq!(kinds, [NoteKind::Key, NoteKind::ByHand]);
    }

    #[test]
    fn commands_that_create_the_secret_are_reported() {
        let text = "$token = 1\nkubectl create secret generic orders-token --from-literal=value=\"GatewayKey $token\" -n gateways\nkubectl create secret generic db --from-literal=value=hunter2\ncurl \"https://management.azure.com/x/gateways/orders/generateToken?a\"\n";
        let report = migrated(text, &facts()).unwrap().report;
        assert_eq!(deletions(&report), ["kubectl delete -n gateways secret orders-token"]);
        let notes: Vec<(usize, NoteKind)> = report.notes.iter().map(|note| (note.at, note.kind)).collect();
        assert_eq!(notes, [(2, NoteKind::AfterRollout), (4, NoteKind::AfterRollout)]);
    }

    #[test]
    fn the_namespace_of_a_deleted_secret_is_known_or_open() {
        for (flag, namespace) in [
            ("", "NAMESPACE"),
            ("-n $NS", "NAMESPACE"),
            ("-nshop", "shop"),
            ("-n=shop", "shop"),
            ("--namespace=shop", "shop"),
        ] {
            let text = format!("kubectl create secret generic a {flag} --from-literal=value=\"GatewayKey $KEY\"\n");
            let report = migrated(&text, &facts()).unwrap().report;
            assert_eq!(deletions(&report), [format!("kubectl delete -n {namespace} secret a")], "{flag}");
        }
    }

    #[test]
    fn switches_and_lists_are_read() {
        for flag in
            ["-g", "--generate-name", "--plain-http", "--skip-schema-validation", "--set 'a={b,c}' --enable-dns"]
        {
            let text = format!("helm install {flag} x/azure-api-management-gateway -f v.yaml --version 1.12.0\n");
            let new = migrated(&text, &facts()).and_then(|migration| migration.text).unwrap_or_default();
            assert!(new.contains("--version 1.15.1"), "{flag}: {new}");
        }
    }

    #[test]
    fn a_method_in_json_is_named_beside_files_of_values() {
        for json in [
            r#"gateway={"auth":{"type":"GatewayToken","key":"x"}}"#,
            r#"gateway.auth={"type":"GatewayToken","key":"x"}"#,
            r#"{"gateway":{"auth":{"type":"GatewayToken","key":"x"}}}"#,
        ] {
            let text = format!("helm upgrade a b/azure-api-management-gateway -f v.yaml --set-json '{json}'\n");
            let migration = migrated(&text, &facts()).unwrap();
            assert_eq!(migration.text, None, "{json}");
            assert!(migration.report.notes.iter().any(|note| note.kind == NoteKind::ByHand), "{json}");
        }
        let text = "helm upgrade a b/azure-api-management-gateway -f v.yaml --set-json 'resources={\"a\":1}'\n";
        assert_eq!(migrated(text, &facts()), None);
    }

    #[test]
    fn each_word_of_a_long_line_is_read_once() {
        let read = |text: &str| -> usize {
            commands(&ShellText::new(text), text, "helm").iter().map(|command| command.words.len()).sum()
        };
        for (line, words) in [("helm ", 1), ("helm $( ", 2), ("helm x ", 2), ("helm \\\n", 1)] {
            let text = line.repeat(4000);
            assert!(read(&text) <= 4000 * words, "{line}: {} words", read(&text));
        }
        // a command in a substitution is a command of its own, however deep
        let nested = format!("{}{}", "helm upgrade $(".repeat(500), ")".repeat(500));
        assert_eq!(read(&nested), 3 * 500);
        let text =
            "helm upgrade a b --set x=$(helm template c d/azure-api-management-gateway --set gateway.auth.key=$T)\n";
        assert!(!migrated(text, &facts()).unwrap().text.unwrap().contains("gateway.auth.key"));
    }

    #[test]
    fn a_key_in_a_file_is_not_in_plain_text() {
        let command = |flag: &str, value: &str| {
            format!("helm upgrade a b/azure-api-management-gateway {flag} gateway.auth.key={value}\n")
        };
        for (flag, value, expected) in [("--set-file", "key.txt", 0), ("--set", "hunter2", 1)] {
            let migration = migrated(&command(flag, value), &facts()).unwrap();
            let keys = migration.report.notes.iter().filter(|note| note.kind == NoteKind::Key).count();
            assert_eq!(keys, expected, "{flag}");
            assert!(!migration.text.unwrap().contains("gateway.auth.key"));
        }
    }

    #[test]
    fn redirections_stay_where_they_are() {
        const ADDED: &str = "--set gateway.auth.azureAd.app.id=ID --set gateway.auth.type=WorkloadIdentity --set gateway.name=orders --set secret.createSecret=false";
        const START: &str = "helm upgrade --install orders apim/azure-api-management-gateway -n shop";
        for end in ["2>&1 | tee log", "2>/dev/null", "> log", "&>> log", ">| log", "<<< x", "2>&1 && echo done"] {
            becomes(&format!("{START} {end}\n"), &format!("{START} {ADDED} {end}\n"));
            becomes(&format!("{START} --reuse-values {end}\n"), &format!("{START} --reuse-values {ADDED} {end}\n"));
            becomes(
                &format!("{START} 2>err --set gateway.auth.key=$KEY {end}\n"),
                &format!("{START} 2>err {ADDED} {end}\n"),
            );
        }
        let key = "--set-file gateway.auth.key=<(az rest --uri x,y --query \"a b\")";
        becomes(&format!("{START} {key} \\\n  --wait\n"), &format!("{START} {ADDED} \\\n  --wait\n"));
        let key = "--set gateway.auth.key=\"$(az rest --query \"a, b=c\")\"";
        becomes(&format!("{START} {key} --wait\n"), &format!("{START} {ADDED} --wait\n"));
    }

    #[test]
    fn a_command_with_an_uncertain_end_stays() {
        for command in [
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=`az show` --wait",
            "X=`helm upgrade a b/azure-api-management-gateway`",
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=<token>",
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=\"$(echo ')')\"",
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=\"`az show`\" --set x=\"y\"",
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=\"$(echo \"a) b\" c)\" --wait",
            "helm upgrade a b/azure-api-management-gateway --set gateway.auth.key=$(echo \")\" x) --wait",
            "helm upgrade a b/azure-api-management-gateway -- c",
        ] {
            let migration = migrated(&format!("{command}\n"), &facts()).unwrap();
            assert_eq!(migration.text, None, "{command}");
            let is_named = |note: &super::super::Note<usize>| note.kind == NoteKind::ByHand && note.at == 1;
            assert!(migration.report.notes.iter().any(is_named), "{command}: {:?}", migration.report);
        }
    }

    #[test]
    fn values_from_a_process_are_an_input() {
        let text = "helm upgrade a b/azure-api-management-gateway -f <(envsubst < v.tpl)\n";
        let migration = migrated(text, &facts()).unwrap();
        assert_eq!((migration.text, migration.report.notes[0].message.as_str()), (None, INPUT));
        becomes(
            "helm upgrade a b/azure-api-management-gateway -f <(envsubst < v.tpl) \\\n  --set gateway.auth.key=\"$KEY\"\n",
            "helm upgrade a b/azure-api-management-gateway -f <(envsubst < v.tpl) \\\n  --set gateway.auth.azureAd.app.id=ID \\\n  --set gateway.auth.type=WorkloadIdentity \\\n  --set gateway.name=orders \\\n  --set secret.createSecret=false\n",
        );
    }

    #[test]
    fn other_scripts_are_left_alone() {
        for text in [
            "helm upgrade a b/c --set gateway.enabled=true\n",
            "helm list\nkubectl get pods\n",
            "",
            "helm",
            "export A=SharedAccessSignature\n",
        ] {
            assert_eq!(migrated(text, &facts()), None, "{text}");
        }
    }
}

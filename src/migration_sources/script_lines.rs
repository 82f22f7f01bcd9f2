//! Lines of a script that say how a gateway authenticates, outside of the commands that are migrated: here-documents, `kubectl
//! set env`, `kubectl patch`, tools that edit YAML.

use super::helm_command::{commands, is_plain_key};
use super::helm_values::KEY_MESSAGE;
use super::lines::Lines;
use super::patch_finder::{is_old_image, names_other_method};
use super::secret_takers::lines_of_commands;
use super::shell_words::ShellText;
use super::{NoteKind, ObsoleteSecret, SourceContext};
use apim_keyless_core::gateway::WORKLOAD_IDENTITY;
use apim_keyless_core::gateway::well_known::{CLIENT_ID, USE};
use std::collections::{BTreeMap, BTreeSet, HashMap};

const SETTING: &str = "Change this line by hand: remove config.service.auth and the settings below it, or set config.service.auth \
                       to workloadIdentity; else it sets another method of authentication again";
const TAKES: &str = "Remove this command: it takes the Secret of the key, which is to be deleted";
const OUTSIDE: &str = "Move this gateway to a cluster, or keep its key: workload identity needs a ServiceAccount, and a container \
                       outside of Kubernetes has none";
/// Texts of commands that start or change a container outside of Kubernetes.
const OUTSIDE_COMMANDS: [&str; 5] = ["docker ", "podman ", "az container ", "az containerapp ", "AzContainerApp"];
const KEY: &str = "Remove this after the rollout: with workload identity the gateway needs no key";
const IMAGE: &str = "Change this by hand, or move the manifest into a file and migrate it there: the gateway needs an image of \
                     version 2.11.0 or newer, the label azure.workload.identity/use: \"true\" and a ServiceAccount";

/// The lines of a script.
pub(super) struct ScriptLines<'s> {
    pub(super) text: &'s str,
    /// The Secrets of keys that its commands create or name.
    pub(super) secrets: &'s [ObsoleteSecret],
    pub(super) context: SourceContext<'s>,
}

impl ScriptLines<'_> {
    /// What to do, with lines from 1. `is_read` says of a byte whether it is in a command that is migrated; lines in `noted`
    /// have a note already.
    pub(super) fn notes(
        &self,
        is_read: &dyn Fn(usize) -> bool,
        noted: &BTreeSet<usize>,
    ) -> Vec<(usize, NoteKind, &'static str)> {
        let has_label = self.text.contains(USE);
        let commands: BTreeMap<usize, String> = lines_of_commands(self.text).into_iter().collect();
        let mut found = Vec::new();
        let mut lines = self.text.split_inclusive('\n').peekable();
        let (mut start, mut number) = (0, 0);
        while let Some(line) = lines.next() {
            number += 1;
            let unread = line.char_indices().filter(|(at, _)| !is_read(start + at));
            let unread: String = unread.map(|(_, character)| character).collect();
            start += line.len();
            if noted.contains(&number) || is_comment(&unread) {
                continue;
            }
            let next = lines.peek().copied().unwrap_or_default();
            let command = commands.range(..=number).next_back().map_or("", |(_, command)| command);
            if let Some(message) = self.by_hand(&unread, next, (command, has_label)) {
                found.push((number, NoteKind::ByHand, message));
            } else if let Some(key) = unread.find("GatewayKey ").and_then(|at| unread.get(at..)) {
                let value = key.split(['"', '\'', '\n']).next().unwrap_or_default().trim();
                found.extend(is_plain_key(value).then_some((number, NoteKind::Key, KEY_MESSAGE)));
                found.push((number, NoteKind::AfterRollout, KEY));
            }
        }
        found
    }

    /// What a person has to change in a line of a command.
    fn by_hand(&self, line: &str, next: &str, (command, has_label): (&str, bool)) -> Option<&'static str> {
        if takes_secret(line, self.secrets) {
            return Some(TAKES);
        }
        if sets_other_method(line, next) {
            let is_outside = OUTSIDE_COMMANDS.iter().any(|program| command.contains(program));
            return Some(if is_outside { OUTSIDE } else { SETTING });
        }
        sets_old_image(line, has_label, self.context).then_some(IMAGE)
    }
}

/// Whether a line is a comment or only prints a text: it neither passes the text on nor runs another command.
pub(super) fn is_comment(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['@', '-', ' ']).to_ascii_lowercase();
    let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    begins(&["#", "//"])
        || begins(&["echo ", "printf ", "write-"]) && !line.contains(['|', '>', ';', '&', '`']) && !line.contains("$(")
}

/// Whether a line lets a workload take all keys of one of these Secrets.
fn takes_secret(line: &str, secrets: &[ObsoleteSecret]) -> bool {
    let taken = line.split_once("--from=secret/").or_else(|| line.split_once("--from secret/"));
    let name = taken.and_then(|(_, after)| after.split([' ', '"', '\'', '\n', ';']).next());
    name.is_some_and(|name| secrets.iter().any(|secret| secret.name == name))
}

/// Whether a line sets another method of authentication than workload identity, or the next line does.
fn sets_other_method(line: &str, next: &str) -> bool {
    const SEPARATORS: [char; 13] = ['"', '\'', ' ', '=', ':', ',', '.', ']', '}', ')', '\\', '/', '\t'];
    const VALUE: &str = "value";
    let new = WORKLOAD_IDENTITY.to_ascii_lowercase();
    let value_in =
        |text: &str| text.strip_prefix(VALUE).unwrap_or(text).trim_start_matches(SEPARATORS).starts_with(&new);
    names_other_method(line, |after| {
        let after = after.trim().trim_start_matches(SEPARATORS);
        let next = || next.trim().trim_start_matches(SEPARATORS).to_ascii_lowercase();
        if after.is_empty() { !value_in(&next()) } else { !value_in(after) }
    })
}

/// Whether a line sets an image of a gateway that is too old, or begins the manifest of a gateway without the label.
fn sets_old_image(line: &str, has_label: bool, context: SourceContext<'_>) -> bool {
    let trimmed = line.trim().trim_start_matches(['-', ' ', '"', '\'']);
    let of_manifest = trimmed.strip_prefix("image").map(|rest| rest.trim_start_matches(['"', '\'', ':', ' ']));
    if let Some(name) = of_manifest {
        let name = name.trim_end_matches(['"', '\'', ',']);
        return context.images.is_gateway(name) && (!has_label || is_old_image(name, context));
    }
    let is_set = line.contains("kubectl") && line.contains("set image");
    is_set
        && line
            .split_whitespace()
            .filter_map(|word| word.split_once('='))
            .any(|(_, name)| is_old_image(name.trim_matches(['"', '\'']), context))
}

/// A gateway of manifests beside a script.
pub struct ScriptedGateway<'g> {
    /// The name of its workload.
    pub workload: &'g str,
    /// Its `ServiceAccount`s.
    pub accounts: BTreeSet<&'g str>,
    /// The `ConfigMap`s with its settings.
    pub config_maps: BTreeSet<&'g str>,
}

const ACCOUNT: &str = "Remove this command, or let it name the ServiceAccount of the migrated workload: the identity trusts no \
                       other one";
const LABEL: &str =
    "Leave the label azure.workload.identity/use: \"true\" here: without it a Pod gets no token of workload identity";
const NAME: &str = "Leave gateway.name here: with workload identity the gateway needs its name";
const FROM_FILE: &str = "Remove this command, or let the file have config.service.auth=workloadIdentity and gateway.name and no key: it replaces \
                         the migrated ConfigMap of the gateway";
const CLIENT: &str = "Leave the annotation azure.workload.identity/client-id here: the gateway needs its client id";
const DELETES: &str = "Remove this command: the gateway runs under this ServiceAccount after the migration";

/// What commands of a script undo of the migration of these gateways: the index of the gateway, the line, and what to do.
pub fn commands_on_gateways(
    text: &str,
    gateways: &[ScriptedGateway<'_>],
    context: SourceContext<'_>,
) -> Vec<(usize, usize, &'static str)> {
    let mut by_name: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (index, gateway) in gateways.iter().enumerate() {
        let names = gateway.accounts.iter().chain(&gateway.config_maps).copied();
        for name in names.chain([gateway.workload]) {
            by_name.entry(name).or_default().insert(index);
        }
    }
    let (shell, lines) = (ShellText::new(text), Lines::of(text));
    let mut found = Vec::new();
    for command in commands(&shell, text, "kubectl") {
        let words: Vec<&str> = command.words.iter().map(|word| word.text.as_str()).collect();
        let start = command.words.first().map_or(0, |word| word.range.start);
        let named = words.iter().filter_map(|word| by_name.get(word.rsplit('/').next()?)).flatten();
        for index in named.copied().collect::<BTreeSet<usize>>() {
            let message = gateways.get(index).and_then(|gateway| undone(&words, gateway));
            found.extend(message.map(|message| (index, lines.at(start), message)));
        }
    }
    let images = commands(&shell, text, "kustomize").into_iter().filter(|command| {
        let words = || command.words.iter().map(|word| word.text.as_str());
        let is_old = |word: &str| is_old_image(word.rsplit('=').next().unwrap_or(word), context);
        words().any(|word| word == "image") && words().any(is_old)
    });
    for command in images {
        let line = lines.at(command.words.first().map_or(0, |word| word.range.start));
        found.extend((0..gateways.len()).map(|index| (index, line, IMAGE)));
    }
    found
}

/// What a command of kubectl that names something of a gateway undoes.
fn undone(words: &[&str], gateway: &ScriptedGateway<'_>) -> Option<&'static str> {
    let has = |names: &[&str]| words.iter().any(|word| names.contains(word));
    let last = |word: &&str| word.rsplit('/').next().map(str::to_owned).unwrap_or_default();
    let names = |set: &BTreeSet<&str>| words.iter().any(|word| set.contains(last(word).as_str()));
    let is_workload = words.iter().any(|word| last(word) == gateway.workload);
    let is_patch = |word: &&&str| word.contains(['{', '[', ':']);
    let patch: String = if has(&["patch"]) { words.iter().filter(is_patch).copied().collect() } else { String::new() };
    let patch: String = patch.chars().filter(|letter| !letter.is_whitespace() && *letter != '\\').collect();
    let sets_account = has(&["set"]) && has(&["serviceaccount", "serviceaccounts", "sa"])
        || patch.split_once("serviceAccountName").is_some_and(|(_, after)| {
            !gateway.accounts.iter().any(|account| {
                let rest = after
                    .trim_start_matches(['"', '\'', ':', ','])
                    .trim_start_matches("value")
                    .trim_start_matches(['"', '\'', ':']);
                rest.strip_prefix(account)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['"', '\'', '}', ',']))
            })
        });
    let is_own_account = !has(&["patch"]) && names(&gateway.accounts);
    let label = patch.replace("~1", "/");
    let removes_label = has(&["label"])
        && words.iter().any(|word| {
            word.strip_prefix(USE).is_some_and(|rest| rest == "-" || rest.starts_with('=') && rest != "=true")
        })
        || label.split_once(USE).is_some_and(|(before, after)| {
            let value = after
                .trim_start_matches(['"', '\'', ':', ','])
                .trim_start_matches("value")
                .trim_start_matches(['"', '\'', ':']);
            before.contains("\"remove\"") || after.contains("\"remove\"") || !value.starts_with("true")
        });
    let removes_name = patch.split_once("gateway.name").is_some_and(|(before, after)| {
        before.contains("\"remove\"") || after.trim_start_matches(['"', '\'', ':']).starts_with("null")
    });
    let creates_from_file = has(&["create"])
        && words.iter().any(|word| word.starts_with("--from-env-file") || word.starts_with("--from-file"));
    let removes_client_id = words.iter().any(|word| word.strip_prefix(CLIENT_ID).is_some_and(|rest| rest == "-"));
    let is_account = has(&["serviceaccount", "serviceaccounts", "sa"])
        || words.iter().any(|word| ["serviceaccount/", "sa/"].iter().any(|start| word.starts_with(start)));
    match () {
        () if has(&["delete"]) && is_account && names(&gateway.accounts) => Some(DELETES),
        () if is_workload && sets_account && !is_own_account => Some(ACCOUNT),
        () if (is_workload || names(&gateway.accounts)) && removes_label => Some(LABEL),
        () if names(&gateway.config_maps) && removes_name => Some(NAME),
        () if names(&gateway.config_maps) && creates_from_file => Some(FROM_FILE),
        () if names(&gateway.accounts) && has(&["annotate"]) && removes_client_id => Some(CLIENT),
        () => None,
    }
}

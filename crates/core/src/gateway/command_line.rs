//! Finds assignments of the auth setting in commands and arguments of a container.
//!
//! .NET's command-line configuration reads `--NAME=VALUE`, `/NAME=VALUE`, `NAME=VALUE`, `--NAME VALUE` and
//! `/NAME VALUE` (`Microsoft.Extensions.Configuration.CommandLine`); `env` and shells read `NAME=VALUE`. A script can
//! also write a settings file, as JSON or YAML. The kubelet expands `$(VAR)` in `command`, `args` and exec probes first
//! (Kubernetes API, `Container.args`; `pkg/kubelet/container/helpers.go`).

use super::environment::can_make;
use super::environment::expansion::{Piece, pieces};
use super::objects::pod_spec::{EnvFromSource, EnvVar, EnvVarSource};
use super::{Setting, WORKLOAD_IDENTITY, prefix_can_make_auth};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};

/// What a command does to the auth setting, from harmless to harmful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuthAssignment {
    /// It sets `config.service.auth` to `workloadIdentity`.
    WorkloadIdentity,
    /// It sets a setting whose name contains a `$(VAR)` of unknown text, so that it can be the auth setting.
    UnknownName,
    /// It sets `config.service.auth` to another value, or `config.service.auth.key`.
    Other,
}

/// Stands for the text of a reference that is not known: U+FFFC, the object replacement character.
const UNKNOWN: char = '\u{fffc}';

/// Longest text, in bytes, that replaces a reference: a limit for the cost of many references to one variable. A longer
/// text is searched on its own, and only its last bytes replace the reference.
const INSERTED_BYTES: usize = 64;

/// The bytes before a name in which a shell command that assigns it is searched: a limit for the cost of many names.
const BUILTIN_BYTES: usize = 64;

/// Commands of shells that assign a variable whose name is an argument.
const ASSIGNING_BUILTINS: [&str; 6] = ["for", "getopts", "mapfile", "read", "readarray", "select"];

/// Characters in a word that a shell or a JSON reader drops.
const DROPPED: [char; 5] = ['"', '\'', '\\', '{', '}'];

/// Beginnings of the other settings below `config.service.auth`, from Microsoft's settings reference.
const OTHER_SETTINGS: [&str; 2] = ["azuread", "tokenaudience"];

/// The variables of a container that its commands can refer to by `$(VAR)`.
pub(super) struct References<'a> {
    env: &'a [EnvVar],
    sources: &'a [EnvFromSource],
    /// `env` by name. Built at the first reference.
    variables: OnceCell<HashMap<&'a str, &'a EnvVar>>,
    /// The prefixes of `envFrom`, without those that begin with another one. Built when first needed.
    prefixes: OnceCell<BTreeSet<&'a str>>,
    /// What the long texts of variables do, and their ends, by name: each is searched once for all commands.
    long_texts: RefCell<HashMap<String, (Option<AuthAssignment>, String)>>,
}

/// What the kubelet inserts for a reference.
enum Inserted<'a> {
    /// This text.
    Text(&'a str),
    /// A text that is not known.
    Unknown,
    /// A text that is not known, if a source of `envFrom` has such a key; else nothing changes.
    MaybeUnknown,
    /// The reference itself: there is no such variable.
    Nothing,
}

impl<'a> References<'a> {
    /// The variables of a container's `env` and `envFrom`.
    pub(super) fn new(env: &'a [EnvVar], sources: &'a [EnvFromSource]) -> Self {
        Self { env, sources, variables: OnceCell::new(), prefixes: OnceCell::new(), long_texts: RefCell::default() }
    }

    /// What the long text of the variable `name` does, and its end.
    fn in_long_text(&self, name: &str, text: &str) -> (Option<AuthAssignment>, String) {
        let searched = || (in_text(text, None), end_of(&plain(text)).to_owned());
        self.long_texts.borrow_mut().entry(name.to_owned()).or_insert_with(searched).clone()
    }

    fn inserted(&self, name: &str) -> Inserted<'a> {
        let by_name = || self.env.iter().map(|variable| (variable.name.as_str(), variable)).collect();
        let Some(variable) = self.variables.get_or_init(by_name).get(name) else {
            return match self.source_can_set(name) {
                // with the prefix of a Secret it is not a command of a shell
                true if self.is_of_prefixed_secret(name) => Inserted::Unknown,
                true => Inserted::MaybeUnknown,
                false => Inserted::Nothing,
            };
        };
        match (variable.value.as_deref().filter(|text| !text.is_empty()), &variable.value_from) {
            (Some(text), _) if text.contains("$(") => Inserted::Unknown,
            (Some(text), _) => Inserted::Text(text),
            (None, Some(from)) if can_be_a_name(from) => Inserted::Unknown,
            (None, _) => Inserted::Text(""),
        }
    }

    /// Returns true if a Secret with a prefix sets this variable if it has such a key.
    fn is_of_prefixed_secret(&self, name: &str) -> bool {
        let prefixes = self.sources.iter().filter(|source| source.secret_ref.is_some());
        let mut prefixes = prefixes.filter_map(|source| source.prefix.as_deref()).filter(|prefix| !prefix.is_empty());
        prefixes.any(|prefix| can_make(prefix, name))
    }

    /// Returns true if a source of `envFrom` sets this variable if it has such a key. A key is never empty.
    fn source_can_set(&self, name: &str) -> bool {
        let all = || self.sources.iter().map(|source| source.prefix.as_deref().unwrap_or_default());
        let prefixes = self.prefixes.get_or_init(|| shortest(all().collect()));
        // no prefix begins with another one, so only the nearest can match
        prefixes.range(..name).next_back().is_some_and(|prefix| name.starts_with(prefix))
    }
}

/// The texts that do not begin with another one of them.
fn shortest(all: BTreeSet<&str>) -> BTreeSet<&str> {
    let mut shortest: BTreeSet<&str> = BTreeSet::new();
    for text in all {
        if shortest.last().is_none_or(|last| !text.starts_with(last)) {
            shortest.insert(text);
        }
    }
    shortest
}

/// Returns false for numbers and addresses: `resourceFieldRef`, and the fields of a Pod's status.
fn can_be_a_name(from: &EnvVarSource) -> bool {
    let is_status = from.field_ref.as_ref().is_some_and(|field| field.field_path.starts_with("status."));
    !is_status && *from != EnvVarSource::default()
}

/// What the words of a command do to the auth setting, the most harmful that they do. `after` is the first word that
/// follows them.
///
/// The cost is linear in the length of the words and of the variables that they refer to.
pub(super) fn auth_assignment(
    words: &[String],
    after: Option<&String>,
    references: &References<'_>,
) -> Option<AuthAssignment> {
    let mut found = None;
    let following = words.iter().skip(1).chain(after).map(Some).chain([None]);
    for (word, next) in words.iter().zip(following) {
        let (word, in_long_texts) = expanded(word, references);
        found = found.max(in_text(&word, next.map(String::as_str))).max(in_long_texts);
    }
    found
}

/// What one word does, after expansion.
fn in_text(word: &str, next: Option<&str>) -> Option<AuthAssignment> {
    // fast path for most words: the name of the setting contains a C, and an unknown part is a character of its own
    if !word.contains(['c', 'C', UNKNOWN]) {
        return None;
    }
    let plain = plain(word);
    let unknown = has_unknown_name(&plain).then_some(AuthAssignment::UnknownName);
    let lower = plain.to_ascii_lowercase();
    let assignments = lower.match_indices("config").filter_map(|(at, _)| assignment_at(&plain, &lower, at, next)).max();
    unknown.max(assignments)
}

/// The word as the kubelet expands it, with [`UNKNOWN`] for what is not known, and what its long texts do.
fn expanded<'w>(word: &'w str, references: &References<'_>) -> (Cow<'w, str>, Option<AuthAssignment>) {
    if !word.contains("$(") {
        return (Cow::Borrowed(word), None);
    }
    let mut in_long_texts = None;
    let is_script = word.contains(char::is_whitespace);
    let is_start = |before: &str| !before.trim_start().contains(char::is_whitespace);
    let mut expanded = String::new();
    for piece in pieces(word) {
        let (name, written) = match piece {
            Piece::Text(text) => {
                expanded.push_str(text);
                continue;
            }
            Piece::Reference { name, written } => (name, written),
        };
        match references.inserted(name) {
            Inserted::Text(text) if text.len() <= INSERTED_BYTES => expanded.push_str(text),
            Inserted::Text(text) => {
                let (in_long_text, end) = references.in_long_text(name, text);
                in_long_texts = in_long_texts.max(in_long_text);
                expanded.push(UNKNOWN);
                // the text can end with the setting's name, or with the start of it
                expanded.push(' ');
                expanded.push_str(&end);
            }
            Inserted::Unknown => expanded.push(UNKNOWN),
            // inside a script, `$(date)` is far more often a command than a variable; an option begins its word
            Inserted::MaybeUnknown if !is_script || is_start(&expanded) => expanded.push(UNKNOWN),
            Inserted::MaybeUnknown | Inserted::Nothing => expanded.push_str(written),
        }
    }
    (Cow::Owned(expanded), in_long_texts)
}

/// The last bytes of a long text, without those of whitespace at its end except one.
fn end_of(text: &str) -> &str {
    let end = text.trim_end().len();
    let whitespace = text.get(end..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let start = text.floor_char_boundary(end.saturating_sub(INSERTED_BYTES));
    text.get(start..end + whitespace).unwrap_or_default()
}

/// The text without quotes, backslashes and braces, with spaces for brackets, and without whitespace around a `:`. Then
/// a name in quotes, in JSON or in nested YAML looks like any other.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            // a shell drops a line break after a backslash, too
            '\\' => _ = characters.next_if_eq(&'\n'),
            ':' => {
                plain.truncate(plain.trim_end().len());
                plain.push(':');
            }
            _ if character.is_whitespace() && plain.ends_with(':') => {}
            '[' | ']' => plain.push(' '),
            _ if DROPPED.contains(&character) => {}
            _ => plain.push(character),
        }
    }
    plain
}

/// What the text does at the `config` at index `at`, if the auth setting's name begins there.
fn assignment_at(plain: &str, lower: &str, at: usize, next: Option<&str>) -> Option<AuthAssignment> {
    let (start, end, setting) = auth_name(lower, at)?;
    let value = assigned(plain.get(..start)?, plain.get(end..)?, next)?;
    let is_workload_identity = setting == Setting::Auth && is_workload_identity(value);
    Some(if is_workload_identity { AuthAssignment::WorkloadIdentity } else { AuthAssignment::Other })
}

/// The start and end of the auth setting's name whose `config` is at index `at`; `None` if another name is there.
fn auth_name(lower: &str, at: usize) -> Option<(usize, usize, Setting)> {
    let rest = after_separator(lower.get(at..)?.strip_prefix("config")?)?;
    let mut rest = after_separator(rest.strip_prefix("service")?)?.strip_prefix("auth")?;
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_' || next == '.');
    if let Some(after_key) = after_separator(rest).and_then(|rest| rest.strip_prefix("key")).filter(|rest| ends(rest)) {
        rest = after_key;
    }
    let is_other = rest.strip_prefix(':').is_some_and(|sub| OTHER_SETTINGS.iter().any(|other| sub.starts_with(other)));
    if is_other || !ends(rest) {
        return None;
    }
    // the prefix that a .NET host removes is a part of the name
    let is_part = |character: char| character.is_ascii_alphanumeric() || ['.', '_'].contains(&character);
    let before = lower.get(..at)?;
    let name = before.get(before.floor_char_boundary(at.saturating_sub("aspnetcore_x".len()))..)?;
    let start = at - (name.len() - name.rfind(|character| !is_part(character)).map_or(0, |index| index + 1));
    let end = lower.len() - rest.len();
    let setting = lower.get(start..end).and_then(Setting::of).filter(|setting| setting.is_auth())?;
    Some((start, end, setting))
}

/// The text after a separator of a setting's name.
fn after_separator(text: &str) -> Option<&str> {
    [".", ":", "__"].iter().find_map(|separator| text.strip_prefix(separator))
}

/// The value that is assigned to a name, with the text behind it; `None` if nothing is assigned.
fn assigned<'t>(before: &str, after: &'t str, next: Option<&'t str>) -> Option<&'t str> {
    let is_read = before.ends_with('$');
    let first = after.strip_prefix(['+', ':']).unwrap_or(after);
    if let Some(value) = first.strip_prefix('=') {
        return (!is_read || !value.starts_with('=')).then_some(value);
    }
    if is_read {
        return None;
    }
    if let Some(value) = after.trim_start().strip_prefix('=').filter(|value| !value.starts_with(['=', '~'])) {
        return Some(value.trim_start());
    }
    if let Some(value) = after.strip_prefix(':') {
        return (!value.is_empty()).then_some(value);
    }
    if is_argument_of_assigning_builtin(before) {
        return Some("");
    }
    match () {
        () if !is_option(before) => None,
        () if after.is_empty() => next,
        () => after.strip_prefix(|next: char| next.is_whitespace() || next == ',').map(str::trim_start),
    }
}

/// Returns true if the text before a name makes it an option: `--`, or `/` at the start of a word.
fn is_option(before: &str) -> bool {
    let is_start =
        |before: &str| before.is_empty() || before.ends_with(|last: char| last.is_whitespace() || last == ',');
    before.ends_with("--") || before.strip_suffix('/').is_some_and(is_start)
}

/// Returns true if the name behind this text is an argument of a shell command that assigns it.
fn is_argument_of_assigning_builtin(before: &str) -> bool {
    let near = before.get(before.floor_char_boundary(before.len().saturating_sub(BUILTIN_BYTES))..).unwrap_or_default();
    let command = near.rsplit([';', '|', '&', '(', '\n']).next().unwrap_or_default();
    let words = || command.split_whitespace();
    let is_printf = || words().any(|word| word == "printf") && words().any(|word| word == "-v");
    before.ends_with(char::is_whitespace) && (words().any(|word| ASSIGNING_BUILTINS.contains(&word)) || is_printf())
}

/// Returns true if the value is `workloadIdentity` alone. No auth key begins with it and one of the characters that end
/// a value here.
fn is_workload_identity(value: &str) -> bool {
    let is_end = |rest: &str| {
        rest.is_empty() || rest.starts_with("&&") || rest.starts_with([';', ',', ')', '|']) || starts_with_space(rest)
    };
    value.strip_prefix(WORKLOAD_IDENTITY).is_some_and(is_end)
}

fn starts_with_space(text: &str) -> bool {
    text.starts_with(char::is_whitespace)
}

/// Returns true if a part of the text is an option or a variable whose name contains [`UNKNOWN`], so that it can be the
/// auth setting.
fn has_unknown_name(plain: &str) -> bool {
    let is_script = plain.contains(char::is_whitespace);
    let ends_part =
        |character: char| character.is_whitespace() || (is_script && [';', '|', '&', '('].contains(&character));
    let can_assign = |part: &str| is_unknown_command(part) || is_unknown_name(part.trim_start_matches(['-', '/']));
    plain.contains(UNKNOWN) && plain.split(ends_part).any(can_assign)
}

/// Returns true for an option of `env` that takes a whole command from some text for [`UNKNOWN`]: `-S`, also behind other
/// letters, and `--split-string=`.
fn is_unknown_command(part: &str) -> bool {
    let Some((head, _)) = part.split_once(UNKNOWN) else { return false };
    let is_short = head.starts_with('-') && !head.starts_with("--") && head.ends_with('S');
    is_short || head == "--split-string="
}

/// Returns true if some text for [`UNKNOWN`] makes this part assign the auth setting.
fn is_unknown_name(part: &str) -> bool {
    let Some((head, tail)) = part.split_once(UNKNOWN) else { return false };
    let tail = tail.rsplit(UNKNOWN).next().unwrap_or_default();
    // the unknown text can also contain the `=` and the beginning of the key; the tail is then the end of the key
    let can_end = match tail.split_once('=') {
        Some((name, _)) => name.chars().all(|next| next.is_ascii_alphanumeric() || "._:/+&-%".contains(next)),
        None => tail.contains('&') || !tail.contains(['.', ':']),
    };
    can_end && prefix_can_make_auth(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::objects::pod_spec::{FieldSelector, KeySelector, WholeSource};

    fn env() -> Vec<EnvVar> {
        let variable = |name: &str, value: Option<&str>, from: Option<EnvVarSource>| EnvVar {
            name: name.to_owned(),
            value: value.map(str::to_owned),
            value_from: from.map(Box::new),
        };
        let secret = || EnvVarSource { secret_key_ref: Some(KeySelector::default()), ..EnvVarSource::default() };
        let ip = FieldSelector { field_path: "status.podIP".to_owned() };
        vec![
            variable("SECRET", None, Some(secret())),
            variable("POD_IP", None, Some(EnvVarSource { field_ref: Some(ip), ..EnvVarSource::default() })),
            variable("CORES", None, Some(EnvVarSource::default())),
            variable("TEXT", Some("auth"), None),
            variable("OPTION", Some("--config.service.auth=GatewayKey a"), None),
            variable("LONG", Some(&format!("--config.service.auth=GatewayKey {}", "a".repeat(100))), None),
            variable("LONG_END", Some(&format!("/{} --config.service.auth", "a".repeat(100))), None),
            variable("LONG_START", Some(&format!("/{} --'config.'{}", "a".repeat(100), "\"\"".repeat(100))), None),
            variable("LONG_SPACE", Some(&format!("{}\nconfig.service.auth{}", "a".repeat(100), " ".repeat(100))), None),
            variable("LONG_OTHER", Some(&format!("{} telemetry", "a".repeat(100))), None),
            variable("NESTED", Some("$(SECRET)"), None),
            variable("DIRECTORY", Some("/app"), None),
        ]
    }

    fn assignment(words: &[&str], after: Option<&str>) -> Option<AuthAssignment> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let source = |prefix: &str| EnvFromSource { prefix: Some(prefix.to_owned()), ..EnvFromSource::default() };
        let secret = EnvFromSource { secret_ref: Some(WholeSource::default()), ..source("S_") };
        let sources = [source("X_"), source("X_ANY"), source("Y_"), secret];
        let (env, after) = (env(), after.map(str::to_owned));
        auth_assignment(&words, after.as_ref(), &References::new(&env, &sources))
    }

    #[test]
    fn every_form_of_an_assignment_is_found() {
        for words in [
            &["--config.service.auth=GatewayKey a"][..],
            &["/config.service.auth=x"],
            &["config.service.auth=x"],
            &["--config.service.auth", "GatewayKey a"],
            &["/Config:Service:Auth", "x"],
            &["--config.service.auth.key=x"],
            &["--config.service.auth.key=workloadIdentity"],
            &["--config:service:auth:key", "x"],
            &["--DOTNET_config.service.auth=x"],
            &["ASPNETCORE_CONFIG__SERVICE__AUTH=x"],
            &["/usr/bin/env", "config.service.auth=$(SECRET)", "dotnet"],
            &["sh", "-c", "export config__service__auth=\"$KEY\"; exec dotnet gw.dll"],
            &["sh", "-c", "config__service__auth=$KEY dotnet gw.dll"],
            &["sh", "-c", "exec dotnet gw.dll --config.service.auth 'GatewayKey a'"],
            &["sh", "-c", "env 'config.service.auth=x' dotnet gw.dll"],
            &["sh", "-c", "config__service__auth+=x"],
            &["--config.service.auth="],
            &["--config.service.auth==x"],
            &["--config.service.auth=workloadIdentityX"],
            &["sh", "-c", "exec dotnet gw.dll /config.service.auth x"],
        ] {
            assert_eq!(assignment(words, None), Some(AuthAssignment::Other), "{words:?}");
        }
    }

    #[test]
    fn quotes_and_scripts_hide_no_assignment() {
        for words in [
            &["sh", "-c", "env config.service.'auth'=x dotnet gw.dll"][..],
            &["sh", "-c", "env con\\\nfig.service.auth=x dotnet gw.dll"],
            &["sh", "-c", "env config.service.auth='workloadIdentity&202601010000&c2ln' dotnet gw.dll"],
            &["sh", "-c", ": ${config__service__auth:=$KEY}; exec dotnet gw.dll"],
            &["sh", "-c", "read -r config__service__auth < /run/key; export config__service__auth"],
            &["bash", "-c", "printf -v config__service__auth %s \"$KEY\""],
            &["bash", "-c", "for config__service__auth in \"$KEY\"; do dotnet gw.dll; done"],
            &["python", "-c", "os.environ['config.service.auth'] = open('/run/key').read()"],
            &["python", "-c", "run(['dotnet', 'gw.dll', '--config.service.auth', key])"],
            &["python", "-c", "run(['dotnet','gw.dll','/config.service.auth',key])"],
            &["sh", "-c", "echo '{\"config.service.auth\": \"GatewayKey a\"}' > appsettings.json"],
            &["sh", "-c", "echo '{ \"config\" : { \"service\": { \"auth\": \"GatewayKey a\" } } }' > appsettings.json"],
            &["sh", "-c", "printf 'config:\n  service:\n    auth: GatewayKey a' > settings.yaml"],
            &["sh", "-c", "exec dotnet gw.dll --config.service.auth=workloadIdentity --config.service.auth=$KEY"],
        ] {
            assert_eq!(assignment(words, None), Some(AuthAssignment::Other), "{words:?}");
        }
    }

    #[test]
    fn a_value_may_be_the_first_argument_after_a_command() {
        assert_eq!(assignment(&["--config.service.auth"], Some("GatewayKey a")), Some(AuthAssignment::Other));
        let harmless = Some(AuthAssignment::WorkloadIdentity);
        assert_eq!(assignment(&["--config.service.auth"], Some("workloadIdentity")), harmless);
        assert_eq!(assignment(&["--config.service.auth"], None), None);
    }

    #[test]
    fn references_are_expanded_as_the_kubelet_does() {
        for words in
            [&["$(OPTION)"][..], &["$(LONG)"], &["--config.service.$(TEXT)=x"], &["--config.service.$(TEXT)", "x"]]
        {
            assert_eq!(assignment(words, None), Some(AuthAssignment::Other), "{words:?}");
        }
        // the end of a long text and what follows it are one name
        for script in ["b$(LONG_END)=x", "b$(LONG_END) x", "b$(LONG_START)service.auth=x", "b$(LONG_SPACE)= x"] {
            assert_eq!(assignment(&["sh", "-c", script], None), Some(AuthAssignment::Other), "{script}");
        }
        for words in [
            &["$(SECRET)"][..],
            &["--$(SECRET)=x"],
            &["--config.service.$(SECRET)", "x"],
            &["/$(SECRET)=x"],
            &["$(SECRET)=x"],
            &["$(SECRET)3Q=="],
            &["$(SECRET)/3Q=="],
            &["$(SECRET).a&202601010000&c2ln"],
            &["--$(SECRET)&202601010000&c2ln=="],
            &["--$(NESTED)-1&2026=="],
            &["env", "-S$(SECRET)"],
            &["env", "-iS$(SECRET)"],
            &["env", "--split-string=$(SECRET)"],
            &["sh", "-c", "exec env $(S_A) dotnet x.dll"],
            &["$(NESTED)"],
            &["$(X_ANY)"],
            &["$(X_B)"],
            &["$(X_ANYTHING)"],
            // a long text is not inserted as a whole
            &["--$(LONG_OTHER)=x"],
            &["$(Y_ANY)"],
            &["DOTNET_$(SECRET)=x"],
            &["sh", "-c", "cd /app;$(SECRET) dotnet gw.dll"],
            &["$(X_ANY) "],
            &[" --$(X_ANY) x"],
        ] {
            assert_eq!(assignment(words, None), Some(AuthAssignment::UnknownName), "{words:?}");
        }
    }

    #[test]
    fn other_words_assign_nothing() {
        for words in [
            &[][..],
            &["--config.service.endpoint=https://orders.configuration.azure-api.net"],
            &["--config:service:auth:azureAd:clientId=x"],
            &["config.service.auth.azureAd.clientId=x"],
            &["sh", "-c", "test -n \"$config__service__auth\" && exec dotnet gw.dll"],
            &["sh", "-c", "[ \"${config__service__auth:-none}\" = workloadIdentity ]"],
            &["sh", "-c", "[[ $config__service__auth == workloadIdentity ]]"],
            &["sh", "-c", "[[ $config__service__auth==workloadIdentity ]]"],
            &["bash", "-c", "test -v config__service__auth"],
            &["sh", "-c", "printf %s config__service__auth"],
            &["sh", "-c", "read config__service__auth_x"],
            &["sh", "-c", "read config.service.auth.x"],
            &["sh", "-c", "printenv config.service.auth | wc -c"],
            &["config.service.auth"],
            &["cat", "/run/config.service.auth", "x"],
            &["--xconfig.service.auth=x"],
            &["--config.service.authority=x"],
            &["--config__service__auth_x=x"],
            &["$(DIRECTORY)/gw.dll"],
            &["$(SECRET)/gw.dll"],
            &["sh", "-c", "echo b$(LONG_OTHER)=x"],
            &["$(NO_SUCH_VARIABLE)"],
            &["$$(SECRET)=x"],
            &["--urls=http://$(POD_IP):8080"],
            &["--urls", "http://$(SECRET):8080"],
            &["$(POD_IP)", "$(CORES)"],
            &["--telemetry.$(SECRET)=x"],
            &["-p$(SECRET)"],
            &["PORTS$(SECRET)"],
            &["sh", "-c", "exec dotnet $(pwd)/gw.dll --a=b"],
            &["sh", "-c", "echo started at $(date) on $(X_HOST)"],
        ] {
            assert_eq!(assignment(words, None), None, "{words:?}");
        }
    }

    #[test]
    fn workload_identity_may_be_assigned() {
        for words in [
            &["--config.service.auth=workloadIdentity"][..],
            &["--config.service.auth", "workloadIdentity"],
            &["sh", "-c", "export config__service__auth='workloadIdentity'; exec dotnet gw.dll"],
            &["sh", "-c", "export config__service__auth=workloadIdentity && exec dotnet gw.dll"],
            &["sh", "-c", "echo '{\"config.service.auth\": \"workloadIdentity\"}' > appsettings.json"],
        ] {
            assert_eq!(assignment(words, None), Some(AuthAssignment::WorkloadIdentity), "{words:?}");
        }
    }

    #[test]
    fn a_long_command_costs_its_length() {
        // quadratic cost would take minutes here
        for word in
            ["config.service.auth ", "config", "--", "$(", "$(SECRET)", "$(LONG)", " :", "read config.service.auth"]
        {
            let words = [word.repeat(100_000)];
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            assert_ne!(assignment(&words, None), Some(AuthAssignment::WorkloadIdentity), "{word}");
        }
    }
}

//! Finds assignments of the auth setting in commands and arguments of a container.
//!
//! .NET's command-line configuration reads `--NAME=VALUE`, `/NAME=VALUE`, `NAME=VALUE`, `--NAME VALUE` and
//! `/NAME VALUE` (`Microsoft.Extensions.Configuration.CommandLine`); `env` and shells read `NAME=VALUE`. The kubelet
//! expands `$(VAR)` in `command` and `args` first (Kubernetes API, `Container.args`).

use super::{Setting, WORKLOAD_IDENTITY};

/// Characters that end a value in a shell.
const VALUE_ENDS: [char; 6] = ['"', '\'', ';', '&', '|', ')'];

/// Returns true if one of the words sets `config.service.auth` or `config.service.auth.key`, in any spelling, to
/// anything but `workloadIdentity`, or sets a setting whose name the kubelet completes by `$(VAR)`.
///
/// The cost is linear in the length of the words.
pub fn assigns_auth_setting<'w>(words: impl IntoIterator<Item = &'w str>) -> bool {
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        if has_hidden_name(word) || has_assignment(word, words.peek().copied()) {
            return true;
        }
    }
    false
}

/// Returns true if the word assigns the auth setting another value; `next` is the word after it.
fn has_assignment(word: &str, next: Option<&str>) -> bool {
    let mut rest = word;
    let mut before = "";
    while let Some(start) = rest.find(is_name_character) {
        let (skipped, from_name) = rest.split_at_checked(start).unwrap_or_default();
        let end = from_name.find(|character| !is_name_character(character)).unwrap_or(from_name.len());
        let (name, after) = from_name.split_at_checked(end).unwrap_or_default();
        if !skipped.is_empty() {
            before = skipped;
        }
        let is_option = before.ends_with("--") || before.ends_with('/');
        let is_auth = Setting::of(name).is_some_and(Setting::is_auth);
        if is_auth && assigned(after, next, is_option).is_some_and(|value| value != WORKLOAD_IDENTITY) {
            return true;
        }
        before = "";
        rest = after;
    }
    false
}

/// The value that follows a name; `None` if nothing is assigned.
fn assigned<'w>(after: &'w str, next: Option<&'w str>, is_option: bool) -> Option<&'w str> {
    let unquoted = after.strip_prefix(['"', '\'']).unwrap_or(after);
    let unsigned = unquoted.strip_prefix('+').unwrap_or(unquoted);
    if let Some(value) = unsigned.strip_prefix('=') {
        return Some(first_value(value));
    }
    match () {
        () if !is_option => None,
        () if after.is_empty() => next.map(first_value),
        () => after.strip_prefix(char::is_whitespace).map(|value| first_value(value.trim_start())),
    }
}

/// The first value of a text, without quotes.
fn first_value(text: &str) -> &str {
    let text = text.trim_start_matches(['"', '\'']);
    let end = text.find(|character: char| character.is_whitespace() || VALUE_ENDS.contains(&character));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Returns true if the word is an option whose name contains a reference that the kubelet expands.
fn has_hidden_name(word: &str) -> bool {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    let is_option = word.starts_with("--") || word.starts_with('/') || (word.starts_with("$(") && word.contains('='));
    let is_name = |character: char| is_name_character(character) || ['$', '(', ')', '-'].contains(&character);
    is_option && name.contains("$(") && name.strip_prefix('/').unwrap_or(name).chars().all(is_name)
}

/// The characters of setting names, in every spelling.
fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || ['.', '_', ':'].contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_assignment_is_found() {
        for words in [
            &["--config.service.auth=GatewayKey a"][..],
            &["/config.service.auth=x"],
            &["config.service.auth=x"],
            &["--config.service.auth", "GatewayKey a"],
            &["/Config:Service:Auth", "x"],
            &["--config.service.auth.key=x"],
            &["--DOTNET_config.service.auth=x"],
            &["/usr/bin/env", "config.service.auth=$(K)", "dotnet"],
            &["sh", "-c", "export config__service__auth=\"$KEY\"; exec dotnet gw.dll"],
            &["sh", "-c", "config__service__auth=$KEY dotnet gw.dll"],
            &["sh", "-c", "exec dotnet gw.dll --config.service.auth 'GatewayKey a'"],
            &["sh", "-c", "env 'config.service.auth=x' dotnet gw.dll"],
            &["sh", "-c", "config__service__auth+=x"],
            &["--config.service.auth="],
            &["--config.service.auth=workloadIdentityX"],
            &["--$(NAME)=x"],
            &["--config.service.$(NAME)", "x"],
            &["/$(NAME)=x"],
            &["$(NAME)=x"],
        ] {
            assert!(assigns_auth_setting(words.iter().copied()), "{words:?}");
        }
    }

    #[test]
    fn other_words_assign_nothing() {
        for words in [
            &[][..],
            &["--config.service.auth=workloadIdentity"],
            &["--config.service.auth", "workloadIdentity"],
            &["sh", "-c", "export config__service__auth='workloadIdentity'; exec dotnet gw.dll"],
            &["--config.service.endpoint=https://orders.configuration.azure-api.net"],
            &["sh", "-c", "test -n \"$config__service__auth\" && exec dotnet gw.dll"],
            &["config.service.auth"],
            &["--xconfig.service.auth=x"],
            &["--config.service.authority=x"],
            &["/$(DIRECTORY)/gw.dll"],
            &["--urls=http://$(POD_IP):8080"],
            &["sh", "-c", "exec dotnet $(pwd)/gw.dll --a=b"],
        ] {
            assert!(!assigns_auth_setting(words.iter().copied()), "{words:?}");
        }
    }

    #[test]
    fn a_long_command_costs_its_length() {
        // Quadratic cost would take minutes here.
        let words = ["config.service.auth ".repeat(100_000), "--".repeat(100_000), "$(".repeat(100_000)];
        assert!(!assigns_auth_setting(words.iter().map(String::as_str)));
    }
}

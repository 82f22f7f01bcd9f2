//! The Secrets that configurations of Terraform and commands of scripts take. What is found too much only keeps a Secret.

use super::lines::Lines;
use std::collections::BTreeSet;

/// A Secret that a text takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TakenSecret {
    /// Its name. `*` stands for a part that is not known; a resource of Terraform has its reference.
    pub name: String,
    /// The line of the text, from 1.
    pub line: usize,
}

/// Characters that continue a line at its end: of a shell or a Makefile, of PowerShell, of Windows' command line.
const CONTINUATIONS: [char; 3] = ['\\', '`', '^'];
/// Words of kubectl that write or remove a Secret.
const WRITES: [&str; 6] = ["create", "delete", "patch", "annotate", "label", "edit"];
/// Flags whose next word is their value.
const VALUE_FLAGS: [&str; 11] = [
    "-n",
    "--namespace",
    "-o",
    "--output",
    "-l",
    "--selector",
    "--context",
    "--kubeconfig",
    "--template",
    "--field-selector",
    "--sort-by",
];
/// Parts of the name of a value of a chart that is the name of a Secret.
const NAMING: [&str; 3] = ["existingsecret", "secretname", "secretref"];

/// What can be a Secret that a command of kubectl or Helm in a script takes: each word behind `secret`, unless the command
/// writes or removes it, and the values of a chart that name one. If the name is a variable, each word of the script.
pub fn taken_in_script(text: &str) -> Vec<TakenSecret> {
    let mut taken = Vec::new();
    let mut unknown = None;
    for (line, command) in lines_of_commands(text) {
        let begins =
            ["secret ", "secrets ", "secret/", "secrets/"].iter().any(|word| command.trim_start().starts_with(word));
        // kubectl can have another name, and a task of a pipeline its arguments alone
        let reads = ["get secret", "describe secret"].iter().any(|words| command.contains(words));
        let is_kubectl = begins || reads || command.contains(": secret ") || command.contains("kubectl");
        if !command.contains("ecret") || !(is_kubectl || command.contains("helm")) {
            continue;
        }
        for command in with_unknowns(&command).split(['|', ';', '&', '\n']) {
            let words = command.split(is_separator).map(|word| word.trim_matches(['[', ']']));
            let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
            let names = if is_kubectl { of_kubectl(&words) } else { of_helm(&words) };
            let (unnamed, known): (Vec<String>, Vec<String>) = names.into_iter().partition(|name| name == "*");
            unknown = unknown.or((!unnamed.is_empty()).then_some(line));
            taken.extend(known.into_iter().map(|name| TakenSecret { name, line }));
        }
    }
    if let Some(line) = unknown {
        taken.extend(words(text).into_iter().map(|name| TakenSecret { name: name.to_owned(), line }));
    }
    taken
}

/// The words of a text that can be names of Secrets.
pub fn words(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && !"-.".contains(letter));
    words.map(|word| word.trim_matches(['-', '.'])).filter(|word| !word.is_empty()).collect()
}

/// A name in which `*` stands for each variable; `None` if it can be no name.
pub(super) fn pattern(name: &str) -> Option<String> {
    // `%s` is what format() of Terraform fills in
    let name = with_unknowns(name).replace("%s", "*");
    let is_possible = name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.*".contains(letter));
    let is_name = name.contains(|letter: char| letter.is_ascii_alphanumeric() || letter == '*');
    (is_possible && is_name).then_some(name)
}

/// The lines of a script with their numbers, joined where one continues. Comments are left out.
pub fn lines_of_commands(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut is_continued = false;
    for (index, line) in text.lines().enumerate() {
        if !is_continued && line.trim_start().starts_with('#') {
            continue;
        }
        let own = line.trim_end().trim_end_matches(CONTINUATIONS);
        // folded texts of YAML have no other mark
        let is_flag = line.trim_start().starts_with("--") && !line.starts_with("---");
        let is_next = is_continued || is_flag;
        match found.last_mut().filter(|_| is_next) {
            Some((_, last)) => {
                last.push(' ');
                last.push_str(own);
            }
            None => found.push((index + 1, own.to_owned())),
        }
        is_continued = own.len() < line.trim_end().len();
    }
    found
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || "(),".contains(letter)
}

/// A command with `*` for each variable and each command in it, which follow in lines of their own. Quotes are left out.
fn with_unknowns(command: &str) -> String {
    let mut out = String::new();
    let (mut rest, mut is_open) = (command, false);
    while let Some(first) = rest.chars().next() {
        let (length, replaced) = match first {
            '$' | '{' | '%' => variable(rest).map_or((first.len_utf8(), None), |length| (length, Some("*"))),
            '`' => {
                is_open = !is_open;
                (1, Some(if is_open { "*\n" } else { "\n" }))
            }
            '"' | '\'' => (1, Some("")),
            _ => (first.len_utf8(), None),
        };
        match replaced {
            _ if rest.starts_with("$(") && length == 1 => {
                out.push_str(if out.ends_with('*') { "\n" } else { "*\n" });
                rest = rest.get(2..).unwrap_or_default();
                continue;
            }
            // two variables in a row are as unknown as one
            Some("*") if out.ends_with('*') => {}
            Some(text) => out.push_str(text),
            None => out.push(first),
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    out
}

/// Longest expression of a variable, in characters.
const MAX_VARIABLE: usize = 256;

/// The length of a variable at the beginning of a text: `$NAME`, `${NAME}`, `$(NAME)`, `${{ NAME }}`, `{{ NAME }}`, `%NAME%`.
fn variable(text: &str) -> Option<usize> {
    let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || "_.:".contains(letter);
    let until = |start: usize, end: &str| {
        let inner = text.get(start..)?;
        // a name is short, so that an open brace costs no search to the end
        let first = inner.char_indices().nth(MAX_VARIABLE).map_or(inner, |(at, _)| inner.get(..at).unwrap_or(inner));
        let at = first.find(end).filter(|at| *at > 0)?;
        Some(start + at + end.len())
    };
    for (start, end) in [("${{", "}}"), ("{{", "}}"), ("${", "}")] {
        if text.starts_with(start) {
            return until(start.len(), end);
        }
    }
    let plain = |start: usize| {
        text.get(start..).map_or(0, |rest| rest.find(|letter| !is_of_name(letter)).unwrap_or(rest.len()))
    };
    if text.starts_with("$(") {
        let end = 2 + plain(2);
        return (end > 2 && text.get(end..)?.starts_with(')')).then_some(end + 1);
    }
    if text.starts_with('%') {
        let end = 1 + plain(1);
        return (end > 1 && text.get(end..)?.starts_with('%')).then_some(end + 1);
    }
    let end = 1 + plain(1);
    (text.starts_with('$') && end > 1).then_some(end)
}

/// The names that a command of kubectl takes.
fn of_kubectl(words: &[&str]) -> Vec<String> {
    let is_write = |index: usize| words.iter().take(index).any(|word| WRITES.contains(word));
    let (mut taken, mut is_taken, mut is_named, mut is_value) = (Vec::new(), false, false, false);
    for (index, word) in words.iter().enumerate() {
        let of_prefix = ["secret/", "secrets/"].iter().find_map(|prefix| word.split_once(prefix));
        if std::mem::take(&mut is_value) {
            continue;
        }
        if let Some((_, name)) = of_prefix {
            taken.extend(pattern(name).filter(|_| !is_write(index)));
        } else if ["secret", "secrets"].contains(word) {
            is_taken = !is_write(index);
        } else if word.starts_with('-') {
            is_value = VALUE_FLAGS.contains(word);
        } else if is_taken {
            is_named = true;
            taken.extend(pattern(word));
        }
    }
    let is_from_input = is_taken && !is_named && words.contains(&"xargs");
    taken.extend(is_from_input.then(|| "*".to_owned()));
    taken
}

/// The names of Secrets that a command of Helm sets as values.
fn of_helm(words: &[&str]) -> Vec<String> {
    if !words.iter().any(|word| word.rsplit('/').next() == Some("helm")) {
        return Vec::new();
    }
    let pairs = words.iter().filter_map(|word| word.strip_prefix("--set=").unwrap_or(word).rsplit_once('='));
    let named = pairs.filter(|(key, _)| key.to_ascii_lowercase().contains("secret"));
    let found = named.filter_map(|(key, value)| {
        let key = key.to_ascii_lowercase();
        pattern(value).filter(|name| name != "*" || NAMING.iter().any(|part| key.contains(part)))
    });
    found.collect()
}

/// The texts in quotes in a part of a text that starts at this byte.
pub(super) fn texts(part: &str, start: usize, lines: &Lines) -> Vec<TakenSecret> {
    let mut at = start;
    let mut taken = Vec::new();
    for (index, piece) in part.split('"').enumerate() {
        if index % 2 == 1 {
            // a variable alone is followed where it is set
            let name = pattern(piece).filter(|name| name != "*");
            taken.extend(name.map(|name| TakenSecret { name, line: lines.at(at) }));
        }
        at += piece.len() + 1;
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(String, usize)> {
        taken_in_script(text).into_iter().map(|secret| (secret.name, secret.line)).collect()
    }

    #[test]
    fn a_command_takes_the_secrets_that_it_reads() {
        for line in [
            "kubectl get secret token -o yaml | kubectl apply -f -",
            "T=$(kubectl -n a get secret -n b token)",
            "kubectl get secret/token",
            "kubectl set env deploy/a --from=secret/token",
            "kubectl -n $NS get secret \\\n  token",
            "kubectl create secret generic copy --from-literal=a=\"$(kubectl get secret token)\"",
            "kubectl create secret generic copy --from-literal=a=\"`kubectl get secret token`\"",
            "arguments: secret token -o json",
            "kubectl get secret $NAME # token",
            "oc get secret token -n a",
            "${KUBECTL} get secret token",
            "echo token | xargs kubectl get secret",
            "helm upgrade --install a ./a --set a=b,auth.existingSecret=token",
            "helm upgrade --install a ./a --set=existingSecret='token'",
        ] {
            assert!(names(&format!("\n{line}\n")).contains(&("token".to_owned(), 2)), "{line}");
        }
        for (name, pattern) in [
            ("${APP}-token", "*-token"),
            ("$(app)-token", "*-token"),
            ("a-{{ .b }}-c", "a-*-c"),
            ("%A%-b", "*-b"),
            ("${A}-${B}", "*-*"),
        ] {
            assert_eq!(names(&format!("kubectl get secret {name}")), [(pattern.to_owned(), 1)]);
        }
    }

    #[test]
    fn a_command_that_writes_a_secret_takes_none() {
        for line in [
            "kubectl create secret generic token",
            "kubectl create secret generic $TOKEN",
            "kubectl delete secret/token",
            "kubectl patch secret token -p a",
            "az keyvault secret show -n token",
            "# kubectl get secret token",
        ] {
            assert_eq!(names(line), [], "{line}");
        }
        let of_other = names("T=token\nkubectl get secret other -n $NS -o jsonpath='{.data.value}'");
        assert!(of_other.iter().all(|(name, _)| name != "token"), "{of_other:?}");
    }
}

//! The Secrets that a configuration of Terraform or a script takes. Texts are searched by words: what is found too much only
//! keeps a Secret.

use super::lines::Lines;
use hcl_edit::Span;
use hcl_edit::structure::Block;
use std::collections::HashMap;

/// A Secret that a text takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenSecret {
    /// Its name.
    pub name: String,
    /// The line of the text, from 1.
    pub line: usize,
}

/// What can be a Secret that a configuration of Terraform takes: each text in a block that mentions a Secret, beside the
/// resources that are one, and the names of those to which another block refers.
pub fn taken_in_terraform(text: &str) -> Vec<TakenSecret> {
    let lines = Lines::of(text);
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return texts(text, 0, &lines) };
    let names: HashMap<String, &str> = body.blocks().filter_map(named_secret).collect();
    let mut taken = Vec::new();
    for block in body.blocks().filter(|block| !is_secret(block)) {
        let range = block.span().unwrap_or_default();
        let (start, own) = (range.start, text.get(range).unwrap_or_default());
        if own.to_ascii_lowercase().contains("secret") {
            taken.extend(texts(own, start, &lines));
            let referred = own.match_indices(SECRET).filter_map(|(at, _)| {
                let reference: Vec<&str> = own.get(at..)?.splitn(3, '.').take(2).collect();
                let name = (*names.get(&reference.join("."))?).to_owned();
                Some(TakenSecret { name, line: lines.at(start + at) })
            });
            taken.extend(referred);
        }
    }
    taken
}

/// The types of resources that are Secrets begin with it.
const SECRET: &str = "kubernetes_secret";

fn is_secret(block: &Block) -> bool {
    block.has_ident("resource") && block.labels.first().is_some_and(|label| label.starts_with(SECRET))
}

/// What refers to a resource that is a Secret, and the name of the Secret.
fn named_secret(block: &Block) -> Option<(String, &str)> {
    let [kind, own] = block.labels.as_slice() else { return None };
    let metadata = block.body.get_blocks("metadata").next().filter(|_| is_secret(block))?;
    let name = metadata.body.get_attribute("name")?.value.as_str()?;
    Some((format!("{}.{}", kind.as_str(), own.as_str()), name))
}

/// The texts in quotes in a part of a text that starts at this byte.
fn texts(part: &str, start: usize, lines: &Lines) -> Vec<TakenSecret> {
    let mut at = start;
    let mut taken = Vec::new();
    for (index, piece) in part.split('"').enumerate() {
        if index % 2 == 1 {
            taken.push(TakenSecret { name: piece.to_owned(), line: lines.at(at) });
        }
        at += piece.len() + 1;
    }
    taken
}

/// What can be a Secret that a command of kubectl in a script takes: each word behind `secret`, unless the command creates or
/// deletes it.
pub fn taken_in_script(text: &str) -> Vec<TakenSecret> {
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains("kubectl") && line.contains("secret"));
    lines
        .flat_map(|(index, line)| in_line(line).into_iter().map(move |name| TakenSecret { name, line: index + 1 }))
        .collect()
}

fn in_line(line: &str) -> Vec<String> {
    let is_end = |letter: char| letter.is_whitespace() || "\"'`()=,".contains(letter);
    let mut taken = Vec::new();
    for command in line.split(['|', ';', '&']) {
        let words: Vec<&str> = command.split(is_end).filter(|word| !word.is_empty()).collect();
        let mut is_taken = false;
        for (index, word) in words.iter().enumerate() {
            if let Some(name) = word.strip_prefix("secret/").or_else(|| word.strip_prefix("secrets/")) {
                taken.extend((!is_changed(&words, index)).then(|| name.to_owned()));
            } else if ["secret", "secrets"].contains(word) {
                is_taken = !is_changed(&words, index);
            } else if is_taken && !word.starts_with('-') {
                taken.push((*word).to_owned());
            }
        }
    }
    taken
}

/// Whether a command creates or deletes the Secret that its word with this index names.
fn is_changed(words: &[&str], index: usize) -> bool {
    words.iter().take(index).any(|word| ["create", "delete"].contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(taken: Vec<TakenSecret>) -> Vec<(String, usize)> {
        taken.into_iter().map(|secret| (secret.name, secret.line)).collect()
    }

    #[test]
    fn a_block_of_terraform_takes_what_it_names() {
        let of_variable = "resource \"kubernetes_deployment\" \"a\" {\n  env_from {\n    secret_ref {\n      name = \"token\"\n    }\n  }\n}\n";
        let data = "data \"kubernetes_secret\" \"a\" {\n  metadata {\n    name = \"token\"\n  }\n}\n";
        for (text, line) in [(of_variable, 4), (data, 3)] {
            assert!(names(taken_in_terraform(text)).contains(&("token".to_owned(), line)), "{text}");
        }
        let secret = "resource \"kubernetes_secret_v1\" \"a\" {\n  metadata {\n    name = \"token\"\n  }\n}\n";
        assert_eq!(taken_in_terraform(secret), []);
        let other = "resource \"x\" \"b\" {\n  secret = kubernetes_secret_v1.a.metadata[0].name\n}\n";
        assert!(names(taken_in_terraform(&format!("{secret}{other}"))).contains(&("token".to_owned(), 6)));
        assert_eq!(taken_in_terraform("resource \"x\" \"b\" {\n  name = \"token\"\n}\n"), []);
        assert_eq!(names(taken_in_terraform("a = {\nb = \"token\"")), [("token".to_owned(), 2)]);
    }

    #[test]
    fn a_command_takes_the_secrets_that_it_reads() {
        for line in [
            "kubectl get secret token -o yaml | kubectl apply -f -",
            "T=$(kubectl -n a get secret -n b token)",
            "kubectl get secret/token",
            "kubectl set env deploy/a --from=secret/token",
        ] {
            assert!(names(taken_in_script(&format!("\n{line}\n"))).contains(&("token".to_owned(), 2)), "{line}");
        }
        for line in
            ["kubectl create secret generic token", "kubectl delete secret/token", "az keyvault secret show -n token"]
        {
            assert_eq!(taken_in_script(line), [], "{line}");
        }
    }
}

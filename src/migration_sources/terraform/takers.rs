//! The Secrets that the configurations of a folder take.

use super::{data_sources, resource_name, resource_type, resources};
use crate::migration_sources::chart_version::CHART;
use crate::migration_sources::lines::Lines;
use crate::migration_sources::secret_takers::{TakenSecret, pattern, texts, words};
use apim_keyless_core::gateway::well_known::USE;
use hcl_edit::Span;
use hcl_edit::structure::{Block, Body};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// The types of resources that are Secrets begin with it.
const SECRET: &str = "kubernetes_secret";
/// What refers to a value of the configuration.
const VALUES: [&str; 2] = ["local.", "var."];

/// What can be a Secret that each configuration of a folder takes, by its index: each text in a block that mentions a Secret,
/// what the values have to which it refers, and the resources that are Secrets to which any block refers.
pub fn taken_in_terraform(files: &[&str]) -> Vec<(usize, TakenSecret)> {
    let parsed: Vec<_> = files.iter().map(|text| (*text, hcl_edit::parser::parse_body(text).ok())).collect();
    let mut folder = Folder::default();
    for (text, body) in parsed.iter().filter_map(|(text, body)| Some((*text, body.as_ref()?))) {
        folder.add(text, body);
    }
    let mut taken = Vec::new();
    for (index, (text, body)) in parsed.iter().enumerate() {
        let lines = Lines::of(text);
        let found = match body {
            Some(body) => folder.taken_in(text, body, &lines),
            None => texts(text, 0, &lines),
        };
        taken.extend(found.into_iter().map(|secret| (index, secret)));
    }
    taken
}

/// What the blocks of a folder refer to.
#[derive(Default)]
struct Folder {
    /// The names of the resources that are Secrets, by their references.
    secrets: HashMap<String, BTreeSet<String>>,
    /// The texts of each local value and each variable, and the values to which it refers, by its reference.
    values: HashMap<String, (BTreeSet<String>, BTreeSet<String>)>,
}

impl Folder {
    fn add(&mut self, text: &str, body: &Body) {
        let lines = Lines::of(text);
        let slice = |range: Option<Range<usize>>| text.get(range.unwrap_or_default()).unwrap_or_default();
        let names = |part: &str| texts(part, 0, &lines).into_iter().map(|secret| secret.name).collect();
        for block in body.blocks() {
            if block.has_ident("locals") {
                let each = block.body.attributes();
                let each = each.map(|local| (local.key.as_str(), slice(local.value.span())));
                self.values.extend(each.map(|(key, own)| (format!("local.{key}"), (names(own), values(own)))));
            } else if block.has_ident("variable") {
                let own = slice(block.body.get_attribute("default").and_then(|default| default.value.span()));
                self.values.insert(format!("var.{}", resource_type(block)), (names(own), BTreeSet::new()));
            }
        }
        for block in resources(body).filter(|block| is_secret(block)) {
            let name = super::kubernetes::metadata(block, "name").and_then(Span::span);
            let own = slice(name);
            let mut all: BTreeSet<String> = names(own);
            all.extend(values(own));
            self.secrets.insert(format!("{}.{}", resource_type(block), resource_name(block)), all);
        }
    }

    fn taken_in(&self, text: &str, body: &Body, lines: &Lines) -> Vec<TakenSecret> {
        let mut taken = Vec::new();
        let is_value = |block: &Block| block.has_ident("locals") || block.has_ident("variable");
        for block in body.blocks().filter(|block| !is_secret(block)) {
            let range = block.span().unwrap_or_default();
            let (start, own) = (range.start, text.get(range).unwrap_or_default());
            let has_document = own.contains("<<");
            if !has_document && !own.to_ascii_lowercase().contains("secret") {
                continue;
            }
            let order = order_of_gateway(block, own);
            for (at, reference) in references(own).into_iter().filter(|(at, _)| !order.contains(&(start + at))) {
                let names = self.secrets.get(&reference).into_iter().flatten();
                let names = names.flat_map(|name| self.resolved(name)).chain([reference.clone()]);
                taken.extend(names.map(|name| TakenSecret { name, line: lines.at(start + at) }));
            }
            // what refers to a value takes its texts
            if is_value(block) {
                continue;
            }
            taken.extend(texts(own, start, lines));
            let line = lines.at(start);
            // manifests, values and commands in a text
            let in_texts = words(own).into_iter().filter(|_| has_document || own.contains("kubectl"));
            taken.extend(in_texts.map(|name| TakenSecret { name: name.to_owned(), line }));
            let of_values = values(own).into_iter().flat_map(|value| self.resolved(&value));
            taken.extend(of_values.map(|name| TakenSecret { name, line }));
        }
        taken.extend(data_sources(body).filter(|block| is_of_type(block)).filter_map(|block| {
            let range = super::kubernetes::metadata(block, "name")?.span()?;
            let name = text.get(range.clone())?.trim_matches('"');
            // of a name of variables alone, nothing is known
            let is_composed = name.contains("${") && pattern(name).is_none();
            is_composed.then(|| TakenSecret { name: "*".to_owned(), line: lines.at(range.start) })
        }));
        taken
    }

    /// The texts that a value can have, and the value itself; another name is itself.
    fn resolved(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let (mut seen, mut left) = (BTreeSet::new(), vec![name]);
        while let Some(name) = left.pop() {
            if !seen.insert(name) {
                continue;
            }
            found.insert(name.to_owned());
            if let Some((texts, values)) = self.values.get(name) {
                found.extend(texts.iter().cloned());
                left.extend(values.iter().map(String::as_str));
            }
        }
        found
    }
}

fn is_of_type(block: &Block) -> bool {
    resource_type(block).starts_with(SECRET)
}

fn is_secret(block: &Block) -> bool {
    block.has_ident("resource") && is_of_type(block)
}

/// The order of a gateway and a Secret that it no longer takes: it is removed with the Secret.
fn order_of_gateway(block: &Block, own: &str) -> Range<usize> {
    let is_gateway = [CHART, "azure-api-management/gateway", USE].iter().any(|mark| own.contains(mark));
    let order = block.body.get_attribute("depends_on").filter(|_| is_gateway);
    order.and_then(Span::span).unwrap_or_default()
}

fn length_of_name(text: &str) -> usize {
    text.find(|letter: char| !letter.is_ascii_alphanumeric() && !"_-".contains(letter)).unwrap_or(text.len())
}

/// The references to resources that are Secrets, with their places.
fn references(text: &str) -> Vec<(usize, String)> {
    let found = text.match_indices(SECRET).filter_map(|(at, _)| {
        let (kind, rest) = text.get(at..)?.split_once('.')?;
        let is_type = kind.len() == length_of_name(kind);
        let name = rest.get(..length_of_name(rest))?;
        (is_type && !name.is_empty()).then(|| (at, format!("{kind}.{name}")))
    });
    found.collect()
}

/// The local values and variables to which a text refers.
fn values(text: &str) -> BTreeSet<String> {
    let of = |prefix: &'static str| {
        text.match_indices(prefix).filter_map(move |(at, _)| {
            let before = text.get(..at)?.chars().next_back();
            let is_start = before.is_none_or(|letter| !letter.is_ascii_alphanumeric() && !"_.-".contains(letter));
            let name = text.get(at + prefix.len()..)?;
            let name = name.get(..length_of_name(name)).filter(|name| !name.is_empty() && is_start)?;
            Some(format!("{prefix}{name}"))
        })
    };
    VALUES.into_iter().flat_map(of).collect()
}

/// A resource or module of a gateway outside of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherResource {
    /// Its type.
    pub resource: String,
    /// Its text.
    pub text: String,
    /// Its line, from 1.
    pub line: usize,
}

/// The resources that mention one of these texts and are not of the providers of Kubernetes and Helm.
pub fn other_resources(text: &str, mentions: &[&str]) -> Vec<OtherResource> {
    if !mentions.iter().any(|mention| text.contains(mention)) {
        return Vec::new();
    }
    let Ok(body) = hcl_edit::parser::parse_body(text) else { return Vec::new() };
    let lines = Lines::of(text);
    let others = resources(&body).filter(|block| !is_of_cluster(block)).filter_map(|block| {
        let range = block.span()?;
        let own = text.get(range.clone())?;
        mentions.iter().any(|mention| own.contains(mention)).then(|| OtherResource {
            resource: resource_type(block).to_owned(),
            text: own.to_owned(),
            line: lines.at(range.start),
        })
    });
    others.collect()
}

/// Whether a resource is of the providers of Kubernetes and Helm.
pub(super) fn is_of_cluster(block: &Block) -> bool {
    let prefixes = ["kubernetes_", "kubectl_", "helm_"];
    prefixes.iter().any(|prefix| resource_type(block).starts_with(prefix))
}

/// The line of an error in a configuration that mentions no gateway; `None` if it can be read.
pub fn unread_line(text: &str) -> Option<usize> {
    let error = hcl_edit::parser::parse_body(text).err()?;
    let line = error.location().line();
    // a template of another tool is not Terraform yet
    (super::unreadable(text, line).is_none() && !text.contains("{{")).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(files: &[&str]) -> Vec<(String, usize)> {
        taken_in_terraform(files).into_iter().map(|(_, secret)| (secret.name, secret.line)).collect()
    }

    fn takes(files: &[&str]) -> bool {
        names(files).iter().any(|(name, _)| ["token", "*-token"].contains(&name.as_str()))
    }

    const SECRET_OF_NAME: &str =
        "resource \"kubernetes_secret_v1\" \"a\" {\n  metadata {\n    name = \"token\"\n  }\n}\n";

    #[test]
    fn a_block_takes_what_it_names() {
        let of_variable = "resource \"kubernetes_deployment\" \"a\" {\n  env_from {\n    secret_ref {\n      name = \"token\"\n    }\n  }\n}\n";
        let data = "data \"kubernetes_secret\" \"a\" {\n  metadata {\n    name = \"token\"\n  }\n}\n";
        for (text, line) in [(of_variable, 4), (data, 3)] {
            assert!(names(&[text]).contains(&("token".to_owned(), line)), "{text}");
        }
        assert_eq!(names(&[SECRET_OF_NAME]), []);
        let other = "resource \"x\" \"b\" {\n  secret = kubernetes_secret_v1.a.metadata[0].name\n}\n";
        assert!(names(&[&format!("{SECRET_OF_NAME}{other}")]).contains(&("token".to_owned(), 7)));
        assert_eq!(names(&["resource \"x\" \"b\" {\n  name = \"token\"\n}\n"]), []);
        assert_eq!(names(&["a = {\nb = \"token\""]), [("token".to_owned(), 2)]);
    }

    #[test]
    fn the_files_of_a_folder_are_one_configuration() {
        for other in [
            "output \"a\" {\n  value = \"${kubernetes_secret_v1.a.metadata[0].name}\"\n}\n",
            "module \"a\" {\n  token = kubernetes_secret_v1.a[0].metadata[0].name\n}\n",
            "locals {\n  a = kubernetes_secret_v1.a.metadata[0].name\n}\n",
        ] {
            assert!(takes(&[SECRET_OF_NAME, other]), "{other}");
        }
        let values =
            "locals {\n  a = \"token\"\n  b = local.a\n  c = \"x\"\n}\nvariable \"d\" {\n  default = \"token\"\n}\n";
        let data =
            |name: &str| format!("data \"kubernetes_secret\" \"a\" {{\n  metadata {{\n    name = {name}\n  }}\n}}\n");
        for name in ["local.a", "local.b", "var.d", "\"${local.c}-token\""] {
            assert!(takes(&[values, &data(name)]), "{name}");
        }
        for name in ["local.c", "var.e", "\"other\""] {
            assert!(!takes(&[values, &data(name)]), "{name}");
        }
        assert!(names(&[&data("\"${var.a}-${var.b}\"")]).iter().any(|(name, _)| name == "*-*"));
    }

    #[test]
    fn the_order_of_a_gateway_takes_nothing() {
        let block = |chart: &str| {
            format!(
                "resource \"helm_release\" \"a\" {{\n  chart = \"{chart}\"\n  depends_on = [kubernetes_secret_v1.a]\n}}\n"
            )
        };
        assert!(!takes(&[SECRET_OF_NAME, &block(CHART)]));
        assert!(takes(&[SECRET_OF_NAME, &block("worker")]));
    }
}

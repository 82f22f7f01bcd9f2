//! Every example on a rule's page does what the page says.
//!
//! A fence ```` ```yaml mended ```` (or `refused`, `remarked`, `silent`) holds objects that stand together in one
//! namespace; the rule of the page must do that with them and nothing else. A fence ```` ```yaml policy ```` holds the
//! policy document for the fences behind it. With `-where-all-is-seen` behind its word, a fence holds everything that
//! there is in the namespace, as the webhook sees it in a cluster: what is not among them is absent.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use apim_keyless::gateway::{Change, Coverage, KubernetesObject, RelatedObjects};
use apim_keyless::policy::{Context, Finding, Level, Mode, Policy, Requester, Rule, rules};
use serde_json::Value;

const WHERE_ALL_IS_SEEN: &str = "-where-all-is-seen";

struct Example<'a> {
    line: usize,
    word: &'a str,
    yaml: String,
}

#[test]
fn every_example_does_what_its_page_says() {
    for rule in rules::RULES {
        assert!(rule.page.starts_with(&format!("# {}\n", rule.id)), "{}: the page begins with the rule's id", rule.id);
        let examples = examples(rule.page);
        let mut policy = Policy::default();
        for example in &examples {
            match example.word {
                "policy" => policy = Policy::parse(&example.yaml).unwrap(),
                word => {
                    let (word, whole) = split(word);
                    let decision = decision(rule, &policy, &example.yaml, whole);
                    assert_eq!(decision, word, "{}.md:{}", rule.id, example.line);
                }
            }
        }
        let has = |word: &str| examples.iter().any(|example| split(example.word).0 == word);
        assert!(has("silent"), "{}: a page shows what is right", rule.id);
        assert!(has("mended") || has("refused") || has("remarked"), "{}: a page shows the fault", rule.id);
    }
}

fn examples(page: &str) -> Vec<Example<'_>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut open = false;
    for (index, line) in page.lines().enumerate() {
        match (open, line.strip_prefix("```yaml "), line) {
            (false, Some(word), _) => {
                open = true;
                examples.push(Example { line: index + 1, word, yaml: String::new() });
            }
            (true, _, "```") => open = false,
            (true, ..) => {
                let example = examples.last_mut().unwrap();
                example.yaml += line;
                example.yaml.push('\n');
            }
            (false, ..) => {}
        }
    }
    examples
}

/// The bare word of a fence, and whether the fence holds everything that there is.
fn split(word: &str) -> (&str, bool) {
    word.strip_suffix(WHERE_ALL_IS_SEEN).map_or((word, false), |word| (word, true))
}

/// The word for what `rule` does with the objects of an example.
fn decision(rule: &Rule, policy: &Policy, yaml: &str, whole: bool) -> String {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{}: {error}\n{yaml}", rule.id));
    let findings = findings(rule, policy, &objects, whole);
    let outcomes: Vec<Level> = findings.iter().flatten().map(Finding::level).collect();
    let is_silent = |objects: &[Value]| self::findings(rule, policy, objects, whole).iter().all(Vec::is_empty);
    let all = |level| !outcomes.is_empty() && outcomes.iter().all(|other| *other == level);
    match () {
        () if outcomes.is_empty() => "silent".to_owned(),
        () if all(Level::Error) => "refused".to_owned(),
        () if all(Level::Warning) => "remarked".to_owned(),
        () if all(Level::Fixable) && is_silent(&mended(&objects, &findings)) => "mended".to_owned(),
        () => format!("{outcomes:?}"),
    }
}

fn findings(rule: &Rule, policy: &Policy, objects: &[Value], whole: bool) -> Vec<Vec<Finding>> {
    let parsed_objects: Vec<KubernetesObject<'_>> = objects
        .iter()
        .filter_map(|object| KubernetesObject::recognize(object.to_string(), "default").unwrap())
        .collect();
    assert_eq!(
        parsed_objects.len(),
        objects.len(),
        "{}: every object of an example is of a kind that is judged",
        rule.id
    );
    let findings = if whole {
        examine_where_all_is_seen(policy, &parsed_objects)
    } else {
        policy.evaluate_all(&parsed_objects, Mode::Enforce)
    };
    findings
        .into_iter()
        .map(|of_one| of_one.into_iter().filter(|finding| finding.rule.id == rule.id).collect())
        .collect()
}

fn examine_where_all_is_seen(policy: &Policy, parsed_objects: &[KubernetesObject<'_>]) -> Vec<Vec<Finding>> {
    let mut related = RelatedObjects::of(parsed_objects, &policy.images);
    related.coverage = Coverage::Complete;
    let evaluate = |parsed: &KubernetesObject<'_>| {
        let context = Context {
            mode: Mode::Enforce,
            expectations: policy.expectations("default", &related.namespace_annotations),
            related: &related,
            change: &|| Change::Everything,
            requester: Requester::Other,
            is_fixable: true,
        };
        policy.evaluate(parsed, &context)
    };
    parsed_objects.iter().map(evaluate).collect()
}

fn mended(objects: &[Value], findings: &[Vec<Finding>]) -> Vec<Value> {
    let fixed = |(object, findings): (&Value, &Vec<Finding>)| {
        let parsed = KubernetesObject::recognize(object.to_string(), "default").unwrap().unwrap();
        Policy::fixed(&parsed, findings).unwrap_or_else(|| object.clone())
    };
    objects.iter().zip(findings).map(fixed).collect()
}

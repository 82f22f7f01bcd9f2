//! Every example on a rule's page does what the page says.
//!
//! A fence ```` ```yaml mended ```` (or `refused`, `remarked`, `silent`) holds objects that stand together in one
//! namespace; the rule of the page must do that with them and nothing else. A fence ```` ```yaml policy ```` holds the
//! policy document for the fences behind it. With `-where-all-is-seen` behind its word, a fence holds everything that
//! there is in the namespace, as the webhook sees it in a cluster: what is not among them is absent.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use apim_keyless::gateway::{Change, Extent, Subject, Surroundings};
use apim_keyless::policy::{Context, Maker, Mode, Outcome, Policy, Rule, Ruling, rules};
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
                    let verdict = verdict(rule, &policy, &example.yaml, whole);
                    assert_eq!(verdict, word, "{}.md:{}", rule.id, example.line);
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
fn verdict(rule: &Rule, policy: &Policy, yaml: &str, whole: bool) -> String {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{}: {error}\n{yaml}", rule.id));
    let rulings = rulings(rule, policy, &objects, whole);
    let outcomes: Vec<Outcome> = rulings.iter().flatten().map(Ruling::outcome).collect();
    let is_silent = |objects: &[Value]| self::rulings(rule, policy, objects, whole).iter().all(Vec::is_empty);
    let all = |outcome| !outcomes.is_empty() && outcomes.iter().all(|other| *other == outcome);
    match () {
        () if outcomes.is_empty() => "silent".to_owned(),
        () if all(Outcome::Refused) => "refused".to_owned(),
        () if all(Outcome::Remarked) => "remarked".to_owned(),
        () if all(Outcome::Mended) && is_silent(&mended(&objects, &rulings)) => "mended".to_owned(),
        () => format!("{outcomes:?}"),
    }
}

fn rulings(rule: &Rule, policy: &Policy, objects: &[Value], whole: bool) -> Vec<Vec<Ruling>> {
    let subjects: Vec<Subject<'_>> =
        objects.iter().filter_map(|object| Subject::recognise(object.to_string(), "default").unwrap()).collect();
    assert_eq!(subjects.len(), objects.len(), "{}: every object of an example is of a kind that is judged", rule.id);
    let rulings = if whole {
        examine_where_all_is_seen(policy, &subjects)
    } else {
        policy.examine_together(&subjects, Mode::Enforce)
    };
    rulings.into_iter().map(|of_one| of_one.into_iter().filter(|ruling| ruling.rule.id == rule.id).collect()).collect()
}

fn examine_where_all_is_seen(policy: &Policy, subjects: &[Subject<'_>]) -> Vec<Vec<Ruling>> {
    let mut surroundings = Surroundings::of(subjects, &policy.images);
    surroundings.extent = Extent::Whole;
    let examine = |subject: &Subject<'_>| {
        let context = Context {
            mode: Mode::Enforce,
            expectations: policy.expectations("default", &surroundings.namespace_annotations),
            surroundings: &surroundings,
            change: &|| Change::Everything,
            maker: Maker::Anybody,
            can_be_mended: true,
        };
        policy.examine(subject, &context)
    };
    subjects.iter().map(examine).collect()
}

fn mended(objects: &[Value], rulings: &[Vec<Ruling>]) -> Vec<Value> {
    let mend = |(object, rulings): (&Value, &Vec<Ruling>)| {
        let subject = Subject::recognise(object.to_string(), "default").unwrap().unwrap();
        Policy::mend(&subject, rulings).unwrap_or_else(|| object.clone())
    };
    objects.iter().zip(rulings).map(mend).collect()
}

//! Every example on a rule's page does what the page says.
//!
//! A fence ```` ```yaml mended ```` (or `refused`, `remarked`, `silent`) holds objects that stand together in one
//! namespace; the rule of the page must do that with them and nothing else. A fence ```` ```yaml policy ```` holds the
//! policy document for the fences behind it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use apim_keyless::gateway::Subject;
use apim_keyless::policy::{Mode, Outcome, Policy, Rule, Ruling, rules};
use serde_json::Value;

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
                word => assert_eq!(verdict(rule, &policy, &example.yaml), word, "{}.md:{}", rule.id, example.line),
            }
        }
        let has = |word: &str| examples.iter().any(|example| example.word == word);
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

/// The word for what `rule` does with the objects of an example.
fn verdict(rule: &Rule, policy: &Policy, yaml: &str) -> String {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{}: {error}\n{yaml}", rule.id));
    let rulings = rulings(rule, policy, &objects);
    let outcomes: Vec<Outcome> = rulings.iter().flatten().map(Ruling::outcome).collect();
    let all = |outcome| !outcomes.is_empty() && outcomes.iter().all(|other| *other == outcome);
    match () {
        () if outcomes.is_empty() => "silent".to_owned(),
        () if all(Outcome::Refused) => "refused".to_owned(),
        () if all(Outcome::Remarked) => "remarked".to_owned(),
        () if all(Outcome::Mended) && is_silent_after_mending(rule, policy, &objects, &rulings) => "mended".to_owned(),
        () => format!("{outcomes:?}"),
    }
}

fn rulings(rule: &Rule, policy: &Policy, objects: &[Value]) -> Vec<Vec<Ruling>> {
    let subjects: Vec<Subject<'_>> =
        objects.iter().filter_map(|object| Subject::recognise(object.to_string(), "default").unwrap()).collect();
    assert_eq!(subjects.len(), objects.len(), "{}: every object of an example is of a kind that is judged", rule.id);
    let rulings = policy.examine_together(&subjects, Mode::Enforce);
    rulings.into_iter().map(|of_one| of_one.into_iter().filter(|ruling| ruling.rule.id == rule.id).collect()).collect()
}

fn is_silent_after_mending(rule: &Rule, policy: &Policy, objects: &[Value], rulings: &[Vec<Ruling>]) -> bool {
    let mend = |(object, rulings): (&Value, &Vec<Ruling>)| {
        let subject = Subject::recognise(object.to_string(), "default").unwrap().unwrap();
        Policy::mend(&subject, rulings).unwrap_or_else(|| object.clone())
    };
    let mended: Vec<Value> = objects.iter().zip(rulings).map(mend).collect();
    self::rulings(rule, policy, &mended).iter().all(Vec::is_empty)
}

//! Every example on a rule's page gets the decision that its fence states.
//!
//! A fence ```` ```yaml error ```` (or `fixable`, `warning`, `clean`) holds objects of one namespace. The page's rule
//! must give them findings of that level and of no other; `clean` means no finding. A fence ```` ```yaml policy ````
//! holds the policy document for the fences after it. With the suffix `-in-known-namespace`, the fence holds every
//! object of the namespace, as the webhook's cache does in a cluster: what is not in the fence is absent, not unknown.

use apim_keyless_core::gateway::{Change, Coverage, KubernetesObject, RelatedObjects};
use apim_keyless_core::policy::{Context, Finding, Level, Mode, Policy, Requester, Rule, rules};
use serde_json::Value;
use test_support::TODAY;

const IN_KNOWN_NAMESPACE: &str = "-in-known-namespace";

/// One fence of a page.
struct Example<'a> {
    line: usize,
    word: &'a str,
    yaml: String,
}

#[test]
fn every_example_gets_the_decision_that_its_page_states() {
    let mut wrong = Vec::new();
    for rule in rules::RULES {
        assert!(rule.page.starts_with(&format!("# {}\n", rule.id)), "{}: the page begins with the rule's id", rule.id);
        let examples = examples(rule.page);
        let mut policy = Policy::default();
        for example in &examples {
            match example.word {
                "policy" => policy = Policy::parse(&example.yaml).unwrap(),
                word => {
                    let (expected, coverage) = expected_decision(word);
                    let decision = decision(rule, &policy, &example.yaml, coverage);
                    let place = format!("{}.md:{}", rule.id, example.line);
                    let statement = format!("{place} states {expected}, but it is {decision}");
                    wrong.extend(Some(statement).filter(|_| decision != expected));
                }
            }
        }
        let has = |word: &str| examples.iter().any(|example| expected_decision(example.word).0 == word);
        assert!(has("clean"), "{}: the page shows an example without a finding", rule.id);
        assert!(has("fixable") || has("error") || has("warning"), "{}: the page shows the problem", rule.id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn examples(page: &str) -> Vec<Example<'_>> {
    let mut examples: Vec<Example<'_>> = Vec::new();
    let mut is_open = false;
    for (index, line) in page.lines().enumerate() {
        match (is_open, line.strip_prefix("```yaml "), line) {
            (false, Some(word), _) => {
                is_open = true;
                examples.push(Example { line: index + 1, word, yaml: String::new() });
            }
            (true, _, "```") => is_open = false,
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

/// The expected decision of a fence word, and how much of the namespace the fence covers.
fn expected_decision(word: &str) -> (&str, Coverage) {
    word.strip_suffix(IN_KNOWN_NAMESPACE).map_or((word, Coverage::Given), |expected| (expected, Coverage::Complete))
}

/// The fence word for what `rule` finds in the objects of an example.
fn decision(rule: &Rule, policy: &Policy, yaml: &str, coverage: Coverage) -> String {
    let objects: Vec<Value> =
        serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{}: {error}\n{yaml}", rule.id));
    let findings = findings_of(rule, policy, &objects, coverage);
    let levels: Vec<Level> = findings.iter().flatten().map(Finding::level).collect();
    let is_clean = |objects: &[Value]| findings_of(rule, policy, objects, coverage).iter().all(Vec::is_empty);
    let all = |level| !levels.is_empty() && levels.iter().all(|other| *other == level);
    match () {
        () if levels.is_empty() => "clean".to_owned(),
        () if all(Level::Error) => "error".to_owned(),
        () if all(Level::Warning) => "warning".to_owned(),
        () if all(Level::Fixable) && is_clean(&fixed(&objects, &findings)) => "fixable".to_owned(),
        () => format!("{levels:?}"),
    }
}

fn findings_of(rule: &Rule, policy: &Policy, objects: &[Value], coverage: Coverage) -> Vec<Vec<Finding>> {
    let parsed_objects: Vec<KubernetesObject<'_>> = objects
        .iter()
        .filter_map(|object| KubernetesObject::recognize(object.to_string(), "default").unwrap())
        .collect();
    assert_eq!(
        parsed_objects.len(),
        objects.len(),
        "{}: every object of an example is of a kind that the rules evaluate",
        rule.id
    );
    let findings = if coverage == Coverage::Complete {
        evaluate_in_known_namespace(policy, &parsed_objects)
    } else {
        policy
            .evaluate_all(&parsed_objects, Mode::Enforce, TODAY)
            .into_iter()
            .map(|evaluated| evaluated.findings)
            .collect()
    };
    findings
        .into_iter()
        .map(|of_one| of_one.into_iter().filter(|finding| finding.rule.id == rule.id).collect())
        .collect()
}

/// Evaluates `parsed_objects` as all objects of their namespace.
fn evaluate_in_known_namespace(policy: &Policy, parsed_objects: &[KubernetesObject<'_>]) -> Vec<Vec<Finding>> {
    let mut related = RelatedObjects::of(parsed_objects, &policy.images);
    related.coverage = Coverage::Complete;
    let evaluate = |parsed: &KubernetesObject<'_>| {
        let context = Context {
            mode: Mode::Enforce,
            expectations: policy.expectations("default", &related.namespace_annotations),
            related: &related,
            change: &|| Change::Everything,
            requester: Requester::User,
            is_fixable: true,
            is_dry_run: false,
            today: TODAY,
        };
        policy.evaluate(parsed, &context)
    };
    parsed_objects.iter().map(evaluate).collect()
}

/// The objects after the fixes of their findings.
fn fixed(objects: &[Value], findings: &[Vec<Finding>]) -> Vec<Value> {
    let fixed = |(object, findings): (&Value, &Vec<Finding>)| {
        let parsed = KubernetesObject::recognize(object.to_string(), "default").unwrap().unwrap();
        Policy::fixed(&parsed, findings).unwrap_or_else(|| object.clone())
    };
    objects.iter().zip(findings).map(fixed).collect()
}

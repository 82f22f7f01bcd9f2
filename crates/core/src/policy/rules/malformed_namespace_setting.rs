//! A label or annotation of apim-keyless on a Namespace that has no effect.

use crate::gateway::Kind;
use crate::policy::{Mode, Problem, Rule, RuleInput, namespace_problems};
use jsonptr::PointerBuf;

/// The rule `malformed-namespace-setting`. It is only warned about, whatever its mode: a wrong key counts as absent.
pub(super) static RULE: Rule = Rule {
    id: "malformed-namespace-setting",
    page: include_str!("../../../../../docs/rules/malformed-namespace-setting.md"),
    mode: Mode::Audit,
    check,
};

fn check(input: &RuleInput<'_>) -> Vec<Problem> {
    let is_honored = input.expectations.namespace_annotations;
    if let Some(namespace) = input.namespace_object() {
        let problems = namespace_problems(&namespace.metadata.labels, &namespace.metadata.annotations, is_honored);
        return problems.into_iter().map(|problem| warned(Problem::new(problem.at, problem.message))).collect();
    }
    // among files the Namespace itself is evaluated
    if input.related.coverage.is_given() {
        return Vec::new();
    }
    let related = input.related;
    let problems = namespace_problems(&related.namespace_labels, &related.namespace_annotations, is_honored);
    let at_object = |message| Problem::new(PointerBuf::new(), message).found_in(Kind::Namespace, input.namespace);
    problems.into_iter().map(|problem| warned(at_object(problem.message))).collect()
}

fn warned(problem: Problem) -> Problem {
    Problem { only_warned: true, ..problem }
}

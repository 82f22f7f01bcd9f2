//! Evaluates a gateway's objects as another tool builds them from the migrated ones, for example Kustomize with its patches.

use super::json::text;
use crate::gateway::{Coverage, KubernetesObject};
use crate::policy::{Date, Level, Mode, Policy, Together};
use serde_json::Value;

/// Rules that only warn: what they name can be elsewhere.
const ABSENT: [&str; 2] = ["absent-config-map", "absent-service-account"];

/// Something that a rule reports about a built object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuiltProblem {
    /// The id of the rule.
    pub rule: &'static str,
    /// The kind and the name of the object.
    pub object: String,
    /// The rule, what to do, and why.
    pub sentence: String,
}

impl BuiltProblem {
    /// Whether it is the same problem of the same object, which can be at another place.
    pub fn is_same(&self, other: &Self) -> bool {
        (self.rule, &self.object) == (other.rule, &other.object)
    }
}

/// What the webhook would deny or set in an enforced namespace, which of a gateway's objects are absent, and whether its
/// workload is no gateway any more.
///
/// `objects` are all objects of a gateway, its workload first; those without a namespace are in `namespace`. `Null` is an
/// object that was deleted.
pub fn problems_of_built(objects: &[&Value], namespace: &str, policy: &Policy, today: Date) -> Vec<BuiltProblem> {
    let recognized =
        objects.iter().filter_map(|value| KubernetesObject::recognize(value.to_string(), namespace).ok()?);
    let recognized: Vec<KubernetesObject<'_>> = recognized.collect();
    let references: Vec<&KubernetesObject<'_>> = recognized.iter().collect();
    let together = Together { mode: &|_| Mode::Enforce, coverage: Coverage::GivenWhole, today };
    let evaluated = policy.evaluate_together(&references, &together);
    let mut gateways = recognized.iter().zip(&evaluated).filter(|(_, evaluated)| evaluated.gateway.is_some());
    let workload = objects.first().filter(|workload| !workload.is_null());
    let lost = workload.filter(|_| gateways.next().is_none()).map(|workload| no_gateway(workload));
    drop(gateways);
    let of_object = recognized.iter().zip(evaluated).flat_map(|(object, evaluated)| {
        let counts = |level: Level, rule: &str| level > Level::Warning || ABSENT.contains(&rule);
        let findings = evaluated.findings.into_iter();
        let counted = findings.filter(move |finding| counts(finding.enforced_level(), finding.rule.id));
        counted.map(|finding| BuiltProblem {
            rule: finding.rule.id,
            object: format!("{} \"{}\"", object.reference.kind, object.reference.name),
            sentence: finding.sentence(),
        })
    });
    lost.into_iter().chain(of_object).collect()
}

fn no_gateway(workload: &Value) -> BuiltProblem {
    let name = |at: &[&str]| text(workload, at).unwrap_or_default();
    BuiltProblem {
        rule: "",
        object: format!("{} \"{}\"", name(&["kind"]), name(&["metadata", "name"])),
        sentence: "no container of the gateway: Leave out what removes it, its image, or its envFrom".to_owned(),
    }
}

//! From a request to an answer: pure, synchronous, and the same for the server and for `apim-keyless review`.

use super::response::{EncodedPatch, Status};
use super::{Endpoint, Operation, Request, Response, Webhook, messages};
use crate::gateway::{Change, Kind, KubernetesObject, RelatedObjects, Workload, well_known};
use crate::policy::{Context, ControlledPods, Finding, Level, Mode, Policy, Requester};
use json_patch::Patch;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A response, and what there is to say about it in log and metrics.
pub struct Answer {
    /// What the API server is told.
    pub response: Response,
    /// What was decided, in a word.
    pub decision: Decision,
    /// What was judged; `None` if nothing was.
    pub kind: Option<Kind>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What is changed, or in audit would be.
    pub patch: Option<Patch>,
}

/// What was decided, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing is wrong, or it is none of ours.
    Allowed,
    /// The judgement broke down.
    Failed,
    /// It is changed.
    Fixable,
    /// It is refused.
    Error,
    /// Something is wrong, and it is allowed all the same.
    Warning,
    /// No rule looks at this kind.
    UnknownKind,
}

impl Decision {
    /// Its name, as logs, metrics and audit annotations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Failed => "failed",
            Self::Fixable => "mended",
            Self::Error => "refused",
            Self::Warning => "remarked",
            Self::UnknownKind => "unknown-kind",
        }
    }
}

/// Answers a request that came in at `endpoint`.
pub fn answer(policy: &Policy, related: &RelatedObjects, endpoint: Endpoint, request: &Request<'_>) -> Answer {
    if !request.operation.writes() {
        return allowed(request, Decision::Allowed);
    }
    let Some(object) = &request.object else { return of_unknown_kind(request) };
    let keeps_its_template = object.workload().is_some_and(|workload| workload.kind.keeps_its_template());
    let context = Context {
        mode: endpoint.mode,
        expectations: policy.expectations(&object.identity.namespace, &related.namespace_annotations),
        related,
        change: &|| change(request, object),
        requester: requester(policy, request, object),
        is_fixable: request.operation == Operation::Create || !keeps_its_template,
    };
    let (findings, patch) = policy.evaluate_with_patch(object, &context, |finding| match endpoint.webhook {
        Webhook::Mutating => finding.level() == Level::Fixable,
        Webhook::Validating => finding.level_if_enforced() == Some(Level::Fixable),
    });
    let evaluation = Evaluation { policy, endpoint, request, object };
    let answer = match endpoint.webhook {
        Webhook::Mutating => evaluation.mended(findings, patch),
        Webhook::Validating => evaluation.told(findings, patch),
    };
    Answer { kind: Some(object.kind), ..answer }
}

/// Runs `decide`; if it panics, an answer stands in that refuses where refusing was asked for and allows elsewhere.
pub fn answer_or_failure(endpoint: Endpoint, request: &Request<'_>, decide: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
        let mut answer = allowed(request, Decision::Failed);
        let message = "apim-keyless failed to judge this object; that is a defect of its own, and its log tells where";
        if endpoint.fails_closed() {
            answer.response.allowed = false;
            answer.response.status = Some(Status::internal_error(message.to_owned()));
        } else {
            answer.response.warnings = vec![message.to_owned()];
        }
        answer
    })
}

/// A subject at a door, on the way from rulings to an answer.
struct Evaluation<'a, 'body> {
    policy: &'a Policy,
    endpoint: Endpoint,
    request: &'a Request<'body>,
    object: &'a KubernetesObject<'body>,
}

impl Evaluation<'_, '_> {
    /// The answer of the mutate door: what can be put right is. What remains is said at the validate door, after every
    /// other webhook had its turn.
    fn mended(&self, mut findings: Vec<Finding>, patch: Option<Patch>) -> Answer {
        findings.retain(|finding| finding.level() == Level::Fixable);
        let mut answer = allowed(self.request, if patch.is_some() { Decision::Fixable } else { Decision::Allowed });
        if let Some(patch) = &patch {
            answer.response.patch = Some(EncodedPatch::of(patch));
            // a second call, after other webhooks, finds nothing more and so writes no other value for the same keys
            answer.response.audit_annotations = self.annotations(answer.decision, &findings);
        }
        Answer { findings, patch, ..answer }
    }

    /// The answer of the validate door: refused if anything enforced is still wrong, and everything else told.
    fn told(&self, findings: Vec<Finding>, patch: Option<Patch>) -> Answer {
        let (refusals, remarks): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|finding| finding.mode == Mode::Enforce);
        let decision = match (refusals.is_empty(), remarks.is_empty()) {
            (false, _) => Decision::Error,
            (true, false) => Decision::Warning,
            (true, true) => Decision::Allowed,
        };
        let mut answer = allowed(self.request, decision);
        if decision == Decision::Error {
            answer.response.allowed = false;
            answer.response.status = Some(Status::forbidden(messages::denial(&self.object.identity, &refusals)));
        }
        answer.response.warnings = messages::warnings(&remarks);
        answer.response.audit_annotations = self.annotations(decision, &findings);
        Answer { findings, patch, ..answer }
    }

    fn annotations(&self, decision: Decision, findings: &[Finding]) -> BTreeMap<&'static str, String> {
        messages::annotations(self.endpoint, decision.name(), findings, &self.policy.name)
    }
}

fn change(request: &Request<'_>, object: &KubernetesObject<'_>) -> Change {
    if request.operation != Operation::Update {
        return Change::Everything;
    }
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let old = request.old_object().and_then(|old| KubernetesObject::recognize(old, namespace).ok().flatten());
    old.map_or(Change::Everything, |old| Change::between(&old, object))
}

fn requester(policy: &Policy, request: &Request<'_>, object: &KubernetesObject<'_>) -> Requester {
    let is_made_by_controller = object.owner().is_some_and(|owner| owner.is_controller(&request.user_info.username));
    // a static Pod runs whatever is said of its picture, and a picture that is changed is refused by the API server
    let is_mirror = object.workload().is_some_and(Workload::is_mirror)
        && request.user_info.username.starts_with(well_known::NODE_USER_PREFIX);
    if is_mirror || (is_made_by_controller && policy.controlled_pods == ControlledPods::Audit) {
        Requester::Controller
    } else {
        Requester::Other
    }
}

fn of_unknown_kind(request: &Request<'_>) -> Answer {
    let mut answer = allowed(request, Decision::UnknownKind);
    answer.response.warnings =
        vec!["apim-keyless: no rule looks at this kind; leave it out of the webhook configuration".to_owned()];
    answer
}

fn allowed(request: &Request<'_>, decision: Decision) -> Answer {
    let response = Response { uid: request.uid.clone().into_owned(), allowed: true, ..Response::default() };
    Answer { response, decision, kind: None, findings: Vec::new(), patch: None }
}

//! From a request to an answer: pure, synchronous, and the same for the server and for `apim-keyless review`.

use super::messages::{self, MessageOptions};
use super::response::{EncodedPatch, Status};
use super::{Endpoint, Operation, Request, Response, Webhook};
use apim_keyless_core::gateway::{Change, Kind, KubernetesObject, RelatedObjects, Workload, well_known};
use apim_keyless_core::policy::{Context, ControlledPods, Date, Finding, Level, Mode, Policy, Requester};
use json_patch::Patch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use strum::IntoStaticStr;

/// A response, and what log and metrics report about it.
pub struct Answer {
    /// What the API server receives.
    pub response: Response,
    /// The decision.
    pub decision: Decision,
    /// The kind of the evaluated object; `None` if nothing was evaluated.
    pub kind: Option<Kind>,
    /// The findings that this endpoint reports; at the mutating webhook only those that it fixes.
    pub findings: Vec<Finding>,
    /// What is changed, or in audit mode would be changed.
    pub patch: Option<Patch>,
}

impl Answer {
    /// Whether it is a denial that rests only on related objects: what the object itself says is allowed.
    pub fn rests_on_related_objects(&self) -> bool {
        let mut denials = self.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
        self.decision == Decision::Denied && denials.all(|finding| finding.problem.found_in.is_some())
    }
}

/// The decision about a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Decision {
    /// Nothing to report at this endpoint.
    Allowed,
    /// The evaluation panicked.
    Failed,
    /// The object is changed.
    Mutated,
    /// The object is denied.
    Denied,
    /// Something is wrong, and the object is allowed nevertheless.
    Warned,
    /// The object is of a kind that no rule evaluates: it has no pod template.
    UnknownKind,
}

impl Decision {
    /// Its name as logs, metrics and audit annotations write it.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// Answers a request that `endpoint` received on the day `today`.
pub fn answer(
    policy: &Policy,
    related: &RelatedObjects,
    options: &MessageOptions,
    endpoint: Endpoint,
    request: &Request<'_>,
    today: Date,
) -> Answer {
    if !request.operation.writes() {
        return allowed(request, Decision::Allowed);
    }
    let Some(object) = &request.object else { return allowed(request, Decision::UnknownKind) };
    let is_immutable = request.operation != Operation::Create && object.kind.has_immutable_template();
    let context = Context {
        mode: endpoint.mode,
        expectations: policy.expectations(&object.reference.namespace, &related.namespace_annotations),
        related,
        change: &|| change(request, object),
        requester: requester(policy, request, object),
        is_fixable: !is_immutable && (!object.has_controlling_owner() || is_started_by_user(policy, request, object)),
        is_dry_run: request.dry_run == Some(true),
        today,
    };
    let (findings, patch) = policy.evaluate_with_patch(object, &context, |finding| match endpoint.webhook {
        Webhook::Mutating => finding.level() == Level::Fixable,
        Webhook::Validating => finding.level_if_enforced() == Some(Level::Fixable),
    });
    let evaluation = Evaluation { policy, options, endpoint, request, object };
    let answer = match endpoint.webhook {
        Webhook::Mutating => evaluation.mutating_answer(findings, patch),
        Webhook::Validating => evaluation.validating_answer(findings, patch),
    };
    Answer { kind: Some(object.kind), ..answer }
}

/// Runs `decide`. If it panics, the answer denies where the endpoint fails closed and allows with a warning elsewhere.
pub fn answer_or_failure(endpoint: Endpoint, request: &Request<'_>, decide: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
        let mut answer = allowed(request, Decision::Failed);
        let message =
            "Report a bug: the evaluation of this object failed, and the log of apim-keyless names the source line";
        if endpoint.fails_closed() {
            answer.response.allowed = false;
            answer.response.status = Some(Status::internal_error(message.to_owned()));
        } else {
            answer.response.warnings = vec![format!("apim-keyless: {message}")];
        }
        answer
    })
}

/// An object at an endpoint, with everything that turns findings into an answer.
struct Evaluation<'a, 'body> {
    policy: &'a Policy,
    options: &'a MessageOptions,
    endpoint: Endpoint,
    request: &'a Request<'body>,
    object: &'a KubernetesObject<'body>,
}

impl Evaluation<'_, '_> {
    /// The mutating webhook's answer: the fixes as a patch. The validating webhook reports the remaining findings, after
    /// all mutating webhooks have run.
    fn mutating_answer(&self, mut findings: Vec<Finding>, patch: Option<Patch>) -> Answer {
        findings.retain(|finding| finding.level() == Level::Fixable);
        let mut answer = allowed(self.request, if patch.is_some() { Decision::Mutated } else { Decision::Allowed });
        if let Some(patch) = &patch {
            answer.response.patch = Some(EncodedPatch::of(patch));
            if !self.options.quiet_mutations {
                answer.response.warnings = messages::mutation_warnings(&findings);
            }
            // A reinvocation finds nothing more to set, so it never writes other values for the same annotation keys.
            self.annotate(&mut answer, &findings);
        }
        Answer { findings, patch, ..answer }
    }

    /// The validating webhook's answer: denied if an enforced rule still finds something, and warnings for all others.
    fn validating_answer(&self, findings: Vec<Finding>, patch: Option<Patch>) -> Answer {
        let (denials, warnings): (Vec<&Finding>, Vec<&Finding>) =
            findings.iter().partition(|finding| finding.mode == Mode::Enforce);
        let warnings: Vec<&Finding> = warnings.into_iter().filter(|finding| !finding.problem.only_reported).collect();
        let decision = match (denials.is_empty(), warnings.is_empty()) {
            (false, _) => Decision::Denied,
            (true, false) => Decision::Warned,
            (true, true) => Decision::Allowed,
        };
        let mut answer = allowed(self.request, decision);
        if decision == Decision::Denied {
            answer.response.allowed = false;
            let message = messages::denial(&self.object.reference, &denials, self.options);
            answer.response.status = Some(Status::forbidden(message));
        }
        answer.response.warnings = messages::warnings(&warnings);
        self.annotate(&mut answer, &findings);
        Answer { findings, patch, ..answer }
    }

    fn annotate(&self, answer: &mut Answer, findings: &[Finding]) {
        let decision = answer.decision.name();
        answer.response.audit_annotations =
            messages::annotations(self.endpoint, decision, findings, self.policy.display_name());
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

/// Whether a user starts a Job of a CronJob (`kubectl create job --from`). The CronJob's controller does not compare its
/// Jobs with its template, so it does not create another one if a fix changes this one.
fn is_started_by_user(policy: &Policy, request: &Request<'_>, object: &KubernetesObject<'_>) -> bool {
    let is_controller = |owner| policy.is_controller(owner, &request.user_info.username);
    object.is_job_of_cron_job() && !object.owner().is_some_and(is_controller)
}

fn requester(policy: &Policy, request: &Request<'_>, object: &KubernetesObject<'_>) -> Requester {
    let user = &request.user_info.username;
    let is_made_by_controller = object.owner().is_some_and(|owner| policy.is_controller(owner, user));
    // The kubelet runs a static Pod whatever is decided about its mirror Pod, and the API server rejects a changed one.
    let is_mirror =
        object.workload().is_some_and(Workload::is_mirror) && user.starts_with(well_known::NODE_USER_PREFIX);
    // Its finalizers must be removable, and its controller creates nothing for it any more.
    let is_being_deleted = request.operation == Operation::Update && object.is_workload_being_deleted();
    if is_mirror || is_being_deleted || (is_made_by_controller && policy.controlled_pods == ControlledPods::Audit) {
        Requester::Exempt
    } else {
        Requester::User
    }
}

fn allowed(request: &Request<'_>, decision: Decision) -> Answer {
    let response = Response { uid: request.uid.clone().into_owned(), allowed: true, ..Response::default() };
    Answer { response, decision, kind: None, findings: Vec::new(), patch: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The audit annotation `policy` of a review that the validating webhook answers with `policy`.
    fn policy_annotation(policy: &Policy) -> String {
        let review = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{
            "uid":"a","kind":{"group":"","version":"v1","kind":"ConfigMap"},"operation":"CREATE","userInfo":{},
            "object":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}}}"#;
        let endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Audit };
        let (related, options) = (RelatedObjects::default(), MessageOptions::default());
        let request = Request::read(review.as_bytes()).unwrap();
        let mut answer = answer(policy, &related, &options, endpoint, &request, Date::constant(2027, 1, 1));
        answer.response.audit_annotations.remove("policy").unwrap()
    }

    #[test]
    fn the_audit_annotation_distinguishes_the_built_in_policy_from_an_unnamed_document() {
        let document = |metadata: &str| {
            Policy::parse(&format!("apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\n{metadata}")).unwrap()
        };
        assert_eq!(policy_annotation(&Policy::default()), "built-in");
        assert_eq!(policy_annotation(&document("metadata: {name: strict}")), "strict");
        for unnamed in ["", "metadata: {}", "metadata: {name: ''}"] {
            assert_eq!(policy_annotation(&document(unnamed)), "unnamed", "{unnamed}");
        }
    }
}

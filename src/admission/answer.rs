//! From a request to an answer: pure, synchronous, and the same for the server and for `apim-keyless review`.

use super::response::{EncodedPatch, Status};
use super::{Door, Entry, Operation, Request, Response, speech};
use crate::gateway::{Change, Kind, Subject, Surroundings, Workload, well_known};
use crate::policy::{Context, ControlledPods, Maker, Mode, Outcome, Policy, Ruling};
use json_patch::Patch;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A response, and what there is to say about it in log and metrics.
pub struct Answer {
    /// What the API server is told.
    pub response: Response,
    /// What was decided, in a word.
    pub verdict: Verdict,
    /// What was judged; `None` if nothing was.
    pub kind: Option<Kind>,
    /// What was found.
    pub rulings: Vec<Ruling>,
    /// What is changed, or in audit would be.
    pub patch: Option<Patch>,
}

/// What was decided, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing is wrong, or it is none of ours.
    Allowed,
    /// The judgement broke down.
    Failed,
    /// It is changed.
    Mended,
    /// It is refused.
    Refused,
    /// Something is wrong, and it is allowed all the same.
    Remarked,
    /// No rule looks at this kind.
    UnknownKind,
}

impl Verdict {
    /// Its name, as logs, metrics and audit annotations write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Failed => "failed",
            Self::Mended => "mended",
            Self::Refused => "refused",
            Self::Remarked => "remarked",
            Self::UnknownKind => "unknown-kind",
        }
    }
}

/// Answers a request that came in at `entry`.
pub fn answer(policy: &Policy, surroundings: &Surroundings, entry: Entry, request: &Request<'_>) -> Answer {
    if !request.operation.writes() {
        return allowed(request, Verdict::Allowed);
    }
    let Some(subject) = &request.subject else { return of_unknown_kind(request) };
    let keeps_its_template = subject.workload().is_some_and(|workload| workload.kind.keeps_its_template());
    let context = Context {
        mode: entry.mode,
        expectations: policy.expectations(&subject.identity.namespace, &surroundings.namespace_annotations),
        surroundings,
        change: &|| change(request, subject),
        maker: maker(policy, request, subject),
        can_be_mended: request.operation == Operation::Create || !keeps_its_template,
    };
    let (rulings, patch) = policy.judge(subject, &context, |ruling| match entry.door {
        Door::Mutate => ruling.outcome() == Outcome::Mended,
        Door::Validate => ruling.would_become() == Some(Outcome::Mended),
    });
    let judgement = Judgement { policy, entry, request, subject };
    let answer = match entry.door {
        Door::Mutate => judgement.mended(rulings, patch),
        Door::Validate => judgement.told(rulings, patch),
    };
    Answer { kind: Some(subject.kind), ..answer }
}

/// Runs `decide`; if it panics, an answer stands in that refuses where refusing was asked for and allows elsewhere.
pub fn answer_or_stand_in(entry: Entry, request: &Request<'_>, decide: impl FnOnce() -> Answer) -> Answer {
    catch_unwind(AssertUnwindSafe(decide)).unwrap_or_else(|_| {
        let mut answer = allowed(request, Verdict::Failed);
        let problem = "apim-keyless failed to judge this object; that is a defect of its own, and its log tells where";
        if entry.fails_closed() {
            answer.response.allowed = false;
            answer.response.status = Some(Status::internal_error(problem.to_owned()));
        } else {
            answer.response.warnings = vec![problem.to_owned()];
        }
        answer
    })
}

/// A subject at a door, on the way from rulings to an answer.
struct Judgement<'a, 'body> {
    policy: &'a Policy,
    entry: Entry,
    request: &'a Request<'body>,
    subject: &'a Subject<'body>,
}

impl Judgement<'_, '_> {
    /// The answer of the mutate door: what can be put right is. What remains is said at the validate door, after every
    /// other webhook had its turn.
    fn mended(&self, mut rulings: Vec<Ruling>, patch: Option<Patch>) -> Answer {
        rulings.retain(|ruling| ruling.outcome() == Outcome::Mended);
        let mut answer = allowed(self.request, if patch.is_some() { Verdict::Mended } else { Verdict::Allowed });
        if let Some(patch) = &patch {
            answer.response.patch = Some(EncodedPatch::of(patch));
            // a second call, after other webhooks, finds nothing more and so writes no other value for the same keys
            answer.response.audit_annotations = self.annotations(answer.verdict, &rulings);
        }
        Answer { rulings, patch, ..answer }
    }

    /// The answer of the validate door: refused if anything enforced is still wrong, and everything else told.
    fn told(&self, rulings: Vec<Ruling>, patch: Option<Patch>) -> Answer {
        let (refusals, remarks): (Vec<&Ruling>, Vec<&Ruling>) =
            rulings.iter().partition(|ruling| ruling.mode == Mode::Enforce);
        let verdict = match (refusals.is_empty(), remarks.is_empty()) {
            (false, _) => Verdict::Refused,
            (true, false) => Verdict::Remarked,
            (true, true) => Verdict::Allowed,
        };
        let mut answer = allowed(self.request, verdict);
        if verdict == Verdict::Refused {
            answer.response.allowed = false;
            answer.response.status = Some(Status::forbidden(speech::denial(&self.subject.identity, &refusals)));
        }
        answer.response.warnings = speech::warnings(&remarks);
        answer.response.audit_annotations = self.annotations(verdict, &rulings);
        Answer { rulings, patch, ..answer }
    }

    fn annotations(&self, verdict: Verdict, rulings: &[Ruling]) -> BTreeMap<&'static str, String> {
        speech::annotations(self.entry, verdict.name(), rulings, &self.policy.name)
    }
}

fn change(request: &Request<'_>, subject: &Subject<'_>) -> Change {
    if request.operation != Operation::Update {
        return Change::Everything;
    }
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let old = request.old_object().and_then(|old| Subject::recognise(old, namespace).ok().flatten());
    old.map_or(Change::Everything, |old| Change::between(&old, subject))
}

fn maker(policy: &Policy, request: &Request<'_>, subject: &Subject<'_>) -> Maker {
    let is_made_by_controller = subject.owner().is_some_and(|owner| owner.is_served_by(&request.user_info.username));
    // a static Pod runs whatever is said of its picture, and a picture that is changed is refused by the API server
    let is_mirror = subject.workload().is_some_and(Workload::is_mirror)
        && request.user_info.username.starts_with(well_known::NODE_USER_PREFIX);
    if is_mirror || (is_made_by_controller && policy.controlled_pods == ControlledPods::Audit) {
        Maker::Controller
    } else {
        Maker::Anybody
    }
}

fn of_unknown_kind(request: &Request<'_>) -> Answer {
    let mut answer = allowed(request, Verdict::UnknownKind);
    answer.response.warnings =
        vec!["apim-keyless: no rule looks at this kind; leave it out of the webhook configuration".to_owned()];
    answer
}

fn allowed(request: &Request<'_>, verdict: Verdict) -> Answer {
    let response = Response { uid: request.uid.clone().into_owned(), allowed: true, ..Response::default() };
    Answer { response, verdict, kind: None, rulings: Vec::new(), patch: None }
}

//! Kubernetes' own admission policies for rules about keys and identity: `ValidatingAdmissionPolicy` and
//! `MutatingAdmissionPolicy`, which the API server evaluates itself. They guard a cluster while the webhook is
//! unavailable. See <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.
//!
//! A policy is never stricter than the webhook: what it denies, the validating webhook denies, too. Where CEL cannot
//! know what the webhook knows, the policy allows. [`coverage`] lists what is covered.

mod accounts;
mod cel;
mod config_maps;
mod coverage;
mod guard;
mod manifest;
mod mutations;
mod workloads;

pub use coverage::{Coverage, RuleCoverage, coverage, coverage_table};
pub use guard::{Guard, guard};

use apim_keyless_core::policy::{Date, Mode, Policy, rules};
use manifest::{AdmissionPolicy, Content};

/// The version of the API of `ValidatingAdmissionPolicy`, since Kubernetes 1.30.
const VALIDATING_VERSION: &str = "v1";
/// Namespaces that are never evaluated, besides that of the installation.
const EXCLUDED: [&str; 3] = ["kube-system", "kube-public", "kube-node-lease"];

/// What the policies depend on besides the policy document.
#[derive(Clone, Debug)]
pub struct NativeOptions {
    /// The beginning of the policies' names.
    pub name: String,
    /// The namespace of the installation, which is excluded.
    pub namespace: String,
    /// Further excluded namespaces.
    pub excluded: Vec<String>,
    /// Whether no gateway is ingress-only (`k8s.ingress.enabled`). A gateway whose `ConfigMap` could say so is then
    /// covered, too.
    pub no_ingress_only: bool,
    /// The day on which exceptions are evaluated, in UTC.
    pub today: Date,
}

/// The validating policies and their bindings as YAML: for the rules in mode enforce, and others for those in audit.
pub fn validating(policy: &Policy, options: &NativeOptions) -> String {
    let source = Source { policy, options };
    let of_mode = |mode| {
        let all = [workloads::validating(&source, mode), config_maps::validating(&source, mode)];
        all.into_iter().chain([accounts::validating(&source, mode)]).flatten()
    };
    let policies: Vec<AdmissionPolicy> = [Mode::Enforce, Mode::Audit].into_iter().flat_map(of_mode).collect();
    manifest::yaml(&coverage::comment(&coverage(policy, options), "apim-keyless generate vap"), &policies)
}

/// The mutating policies and their bindings as YAML. `api_version` is the version of their API: `v1` since Kubernetes
/// 1.36, `v1beta1` for 1.34 and 1.35.
pub fn mutating(policy: &Policy, options: &NativeOptions, api_version: &str) -> String {
    let source = Source { policy, options };
    let policies = [mutations::workloads(&source, api_version), mutations::accounts(&source, api_version)];
    let policies: Vec<AdmissionPolicy> = policies.into_iter().flatten().collect();
    manifest::yaml(&mutations::comment(&source), &policies)
}

/// What the policies are generated from.
struct Source<'a> {
    policy: &'a Policy,
    options: &'a NativeOptions,
}

impl Source<'_> {
    /// The mode of a rule in a native policy. A workload or `ConfigMap` beyond a limit of the webhook is not evaluated
    /// there, but denied by `too-large-to-evaluate`. So no rule about them is in a stricter mode than that one.
    fn mode(&self, id: &str) -> Mode {
        mode(self.policy, id)
    }

    /// A policy with its binding for enforced namespaces.
    fn policy(&self, part: &str, mode: Mode, content: Content) -> AdmissionPolicy {
        let suffix = if mode == Mode::Audit { "-audit" } else { "" };
        let mut excluded: Vec<String> = EXCLUDED.map(str::to_owned).to_vec();
        for name in [&self.options.namespace].into_iter().chain(&self.options.excluded) {
            if !excluded.contains(name) {
                excluded.push(name.clone());
            }
        }
        AdmissionPolicy {
            api_version: VALIDATING_VERSION.to_owned(),
            name: format!("{}-{part}{suffix}", self.options.name),
            resources: Vec::new(),
            conditions: Vec::new(),
            variables: Vec::new(),
            content,
            actions: if mode == Mode::Audit { "[Audit, Warn]" } else { "[Deny]" },
            excluded: Some(excluded),
        }
    }

    /// The expression that is true for an object that an exception of the policy document takes out of enforcement of a
    /// rule; `None` if there is no such exception. After an exception's last day it counts until the policies are
    /// generated again.
    fn exempt(&self, id: &str) -> Option<String> {
        let today = self.options.today;
        let rules = [id, TOO_LARGE];
        let covering =
            self.policy.exceptions.iter().filter(|exception| {
                exception.expires >= today && exception.rule.is_none_or(|rule| rules.contains(&rule))
            });
        let expressions: Vec<String> =
            covering.map(|exception| cel::is_excepted(&exception.namespace, &exception.name)).collect();
        (!expressions.is_empty()).then(|| expressions.join(" ||\n"))
    }

    /// The expression of a validation: an exception applies, or `holds`.
    fn expression(&self, id: &str, holds: &str) -> String {
        self.exempt(id).map_or_else(|| holds.to_owned(), |exempt| format!("{exempt} ||\n{holds}"))
    }
}

/// The rule about what the webhook does not evaluate.
const TOO_LARGE: &str = "too-large-to-evaluate";
/// The rules about ServiceAccounts, which have no limits.
const WITHOUT_LIMITS: [&str; 2] = ["missing-client-id", "unlabeled-service-account"];
/// The rules about the identity of a workload, which the webhook only warns about for an allowed Entra app. Whether a
/// gateway is one can be in its `ConfigMap`.
const IDENTITY: [&str; 2] = ["missing-identity-label", "missing-service-account"];
/// The rule whose mode decides whether an Entra app is allowed.
const ENTRA_APP: &str = "entra-app-auth-method";

fn mode(policy: &Policy, id: &str) -> Mode {
    let of = |id: &str| rules::find(id).map_or(Mode::Off, |rule| policy.mode(rule));
    let mode = if WITHOUT_LIMITS.contains(&id) { of(id) } else { of(id).milder(of(TOO_LARGE)) };
    if IDENTITY.contains(&id) { mode.milder(of(ENTRA_APP)) } else { mode }
}

//! Evaluates the gateways of a cluster, each namespace under its own mode and expectations, and compares two reports. Pure:
//! `cluster` reads the objects, this module evaluates them.

mod changes;
mod leftovers;
mod transitions;

pub use changes::{Earlier, EarlierError, changes};
pub use transitions::{KnownGateways, Transition, TransitionKind};

use crate::cluster::{Inventory, MalformedObject, ReadError};
use apim_keyless_core::gateway::{Coverage, KubernetesObject, ObjectReference};
use apim_keyless_core::policy::{Date, Evaluated, Mode, NamespaceModes, Policy, Together};
use apim_keyless_report::{Diagnostic, Failure, GatewayRow, Location, Report, Skipped};

/// Why a namespace is skipped.
const OFF: &str = "with label apim-keyless.dev/mode: off";

/// What is evaluated, and how.
pub struct AuditInput<'a> {
    /// What the cluster holds.
    pub inventory: &'a Inventory,
    /// Its name in the report; `None` if only one cluster is evaluated.
    pub cluster: Option<&'a str>,
    /// The policy.
    pub policy: &'a Policy,
    /// The mode of every namespace, if it is given.
    pub forced_mode: Option<Mode>,
    /// The mode of a namespace without the label.
    pub default_mode: Mode,
    /// The day of the evaluation.
    pub today: Date,
}

/// Evaluates the objects of a cluster.
///
/// If something could not be read, an object that is not there counts as unknown: nothing is reported as absent.
pub fn evaluate(input: &AuditInput<'_>) -> Report {
    let AuditInput { inventory, cluster, policy, .. } = *input;
    let objects: Vec<&KubernetesObject<'_>> = inventory.objects.iter().collect();
    let modes = NamespaceModes::of(inventory.objects.iter(), input.forced_mode, input.default_mode);
    let coverage = if inventory.errors.is_empty() { Coverage::GivenWhole } else { Coverage::Given };
    let together = Together { mode: &|namespace| modes.mode(namespace), coverage, today: input.today };
    let mut report = Report {
        objects: inventory.count,
        gateways: Some(Vec::new()),
        failures: failures(inventory, cluster),
        leftovers: leftovers::of(&inventory.leftovers, cluster),
        skipped: inventory.not_evaluated.iter().map(|namespace| skipped(namespace)).collect(),
        ..Report::default()
    };
    for (object, Evaluated { findings, gateway, .. }) in
        objects.iter().zip(policy.evaluate_together(&objects, &together))
    {
        let mode = modes.mode(&object.reference.namespace);
        report.gateways.get_or_insert_default().extend(gateway.map(|summary| GatewayRow {
            cluster: cluster.map(str::to_owned),
            config_maps: object.referenced_config_maps().into_iter().collect(),
            uid: object.uid(),
            ..GatewayRow::new(object.reference.clone(), summary, mode)
        }));
        let findings = findings.into_iter().map(|finding| Diagnostic {
            cluster: cluster.map(str::to_owned),
            uid: object.uid(),
            ..Diagnostic::of_finding(&object.reference, finding, mode)
        });
        report.findings.extend(findings);
    }
    report
}

fn failures(inventory: &Inventory, cluster: Option<&str>) -> Vec<Failure> {
    let place = cluster.map(|cluster| format!("{cluster}: ")).unwrap_or_default();
    let failure = |message: String| Failure { location: Location::default(), message: format!("{place}{message}") };
    let unread = inventory.errors.iter().chain(&inventory.leftovers.errors).map(ReadError::to_string);
    let malformed = inventory.malformed.iter().map(|malformed| {
        let MalformedObject { object, .. } = malformed;
        format!("cannot evaluate {object}: {}", malformed.reason())
    });
    unread.chain(malformed).map(failure).collect()
}

fn skipped(namespace: &str) -> Skipped {
    let object = ObjectReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: namespace.to_owned(),
        name: namespace.to_owned(),
    };
    Skipped { location: Location::default(), object: Some(object), reason: OFF.to_owned() }
}

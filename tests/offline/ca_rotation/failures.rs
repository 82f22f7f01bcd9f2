//! Failures of replicas, and external changes of the Secret, the caBundles and the clocks.

use super::model::Model;
use super::state::{Access, CaBundles, Phase, Replica, State, Step, UNKNOWN_CA};
use super::steps::{reset_trusted_for, start_pass};

/// Every failure that can happen now, and every recovery from one.
pub(crate) fn failures(state: &State, model: &mut Model) -> Vec<(Step, State)> {
    let mut failures = Vec::new();
    for (index, replica) in state.replicas.iter().enumerate().take(model.setup.replicas) {
        failures.extend(recoveries(index, replica).map(|(step, changed)| {
            let mut after = state.with(index, changed);
            start_pass(&mut after, model, index);
            (step, after)
        }));
        if state.failures > 0 && replica.is_up {
            let failed = failures_of(index, replica);
            failures.extend(
                failed.map(|(step, changed)| {
                    (step, State { failures: state.failures - 1, ..state.with(index, changed) })
                }),
            );
        }
    }
    failures
}

fn recoveries(index: usize, replica: &Replica) -> impl Iterator<Item = (Step, Replica)> {
    let replica = *replica;
    let start = (Step::Start(index), Replica { is_up: true, ..replica });
    let recover = (Step::Recover(index), Replica { access: Access::Everything, ..replica });
    let set_clock = (Step::SetClock(index), Replica { skew: 0, ..replica });
    [(!replica.is_up, start), (replica.access != Access::Everything, recover), (replica.skew != 0, set_clock)]
        .into_iter()
        .filter_map(|(is_possible, recovery)| is_possible.then_some(recovery))
}

/// A pass is aborted if it cannot read one of the two. So for an idle replica it makes no difference which one it
/// cannot read.
fn failures_of(index: usize, replica: &Replica) -> impl Iterator<Item = (Step, Replica)> {
    let replica = *replica;
    let crash = (Step::Crash(index), Replica { skew: replica.skew, ..Replica::default() });
    let is_distinct =
        |access: &Access| replica.phase != Phase::Idle || matches!(access, Access::Nothing | Access::Suspended);
    let losses =
        [Access::Secret, Access::Configurations, Access::Nothing, Access::Suspended].into_iter().filter(is_distinct);
    let losses: Vec<Access> = losses.filter(|_| replica.access == Access::Everything).collect();
    let lose = move |access| (Step::LoseAccess(index, access), Replica { access, ..replica });
    losses.into_iter().map(lose).chain([crash])
}

/// Every external change that can happen now.
pub(crate) fn external_changes(state: &State, model: &mut Model) -> Vec<(Step, State)> {
    if state.external_changes == 0 {
        return Vec::new();
    }
    let state = &State { external_changes: state.external_changes - 1, ..*state };
    let mut external_changes = clock_skews(state, model);
    if model.setup.damages_secret {
        external_changes.extend(secret_damages(state, model));
    }
    if model.setup.damages_ca_bundles {
        external_changes.extend(ca_bundle_damages(state, model));
    }
    external_changes
}

fn secret_damages(state: &State, model: &mut Model) -> Vec<(Step, State)> {
    let cas = model.cas(state.secret);
    let damaged = (0..UNKNOWN_CA).filter(|id| cas & (1 << id) != 0 && cas.count_ones() > 1);
    let mut secrets: Vec<(Step, u16)> =
        damaged.map(|id| (Step::DamageCa(id), model.without(state.secret, id))).collect();
    if cas != 0 {
        secrets.push((Step::DeleteSecret, 0));
    }
    let after = |(step, secret)| {
        let mut after = *state;
        after.set_secret(secret);
        (step, after)
    };
    secrets.into_iter().map(after).collect()
}

/// A caBundle is emptied, or overwritten with the one of the first day or with an unknown CA.
fn ca_bundle_damages(state: &State, model: &Model) -> Vec<(Step, State)> {
    let (configurations, entries) = (model.setup.configurations, model.setup.entries);
    let places = (0..configurations).flat_map(|configuration| (0..entries).map(move |entry| (configuration, entry)));
    let changes = places.flat_map(|place| [0, 1, 1 << UNKNOWN_CA].map(|ca_bundle| (place, ca_bundle)));
    let changes = changes.filter(|((configuration, entry), ca_bundle)| {
        state.configurations[*configuration][*entry] != *ca_bundle && (state.created > 0 || *ca_bundle != 1)
    });
    let after = |((configuration, entry), ca_bundle)| {
        let mut ca_bundles: CaBundles = state.configurations[configuration];
        ca_bundles[entry] = ca_bundle;
        let (mut after, before) = (*state, model.setup.in_every_ca_bundle(state.configurations));
        after.set_ca_bundles(configuration, ca_bundles);
        let in_every_ca_bundle = model.setup.in_every_ca_bundle(after.configurations);
        after.damaged = (state.damaged | before) & !in_every_ca_bundle;
        reset_trusted_for(&mut after, in_every_ca_bundle);
        (Step::DamageCaBundle(configuration, entry, ca_bundle), after)
    };
    changes.map(after).collect()
}

fn clock_skews(state: &State, model: &mut Model) -> Vec<(Step, State)> {
    let skew = i8::try_from(model.setup.skew).unwrap();
    let is_one_wrong = state.replicas.iter().any(|replica| replica.skew != 0);
    let replicas =
        state.replicas.iter().enumerate().filter(|(_, replica)| !is_one_wrong && skew != 0 && replica.is_running());
    let skewed = replicas.flat_map(|(index, replica)| [skew, -skew].map(|skew| (index, Replica { skew, ..*replica })));
    let after = |(index, replica): (usize, Replica)| {
        let mut after = state.with(index, replica);
        start_pass(&mut after, model, index);
        (Step::SkewClock(index, replica.skew), after)
    };
    skewed.map(after).collect()
}

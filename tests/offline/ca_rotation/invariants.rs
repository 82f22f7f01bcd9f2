//! The invariants of every state and every step.

use super::model::Model;
use super::state::{Access, CaMask, Choice, ServingCertificate, State, Step, UNKNOWN_CA, has};

/// More writes than replicas ever need between two ticks.
const MAX_WRITES: u8 = 20;

/// The invariant that a step, or the state it leads to, violates.
pub(crate) fn violated(before: &State, step: Step, after: &State, model: &Model) -> Option<&'static str> {
    let of_step = match step {
        Step::WriteCaBundles(index, _) => check_write(before, index, after, model),
        Step::Issue(index) => check_issue(before, index, after, model),
        _ => None,
    };
    of_step.or_else(|| check_state(after, model))
}

/// Certificates that expire within the difference of the clocks are ignored: a slow clock still takes them for valid.
fn served_certificates(state: &State, model: &Model) -> impl Iterator<Item = ServingCertificate> {
    state.served_certificates(state.now + model.setup.skew)
}

fn check_state(state: &State, model: &Model) -> Option<&'static str> {
    let setup = &model.setup;
    let is_untrusted = |certificate: ServingCertificate| {
        certificate.choice == Choice::Unforced && !setup.is_trusted(state, certificate.issuer)
    };
    if served_certificates(state, model).any(is_untrusted) {
        return Some("I1: a caBundle does not contain the CA of a certificate in use");
    }
    if state.writes > MAX_WRITES {
        return Some("I6: replicas write without end");
    }
    // an expired CA does no harm and is retired next
    let (has_no_external_change, expired) =
        (state.external_changes == setup.external_changes, state.expired(state.now));
    let mut ca_bundles = state.configurations.as_flattened().iter();
    if has_no_external_change && ca_bundles.any(|ca_bundle| (ca_bundle & !expired).count_ones() > 3) {
        return Some("a caBundle contains more than three valid CAs");
    }
    let cas = model.cas(state.secret) & !expired;
    (cas.count_ones() > 2).then_some("the Secret contains more than two valid CAs")
}

fn check_issue(before: &State, index: usize, after: &State, model: &Model) -> Option<&'static str> {
    let (setup, replica) = (&model.setup, &before.replicas[index]);
    let (certificate, now) = (after.replicas[index].certificate?, replica.clock(before.now));
    let end = before.expiries[usize::from(certificate.issuer)];
    if certificate.not_after <= now || certificate.not_after > end {
        return Some("I4: a certificate is issued that is not valid, or valid for longer than its CA");
    }
    // a renewal by the same CA is not worse than the certificate in use
    let is_other_ca =
        replica.certificate.filter(|served| served.not_after > now).map(|served| served.issuer != certificate.issuer);
    if is_other_ca == Some(true)
        && !replica
            .last_read
            .is_some_and(|(last_read, _)| has(setup.in_every_ca_bundle(last_read.configurations), certificate.issuer))
    {
        return Some("I1: a certificate is issued by a CA that the replica did not see in every caBundle");
    }
    let must_be_trusted = certificate.choice == Choice::Unforced && is_other_ca != Some(false);
    (must_be_trusted && !setup.is_trusted_long_enough(before, certificate.issuer))
        .then_some("I1: a certificate is issued by a CA that was not in every caBundle for the propagation delay")
}

fn check_write(before: &State, index: usize, after: &State, model: &Model) -> Option<&'static str> {
    let replica = &before.replicas[index];
    let (last_read, at) = replica.last_read?;
    let expired = before.expired(at);
    let is_known = model.cas(last_read.secret) & !expired != 0;
    let old = before.configurations.as_flattened().iter();
    for (old, new) in old.zip(after.configurations.as_flattened()) {
        let dropped: CaMask = old & !new;
        // a caBundle with only expired CAs counts as empty
        let is_emptied = old & !expired != 0 && new & !expired == 0;
        if is_emptied || (dropped & !expired != 0 && !is_known) {
            return Some("I3: a caBundle is emptied, or loses a CA while no CA is known");
        }
        // a replica without a valid certificate that had not read the CAs for longer than the CA overlap loses nothing
        let mut served =
            served_certificates(before, model).filter(|certificate| certificate.choice != Choice::StaleCas);
        if served.any(|certificate| has(dropped, certificate.issuer)) {
            return Some("I2: a CA leaves a caBundle while a certificate of it is in use");
        }
    }
    None
}

/// What is wrong with a state in which no failure is left and no replica has anything to do.
pub(crate) fn unsettled(state: &State, model: &Model) -> Option<&'static str> {
    let (setup, in_every_ca_bundle) = (&model.setup, model.setup.in_every_ca_bundle(state.configurations));
    let cas = model.cas(state.secret);
    if cas & !state.expired(state.now) == 0 {
        return Some("I6: no CA is valid");
    }
    if cas & !in_every_ca_bundle != 0 {
        return Some("I6: a CA is not in every caBundle");
    }
    let trusted =
        state.served_certificates(state.now).filter(|certificate| has(in_every_ca_bundle, certificate.issuer)).count();
    (trusted < setup.replicas).then_some("I6: a replica serves no trusted certificate")
}

/// What is wrong with a state after longer than an unknown CA may stay.
pub(crate) fn unknown_ca_left(state: &State) -> Option<&'static str> {
    let mut ca_bundles = state.configurations.as_flattened().iter();
    ca_bundles.any(|ca_bundle| has(*ca_bundle, UNKNOWN_CA)).then_some("I6: an unknown CA stays in a caBundle")
}

/// The state without failures: every replica runs, can access everything and has the correct time.
pub(crate) fn without_failures(state: &State, model: &Model) -> State {
    let mut after = State { failures: 0, external_changes: 0, writes: 0, ..*state };
    for replica in after.replicas.iter_mut().take(model.setup.replicas) {
        (replica.is_up, replica.access, replica.skew) = (true, Access::Everything, 0);
    }
    after
}

//! Checks of the API server: its version, its clock and the issuer of its tokens.

use super::diagnostic::{Target, diagnostic};
use super::{CheckInput, DoctorCode, Outcome};
use crate::cluster::Clock;
use apim_keyless_core::azure::is_public_issuer;
use apim_keyless_core::policy::printable;
use std::time::Duration;

/// The oldest supported version of Kubernetes: `matchConditions` of webhooks are stable since then.
const OLDEST: (u32, u32) = (1, 30);

/// From this difference on, clocks are a warning.
const DRIFT: Duration = Duration::from_secs(30);

/// From this difference on, one side rejects certificates and tokens that the other has just issued.
const SKEW: Duration = Duration::from_mins(5);

/// The resolution of a `Date` header.
const SECOND: Duration = Duration::from_secs(1);

/// Is the version supported?
pub(super) fn check_version(input: &CheckInput<'_>) -> Outcome {
    let Ok(server) = &input.installation.server else { return Outcome::Unknown };
    // some clouds report 30+ for their own build of 30
    let number = |text: &str| text.trim_end_matches('+').parse::<u32>().ok();
    let version = number(&server.version.major).zip(number(&server.version.minor));
    match version {
        None => return Outcome::Unknown,
        Some(version) if version >= OLDEST => return Outcome::PASSED,
        Some(_) => {}
    }
    let message =
        format!("Kubernetes {} is older than {}.{}", printable(&server.version.git_version), OLDEST.0, OLDEST.1);
    Outcome::found(diagnostic(DoctorCode::ServerTooOld, input.names, Target::of_server(["version"]), message))
}

/// Do the clocks of the API server and of this machine agree?
pub(super) fn check_clock(input: &CheckInput<'_>) -> Outcome {
    let clock = input.installation.server.as_ref().ok().and_then(|server| server.clock);
    let Some((distance, direction)) = clock.map(|clock| distance(&clock)) else { return Outcome::Unknown };
    let code = match distance {
        distance if distance > SKEW => DoctorCode::ClockSkewed,
        distance if distance > DRIFT => DoctorCode::ClockDrifting,
        _ => return Outcome::PASSED,
    };
    let message = format!(
        "the clock of the API server is {} s {direction} this machine's: certificates and tokens count as expired or \
         as not valid yet",
        distance.as_secs()
    );
    Outcome::found(diagnostic(code, input.names, Target::of_server(["version"]), message))
}

/// The least possible difference of the clocks: the API server wrote the `Date` header at some time between request and
/// response.
fn distance(clock: &Clock) -> (Duration, &'static str) {
    match (clock.server_time.duration_since(clock.received), clock.sent.duration_since(clock.server_time + SECOND)) {
        (Ok(ahead), _) => (ahead, "ahead of"),
        (_, Ok(behind)) => (behind, "behind"),
        _ => (Duration::ZERO, "ahead of"),
    }
}

/// Can Entra fetch the signing keys of `ServiceAccount` tokens from their issuer?
pub(super) fn check_issuer(input: &CheckInput<'_>) -> Outcome {
    let Ok(issuer) = &input.installation.issuer else { return Outcome::Unknown };
    if is_public_issuer(issuer) {
        return Outcome::PASSED;
    }
    let target = Target::of_server([".well-known", "openid-configuration"]);
    let message = format!("ServiceAccount tokens are issued by {}, which Entra cannot reach", printable(issuer));
    Outcome::found(diagnostic(DoctorCode::IssuerNotPublic, input.names, target, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn the_clock_difference_allows_for_header_resolution_and_slow_responses() {
        let at = |milliseconds: u64| -> SystemTime { UNIX_EPOCH + Duration::from_millis(milliseconds) };
        for (sent, server_time, received, expected) in [
            (10_500, 10_000, 10_900, Duration::ZERO),
            (10_900, 11_000, 11_100, Duration::ZERO),
            (10_000, 15_000, 20_000, Duration::ZERO),
            (10_000, 41_000, 10_500, Duration::from_millis(30_500)),
            (50_000, 10_000, 50_100, Duration::from_secs(39)),
        ] {
            let clock = Clock { sent: at(sent), server_time: at(server_time), received: at(received) };
            assert_eq!(distance(&clock).0, expected, "{clock:?}");
        }
    }
}

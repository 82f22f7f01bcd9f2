//! The token that azure-workload-identity mounts. Up to 1.5.1 its volume is `azure-identity-token` at
//! `/var/run/secrets/azure/tokens`, from 1.6.0 on `azure-workload-identity-reserved-…` at `/var/run/secrets/azure/wi`
//! (azure-workload-identity, `pkg/webhook/webhook.go` at v1.5.1 and v1.6.0).

use super::gateway::{RunningGateway, RunningPod};
use super::identity::{AZURE_FEDERATED_TOKEN_FILE, containers, value};
use super::{VerifyCode, VerifyInput, of_each_problem};
use crate::cluster::{Container, ProjectedToken};
use crate::doctor::Outcome;
use apim_keyless_core::azure::AUDIENCE;
use apim_keyless_core::policy::printable;
use std::ops::RangeInclusive;

/// The lifetimes that azure-workload-identity accepts, in seconds.
const LIFETIMES: RangeInclusive<i64> = 3600..=86400;

/// The name of the volume up to 1.5.1.
const OLD_VOLUME: &str = "azure-identity-token";
/// The beginning of its name from 1.6.0 on.
const NEW_VOLUME: &str = "azure-workload-identity-reserved-";

/// Does every gateway container find a token for Entra where its variable says, with a usual lifetime?
pub(super) fn check_projected_token(input: &VerifyInput<'_>) -> Outcome {
    if input.with_identity().next().is_none() {
        return Outcome::NotApplicable;
    }
    let gateways = || input.with_identity();
    let has_file = |(_, container): (&RunningPod, &Container)| value(container, AZURE_FEDERATED_TOKEN_FILE).is_some();
    if !gateways().flat_map(containers).any(has_file) {
        return Outcome::NotApplicable;
    }
    let of_gateway = |gateway: &RunningGateway| {
        let problems = containers(gateway).filter_map(|(pod, container)| {
            let (code, message) = problem(pod, container)?;
            Some((code, pod.name().to_owned(), format!("container {}: {message}", container.name)))
        });
        of_each_problem(input, gateway, problems)
    };
    input.of_pods(input.with_identity().flat_map(of_gateway).collect())
}

fn problem(pod: &RunningPod, container: &Container) -> Option<(VerifyCode, String)> {
    // that the variable is missing is a finding of its own
    let file = value(container, AZURE_FEDERATED_TOKEN_FILE)?;
    let mounted = mounted(pod, container);
    let Some((_, token, _)) = mounted.iter().find(|(path, ..)| path == file) else {
        let other = mounted.iter().find_map(|(path, _, volume)| Some(format!("{path} ({})", version(volume)?)));
        let where_it_is = match other {
            Some(path) => format!("; azure-workload-identity mounted it at {path}"),
            None => "; no volume of azure-workload-identity is mounted".to_owned(),
        };
        let message = format!("no token is mounted at the path of {AZURE_FEDERATED_TOKEN_FILE}{where_it_is}");
        return Some((VerifyCode::TokenNotMounted, message));
    };
    let audience = token.audience.as_deref().unwrap_or_default();
    if audience != AUDIENCE {
        let audience = if audience.is_empty() { "the API server's own" } else { audience };
        let message = format!("the audience of its token is {}, and Entra expects {AUDIENCE}", printable(audience));
        return Some((VerifyCode::TokenAudienceDiffers, message));
    }
    let seconds = token.expiration_seconds.unwrap_or(*LIFETIMES.start());
    (!LIFETIMES.contains(&seconds))
        .then(|| (VerifyCode::TokenExpirationUnusual, format!("its token has a lifetime of {seconds} s")))
}

/// The tokens in the volumes of a container, each with its path and the name of its volume.
fn mounted<'p>(pod: &'p RunningPod, container: &Container) -> Vec<(String, &'p ProjectedToken, &'p str)> {
    let volumes = pod.pod.spec.volumes.iter();
    let tokens = volumes.flat_map(|volume| {
        let sources = volume.projected.iter().flat_map(|projected| &projected.sources);
        sources.filter_map(move |source| Some((volume.name.as_str(), source.service_account_token.as_ref()?)))
    });
    let paths = tokens.flat_map(|(volume, token)| {
        let mounts = container.volume_mounts.iter().filter(move |mount| mount.name == volume);
        mounts.map(move |mount| (format!("{}/{}", mount.mount_path.trim_end_matches('/'), token.path), token, volume))
    });
    paths.collect()
}

/// The versions of azure-workload-identity that mount a volume of this name; `None` if none does.
fn version(volume: &str) -> Option<&'static str> {
    match volume {
        OLD_VOLUME => Some("1.5.1 and older"),
        volume if volume.starts_with(NEW_VOLUME) => Some("1.6.0 and newer"),
        _ => None,
    }
}

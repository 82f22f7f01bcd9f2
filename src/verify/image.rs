//! The image that each Pod runs, as the container runtime reports it.

use super::gateway::RunningGateway;
use super::{VerifyCode, VerifyInput, named_pods, of_each_problem};
use crate::cluster::ContainerStatus;
use crate::doctor::Outcome;
use apim_keyless_core::gateway::{ImageName, ImageVersion, Images};
use apim_keyless_core::policy::printable;
use semver::Version;
use std::collections::BTreeMap;

/// Is every running image new enough, the one of the template, and the same in all Pods?
pub(super) fn check_image(input: &VerifyInput<'_>) -> Outcome {
    let annotations = &input.evaluated.namespace_annotations;
    let minimum = input.policy.expectations(&input.running.name, annotations).minimum_version;
    let of_gateway = |gateway| {
        let problems = containers(gateway).flat_map(|(pod, written, status)| {
            problems(&input.policy.images, &minimum, written, status)
                .into_iter()
                .map(move |(code, message)| (code, pod.to_owned(), message))
        });
        let mut findings = of_each_problem(input, gateway, problems);
        findings.extend(mixed(gateway).map(|message| input.found(VerifyCode::RunningImageDiffers, gateway, message)));
        findings
    };
    input.of_pods(input.gateways().flat_map(of_gateway).collect())
}

/// The gateway containers with a running image: Pod, image in the Pod, status.
fn containers(gateway: &RunningGateway) -> impl Iterator<Item = (&str, &str, &ContainerStatus)> {
    gateway.known_pods().iter().flat_map(move |pod| {
        let statuses = pod.pod.status.iter().flat_map(|status| &status.container_statuses);
        let of_gateway =
            statuses.filter(|status| gateway.containers.contains(&status.name) && !status.image_id.is_empty());
        of_gateway.filter_map(|status| {
            let written = pod.pod.spec.containers.iter().find(|container| container.name == status.name)?;
            Some((pod.name(), written.image.as_str(), status))
        })
    })
}

/// The digest in `imageID`, such as `REPOSITORY@sha256:…` or `sha256:…`.
fn digest(image_id: &str) -> &str {
    image_id.rsplit_once('@').map_or(image_id, |(_, digest)| digest)
}

fn problems(images: &Images, minimum: &Version, written: &str, status: &ContainerStatus) -> Vec<(VerifyCode, String)> {
    let mut problems = Vec::new();
    let known = images.digests.get(digest(&status.image_id));
    let is_old = match known {
        Some(version) => version < minimum,
        None => images.is_gateway(&status.image) && images.version(&status.image, minimum) == ImageVersion::Older,
    };
    if is_old {
        let version = known.map_or_else(|| images.described(&status.image), ToString::to_string);
        let message = format!("container {} runs {}, and {minimum} is needed", status.name, printable(&version));
        problems.push((VerifyCode::RunningImageUnsupported, message));
    }
    if let (Some(template), Some(running)) = (static_version(written), static_version(&status.image))
        && template != running
    {
        let message = format!("container {} runs {running}, and the Pod names {template}", status.name);
        problems.push((VerifyCode::RunningImageDiffers, message));
    }
    problems
}

fn static_version(image: &str) -> Option<Version> {
    Version::parse(ImageName::parse(image)?.tag?).ok()
}

/// The Pods of each image, if Pods with one image name run different images.
fn mixed(gateway: &RunningGateway) -> Option<String> {
    let mut by_image: BTreeMap<&str, BTreeMap<&str, Vec<&str>>> = BTreeMap::new();
    for (pod, written, status) in containers(gateway) {
        by_image.entry(written).or_default().entry(digest(&status.image_id)).or_default().push(pod);
    }
    let (written, running) = by_image.into_iter().find(|(_, running)| running.len() > 1)?;
    let each = running.iter().map(|(image, pods)| format!("{image} in {}", named_pods(pods)));
    let message = format!("{written} is not the same image everywhere: {}", each.collect::<Vec<_>>().join("; "));
    Some(printable(&message).into_owned())
}

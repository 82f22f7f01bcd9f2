//! Text as names of images, a line a name.

use apim_keyless::gateway::{ImageName, ImageVersion, Images};
use oci_spec::distribution::Reference;
use semver::Version;

/// Registries and paths are anybody's; the last two parts of the path are the gateway's.
const GATEWAY: [&str; 2] = ["gateway", "azure-api-management"];

/// Only the gateway's repository is the gateway's, a name printed again says the same, and versions are ordered.
pub(crate) fn hold(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let images = Images::default();
    for name in text.split('\n') {
        let is_gateway = images.is_gateway(name);
        assert!(!is_gateway || ends_as_the_gateway(name), "a lookalike is known: {name:?}");
        assert!(is_gateway || !ends_as_the_gateway(name) || ImageName::parse(name).is_none(), "{name:?} is not known");
        if let Ok(reference) = Reference::try_from(name) {
            says_the_same_again(&images, name, &reference.to_string());
        }
        for minimums in MINIMUMS.windows(2) {
            let [of_older, of_newer] = [minimums[0], minimums[1]].map(|minimum| version(&images, name, minimum));
            assert!(of_older != ImageVersion::Older || of_newer == ImageVersion::Older, "{name:?} grows younger");
        }
        is_its_own_minimum(&images, name);
    }
}

/// From old to new.
const MINIMUMS: [(u64, u64, u64); 4] = [(2, 0, 1), (2, 9, 2), (2, 11, 0), (u64::MAX, u64::MAX, u64::MAX)];

fn version(images: &Images, name: &str, (major, minor, patch): (u64, u64, u64)) -> ImageVersion {
    images.version(name, &Version::new(major, minor, patch))
}

fn says_the_same_again(images: &Images, name: &str, printed: &str) {
    assert_eq!(images.is_gateway(name), images.is_gateway(printed), "{name:?} is printed {printed:?}");
    for minimum in MINIMUMS {
        // `latest` is printed where no tag is written, beside a digest too, and says as little
        assert_eq!(version(images, name, minimum), version(images, printed, minimum), "{name:?} is {printed:?}");
    }
}

/// A full version is new enough for itself and for nothing newer.
fn is_its_own_minimum(images: &Images, name: &str) {
    let Ok(reference) = Reference::try_from(name) else { return };
    let tag = reference.tag().and_then(|tag| Version::parse(tag).ok());
    let Some(own) = tag.filter(|own| own.pre.is_empty() && own.patch < u64::MAX) else { return };
    if reference.digest().is_none() {
        let next = Version::new(own.major, own.minor, own.patch + 1);
        assert_eq!(images.version(name, &own), ImageVersion::Supported, "{name:?}");
        assert_eq!(images.version(name, &next), ImageVersion::Older, "{name:?}");
    }
}

/// Told from the text alone: the last two parts between slashes, the last one up to its tag or digest.
fn ends_as_the_gateway(name: &str) -> bool {
    let mut containers = name.rsplit('/');
    let last = containers.next().and_then(|part| part.split([':', '@']).next());
    [last, containers.next()]
        .iter()
        .zip(GATEWAY)
        .all(|(part, of)| part.is_some_and(|part| part.eq_ignore_ascii_case(of)))
}

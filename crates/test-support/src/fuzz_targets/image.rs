//! Reads text as image names, one a line.

use apim_keyless_core::gateway::{ImageName, ImageVersion, Images};
use oci_spec::distribution::Reference;
use semver::Version;

/// The last two path parts of the gateway's repository, in reverse. Registry and parent path may be any.
const GATEWAY: [&str; 2] = ["gateway", "azure-api-management"];

/// Only the gateway's repository is recognized, a printed name gives the same result, and versions are ordered.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let images = Images::default();
    for name in text.split('\n') {
        let is_gateway = images.is_gateway(name);
        assert!(!is_gateway || ends_as_the_gateway(name), "a look-alike is recognized: {name:?}");
        assert!(
            is_gateway || !ends_as_the_gateway(name) || ImageName::parse(name).is_none(),
            "{name:?} is not recognized"
        );
        if let Ok(reference) = Reference::try_from(name) {
            assert_same_when_printed(&images, name, &reference.to_string());
        }
        for minimums in MINIMUMS.windows(2) {
            let [of_older, of_newer] = [minimums[0], minimums[1]].map(|minimum| version(&images, name, minimum));
            assert!(
                of_older != ImageVersion::Older || of_newer == ImageVersion::Older,
                "{name:?} is too old for a minimum, but not for a higher one"
            );
        }
        assert_satisfies_itself_only(&images, name);
    }
}

/// Minimum versions in ascending order.
const MINIMUMS: [(u64, u64, u64); 4] = [(2, 0, 1), (2, 9, 2), (2, 11, 0), (u64::MAX, u64::MAX, u64::MAX)];

fn version(images: &Images, name: &str, (major, minor, patch): (u64, u64, u64)) -> ImageVersion {
    images.version(name, &Version::new(major, minor, patch))
}

fn assert_same_when_printed(images: &Images, name: &str, printed: &str) {
    assert_eq!(images.is_gateway(name), images.is_gateway(printed), "{name:?} is printed {printed:?}");
    for minimum in MINIMUMS {
        // a missing tag is printed as `latest`, also with a digest; both mean the same
        assert_eq!(version(images, name, minimum), version(images, printed, minimum), "{name:?} is {printed:?}");
    }
}

/// A full version satisfies itself as minimum, and no higher minimum.
fn assert_satisfies_itself_only(images: &Images, name: &str) {
    let Ok(reference) = Reference::try_from(name) else { return };
    let tag = reference.tag().and_then(|tag| Version::parse(tag).ok());
    let Some(own) = tag.filter(|own| own.pre.is_empty() && own.patch < u64::MAX) else { return };
    if reference.digest().is_none() {
        let next = Version::new(own.major, own.minor, own.patch + 1);
        assert_eq!(images.version(name, &own), ImageVersion::Supported, "{name:?}");
        assert_eq!(images.version(name, &next), ImageVersion::Older, "{name:?}");
    }
}

/// Decides by the text alone: the last two parts between slashes, the last one without its tag or digest.
fn ends_as_the_gateway(name: &str) -> bool {
    let mut parts = name.rsplit('/');
    let last = parts.next().and_then(|part| part.split([':', '@']).next());
    [last, parts.next()].iter().zip(GATEWAY).all(|(part, of)| part.is_some_and(|part| part.eq_ignore_ascii_case(of)))
}

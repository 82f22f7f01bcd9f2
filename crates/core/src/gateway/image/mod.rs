//! Image names: which are the gateway's, and which version of the gateway a name stands for.
//!
//! Tags (MicrosoftDocs/azure-docs, articles/api-management/self-hosted-gateway-overview.md): `2.11.1` is static, `v2`,
//! `latest`, `v2-preview` and `beta` are rolling tags. Workload identity needs 2.11.0 (release notes
//! Container-v2.11.0).

mod name;

pub use name::{ImageName, Repository, RepositoryError};

use super::OddCharacter;
use super::unresolved::has_placeholder;
use semver::Version;
use std::collections::BTreeMap;

/// The last two path components of the repository that Microsoft publishes the gateway in. Any registry can mirror it.
const GATEWAY_REPOSITORY: [&str; 2] = ["azure-api-management", "gateway"];

/// Which images are the gateway's, and the versions of digests that the policy document lists.
#[derive(Clone, Debug, Default)]
pub struct Images {
    /// Additional repositories of the gateway.
    pub repositories: Vec<Repository>,
    /// The version of each listed digest (`sha256:…`). The policy's author is responsible for them.
    pub digests: BTreeMap<String, Version>,
}

/// The version that the name of a gateway image stands for, compared with a minimum version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageVersion {
    /// Older than the minimum.
    Older,
    /// A pre-release. Support policies do not cover pre-releases.
    Preview,
    /// A rolling tag: it moves from version to version.
    Rolling,
    /// The tag is a static version at or above the minimum, but the digest beside it, which decides, is not known.
    PinnedToUnknownDigest,
    /// A static version at or above the minimum.
    Supported,
    /// The name does not show a version that can be relied on.
    Unverifiable,
}

impl Images {
    /// What shows the version of the image `name`, for a message: its tag, or the digest if that is listed, for then
    /// it decides.
    pub fn described(&self, name: &str) -> String {
        let Some(image) = ImageName::parse(name) else {
            let odd = || OddCharacter::find(name).map(|odd| format!("an image whose name has {odd}"));
            return if has_placeholder(name) {
                "an image whose name has a placeholder".to_owned()
            } else {
                odd().unwrap_or_else(|| "an image whose name is malformed".to_owned())
            };
        };
        match (image.tag, image.digest) {
            (_, Some(digest)) if self.digests.contains_key(digest) => format!("digest {digest}"),
            (Some(tag), Some(_)) => format!("tag {tag} beside a digest"),
            (None, Some(digest)) => format!("digest {digest}"),
            (Some(tag), None) => tag.to_owned(),
            (None, None) => "an image without tag".to_owned(),
        }
    }

    /// Returns true if `name` is an image of the gateway: from Microsoft's repository in any registry, or from one of
    /// the additional repositories.
    ///
    /// A name that does not parse, such as one from an unrendered template, is still recognized by its path.
    pub fn is_gateway(&self, name: &str) -> bool {
        let Some(image) = ImageName::parse(name) else { return is_gateway_path(without_tag(name).rsplit('/')) };
        let is_additional = || self.repositories.contains(&image.repository());
        is_gateway_path(image.components()) || (!self.repositories.is_empty() && is_additional())
    }

    /// The version that the image `name` stands for, compared with `minimum`.
    pub fn version(&self, name: &str, minimum: &Version) -> ImageVersion {
        let Some(image) = ImageName::parse(name) else { return ImageVersion::Unverifiable };
        let by_tag = || tag_version(image.tag.unwrap_or("latest"), minimum);
        match image.digest.map(|digest| self.digests.get(digest)) {
            Some(Some(version)) if version < minimum => ImageVersion::Older,
            Some(Some(version)) if !version.pre.is_empty() => ImageVersion::Preview,
            Some(Some(_)) => ImageVersion::Supported,
            // the digest takes precedence over the tag, but a tag that is too old is certainly a mistake
            Some(None) => match image.tag.map(|_| by_tag()) {
                Some(ImageVersion::Older) => ImageVersion::Older,
                Some(ImageVersion::Supported) => ImageVersion::PinnedToUnknownDigest,
                _ => ImageVersion::Unverifiable,
            },
            None => by_tag(),
        }
    }
}

/// Returns true if these path components, last one first, end in the gateway's repository.
fn is_gateway_path<'c>(components: impl Iterator<Item = &'c str>) -> bool {
    components.take(2).eq(GATEWAY_REPOSITORY.into_iter().rev())
}

/// The repository of a name that does not match the grammar: everything up to the first `:` or `@` of its last
/// component.
fn without_tag(name: &str) -> String {
    let (path, last) = name.rsplit_once('/').unwrap_or(("", name));
    format!("{path}/{}", last.split([':', '@']).next().unwrap_or_default()).to_ascii_lowercase()
}

fn tag_version(tag: &str, minimum: &Version) -> ImageVersion {
    match tag {
        "latest" => return ImageVersion::Rolling,
        "beta" => return ImageVersion::Older,
        _ => {}
    }
    let number = tag.strip_prefix('v').unwrap_or(tag);
    let (plain, suffix) = number.split_once('-').map_or((number, None), |(plain, suffix)| (plain, Some(suffix)));
    let is_preview = suffix.is_some_and(|suffix| PREVIEWS.iter().any(|start| suffix.starts_with(start)));
    // a pre-release is older than its release; the meaning of any other suffix is unknown
    let newest = Version::parse(if is_preview { number } else { plain }).ok().or_else(|| newest_of(plain));
    match newest {
        Some(newest) if newest < *minimum => ImageVersion::Older,
        Some(_) if is_preview => ImageVersion::Preview,
        Some(_) if suffix.is_some() => ImageVersion::Unverifiable,
        Some(_) if Version::parse(plain).is_ok() => ImageVersion::Supported,
        Some(_) => ImageVersion::Rolling,
        None => ImageVersion::Unverifiable,
    }
}

/// Beginnings of a tag suffix that marks a pre-release.
const PREVIEWS: [&str; 4] = ["alpha", "beta", "preview", "rc"];

/// The upper bound of the versions that a tag of one or two numbers can stand for: for `2.11`, the highest possible
/// 2.11.x.
fn newest_of(number: &str) -> Option<Version> {
    let mut numbers = number.split('.').map(|number| number.parse::<u64>().ok());
    let major = numbers.next()??;
    let minor = numbers.next().map_or(Some(u64::MAX), |minor| minor)?;
    numbers.next().is_none().then(|| Version::new(major, minor, u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: &str = "mcr.microsoft.com/azure-api-management/gateway";

    #[test]
    fn tags_are_compared_as_numbers_and_not_as_text() {
        use ImageVersion::{Older, Preview, Rolling, Supported, Unverifiable};
        let images = Images::default();
        for (tag, version) in [
            (":2.9.2", Older),
            (":2.10.1", Older),
            (":2.11.0", Supported),
            (":2.13.0", Supported),
            (":10.0.0", Supported),
            (":2.11.0-preview-1", Older),
            (":2.12.0-preview-1", Preview),
            (":v0", Older),
            (":v1", Older),
            (":1", Older),
            (":2.3", Older),
            (":2.10", Older),
            (":beta", Older),
            (":v1-preview", Older),
            (":v2", Rolling),
            (":2", Rolling),
            (":2.11", Rolling),
            (":latest", Rolling),
            ("", Rolling),
            (":v2-preview", Preview),
            (":v2.9.2", Older),
            (":orders", Unverifiable),
            (":v2-orders", Unverifiable),
            (":2.11.1-orders", Unverifiable),
            (":2.11.0-orders", Unverifiable),
            (":2.10.1-orders", Older),
            (":2.12.3-linux-arm64", Unverifiable),
            (":2.12.0-rc.1", Preview),
            (":2.11.0.1", Unverifiable),
            (":2..1", Unverifiable),
        ] {
            assert_eq!(images.version(&format!("{GATEWAY}{tag}"), &Version::new(2, 11, 0)), version, "{tag}");
        }
        assert_eq!(images.version(&format!("{GATEWAY}:2.11"), &Version::new(2, 12, 3)), Older);
        assert_eq!(images.version(&format!("{GATEWAY}:2.12"), &Version::new(2, 12, 3)), Rolling);
    }

    #[test]
    fn a_digest_is_known_only_from_the_table() {
        let known = format!("sha256:{}", "a".repeat(64));
        let other = format!("sha256:{}", "b".repeat(64));
        let minimum = Version::new(2, 11, 0);
        let images = Images { digests: BTreeMap::from([(known.clone(), Version::new(2, 11, 1))]), ..Images::default() };
        assert_eq!(images.version(&format!("{GATEWAY}@{known}"), &minimum), ImageVersion::Supported);
        assert_eq!(images.version(&format!("{GATEWAY}:2.9.2@{known}"), &minimum), ImageVersion::Supported);
        assert_eq!(images.version(&format!("{GATEWAY}:2.9.2@{other}"), &minimum), ImageVersion::Older);
        let pinned = images.version(&format!("{GATEWAY}:2.11.1@{other}"), &minimum);
        assert_eq!(pinned, ImageVersion::PinnedToUnknownDigest);
        assert_eq!(images.version(&format!("{GATEWAY}:v2@{other}"), &minimum), ImageVersion::Unverifiable);
        assert_eq!(images.version(&format!("{GATEWAY}@{known}"), &Version::new(2, 12, 0)), ImageVersion::Older);
        assert_eq!(images.version(&format!("{GATEWAY}@{known}"), &Version::new(2, 11, 1)), ImageVersion::Supported);
        let preview = Version::parse("2.12.0-preview-1").unwrap();
        let images = Images { digests: BTreeMap::from([(known.clone(), preview)]), ..Images::default() };
        assert_eq!(images.version(&format!("{GATEWAY}:2.12.0@{known}"), &minimum), ImageVersion::Preview);
    }

    #[test]
    fn a_message_names_what_shows_the_version() {
        let known = format!("sha256:{}", "a".repeat(64));
        let other = format!("sha256:{}", "b".repeat(64));
        let images = Images { digests: BTreeMap::from([(known.clone(), Version::new(2, 11, 1))]), ..Images::default() };
        for (end, described) in [
            ("", "an image without tag".to_owned()),
            (":2.9.2", "2.9.2".to_owned()),
            (&format!("@{known}"), format!("digest {known}")),
            (&format!(":2.9.2@{known}"), format!("digest {known}")),
            (&format!("@{other}"), format!("digest {other}")),
            (&format!(":2.9.2@{other}"), "tag 2.9.2 beside a digest".to_owned()),
            (":${TAG}", "an image whose name has a placeholder".to_owned()),
            (": 2", "an image whose name has U+0020 (space) at character 48".to_owned()),
        ] {
            assert_eq!(images.described(&format!("{GATEWAY}{end}")), described);
        }
    }

    #[test]
    fn recognizes_the_repository_and_not_similar_names() {
        let images =
            Images { repositories: vec!["registry.example:5000/apim/own".parse().unwrap()], ..Images::default() };
        for name in [
            "mcr.microsoft.com/azure-api-management/gateway",
            "MCR.microsoft.com/azure-api-management/gateway:v2",
            "contoso.azurecr.io/azure-api-management/gateway:2.11.1",
            "contoso.azurecr.io/mirror/azure-api-management/gateway@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "localhost:5000/azure-api-management/gateway",
            "azure-api-management/gateway:2.9.2",
            "registry.example:5000/apim/own:1",
            "mcr.microsoft.com/azure-api-management/gateway:${TAG}",
        ] {
            assert!(images.is_gateway(name), "{name}");
        }
        for name in [
            "mcr.microsoft.com/azure-api-management/gateway-evil:2.11.1",
            "mcr.microsoft.com/not-azure-api-management/gateway",
            "mcr.microsoft.com/azure-api-management/gateway/other",
            "example.com/gateway",
            "gateway",
            "registry.example/apim/own",
            "",
            "${IMAGE}",
        ] {
            assert!(!images.is_gateway(name), "{name}");
        }
        assert!("registry.example/a:tag".parse::<Repository>().is_err());
    }
}

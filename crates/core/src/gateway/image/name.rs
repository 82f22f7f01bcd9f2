//! Parses the name of an image: `host/path:tag@digest`.
//!
//! The grammar is that of the distribution project (github.com/distribution/reference, `regexp.go`), which container
//! runtimes use. The parser is written by hand, and tests compare it with `oci-spec`'s: that one is a regular
//! expression that takes 2.6 MB for each thread that uses it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// Longest path, in bytes.
const PATH_BYTES: usize = 255;
/// Longest tag, in bytes.
const TAG_BYTES: usize = 128;
/// The number of hexadecimal digits in a digest of each algorithm.
const DIGESTS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];
/// The registry of a name without one, and the older name of that registry.
const DOCKER_HUB: [&str; 2] = ["docker.io", "index.docker.io"];

/// The parsed name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// The registry, with its port if one is written.
    host: &'a str,
    /// The path in the registry.
    path: Cow<'a, str>,
    /// The tag, if one is written.
    pub tag: Option<&'a str>,
    /// The digest, if one is written.
    pub digest: Option<&'a str>,
}

/// A registry and a path in it, in the form that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository(String);

/// The text is not the name of a repository, or it also contains a tag or a digest.
#[derive(Debug, thiserror::Error)]
#[error("it is not the name of an image repository")]
pub struct RepositoryError;

impl<'a> ImageName<'a> {
    /// Parses a name; `None` if it does not match the grammar.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (rest, digest) = name.split_once('@').map_or((name, None), |(rest, digest)| (rest, Some(digest)));
        let last = rest.rfind('/').unwrap_or_default();
        let tag = rest.get(last..)?.split_once(':').map(|(_, tag)| tag);
        let repository = rest.get(..rest.len() - tag.map_or(0, |tag| tag.len() + 1))?;
        let (host, path) = host_and_path(repository)?;
        let is_name = path.len() <= PATH_BYTES && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
        is_name.then_some(Self { host, path, tag, digest })
    }

    /// A name with this tag in place of its own; `None` for a name with a digest, which decides what runs, and for one
    /// that does not match the grammar.
    pub fn with_tag(name: &'a str, tag: &str) -> Option<String> {
        let parsed = Self::parse(name).filter(|parsed| parsed.digest.is_none())?;
        let repository = parsed.tag.and_then(|tag| name.strip_suffix(tag)?.strip_suffix(':')).unwrap_or(name);
        Some(format!("{repository}:{tag}"))
    }

    /// The components of its path, last one first.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.path.rsplit('/')
    }

    /// Its registry and path in the form that is compared: the host in lower case, without port 443, which is the
    /// default.
    pub(super) fn repository(&self) -> Repository {
        let host = self.host.to_ascii_lowercase();
        Repository(format!("{}/{}", host.strip_suffix(":443").unwrap_or(&host), self.path))
    }

    /// The part of a name that shows the version: its tag, else its digest. `None` if it has neither, or if it does not
    /// match the grammar.
    pub fn version_text(name: &'a str) -> Option<&'a str> {
        Self::parse(name).and_then(|name| name.tag.or(name.digest))
    }
}

/// The form that is compared: with the registry, its host in lower case and without port 443.
impl fmt::Display for Repository {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = ImageName::parse(text).filter(|name| name.tag.is_none() && name.digest.is_none());
        Ok(name.ok_or(RepositoryError)?.repository())
    }
}

/// The registry, Docker Hub if none is written, and the path in it.
fn host_and_path(repository: &str) -> Option<(&str, Cow<'_, str>)> {
    let [hub, older_hub] = DOCKER_HUB;
    let (first, rest) = repository.split_once('/').map_or((repository, None), |(first, rest)| (first, Some(rest)));
    let is_path = |path: &str| path.split('/').all(is_component);
    if !(rest.is_some_and(|rest| is_host(first) && is_path(rest)) || is_path(repository)) {
        return None;
    }
    let with_host = rest.filter(|_| first.contains(['.', ':']) || first == "localhost");
    let (host, path) = with_host.map_or((hub, repository), |rest| (if first == older_hub { hub } else { first }, rest));
    let is_official = host == hub && !path.contains('/');
    Some((host, if is_official { Cow::Owned(format!("library/{path}")) } else { Cow::Borrowed(path) }))
}

/// Returns true for a DNS name, an IPv4 address or an IPv6 address in brackets, with or without a port.
fn is_host(text: &str) -> bool {
    let address = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let (is_name, port) = match address {
        Some((address, "")) => (is_ipv6(address), None),
        Some((address, port)) => (is_ipv6(address), Some(port.strip_prefix(':').unwrap_or_default())),
        None => text.split_once(':').map_or((is_dns(text), None), |(name, port)| (is_dns(name), Some(port))),
    };
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_name && port.is_none_or(is_port)
}

fn is_ipv6(address: &str) -> bool {
    !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':')
}

fn is_dns(name: &str) -> bool {
    name.split('.').all(|label| {
        let is_inside = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_inside && !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')
    })
}

/// Returns true for a path component: lower-case letters and digits, separated by one dot, one or two underscores, or
/// any number of hyphens.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_separator =
        |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-');
    let mut separators = text.split(|letter: char| u8::try_from(letter).is_ok_and(is_word));
    // no separator before the first or after the last letter or digit; between adjacent ones the separator is empty
    !text.is_empty()
        && separators.clone().next() == Some("")
        && separators.next_back() == Some("")
        && separators.all(is_separator)
}

fn is_tag(tag: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-')
}

fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, digits)| {
        DIGESTS.contains(&(algorithm, digits.len())) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use oci_spec::distribution::Reference;
    use proptest::prelude::*;

    /// The repository, tag and digest of a name as `oci-spec` parses it.
    fn parse_with_oci_spec(name: &str) -> Option<(String, Option<String>, Option<String>)> {
        let reference = Reference::try_from(name).ok()?;
        let host = reference.registry().to_ascii_lowercase();
        let repository = format!("{}/{}", host.strip_suffix(":443").unwrap_or(&host), reference.repository());
        // oci-spec adds `latest` if no tag is written
        let tag = reference.tag().filter(|tag| name.contains(&format!(":{tag}"))).map(str::to_owned);
        Some((repository, tag, reference.digest().map(str::to_owned)))
    }

    fn assert_same_as_oci_spec(name: &str) {
        let ours = ImageName::parse(name)
            .map(|name| (name.repository().0, name.tag.map(str::to_owned), name.digest.map(str::to_owned)));
        assert_eq!(ours, parse_with_oci_spec(name), "{name:?}");
    }

    const REPOSITORIES: &str = " a A a/b A/b a.b a..b a__b a___b a---b a._b -a a- a.b/c a:1/b a:/b a:x/b :1/b localhost/a \
        localhost LOCALHOST/a index.docker.io/a docker.io/a/b a.b:443/c a-.b/c a.-b/c a//b /a a/ é x.y/é a.b/C 1.2.3.4:5/a";

    #[test]
    fn names_are_parsed_as_in_oci_spec() {
        let digest = |(algorithm, digits): &(&str, usize)| format!("@{algorithm}:{}", "aF".repeat(digits / 2));
        let digests = [("sha256", 64), ("sha256", 62), ("sha512", 128), ("sha384", 96), ("md5", 32), ("sha256:", 64)];
        let tags = ["", ":1", ":_.-", ":.1", ":", ":a:b", "@", "@@", ":1@"].map(str::to_owned);
        for version in tags.into_iter().chain(digests.iter().map(digest)) {
            for repository in REPOSITORIES.split(' ') {
                assert_same_as_oci_spec(&format!("{repository}{version}"));
            }
        }
        for (before, bytes) in [("a.b/", 255), ("a.b/", 256), ("a:", 128), ("a:", 129)] {
            assert_same_as_oci_spec(&format!("{before}{}", "c".repeat(bytes)));
        }
    }

    #[test]
    fn the_tag_shows_the_version_before_the_digest() {
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(ImageName::version_text(&format!("a/b:1@{digest}")), Some("1"));
        assert_eq!(ImageName::version_text(&format!("a/b@{digest}")), Some(digest.as_str()));
        assert_eq!(ImageName::version_text("a/b"), None);
    }

    #[test]
    fn an_ipv6_address_is_a_host() {
        let repository = |name: &str| ImageName::parse(name).map(|name| name.repository().0);
        assert_eq!(repository("[2001:DB8::1]:5000/a/b:1").as_deref(), Some("[2001:db8::1]:5000/a/b"));
        assert_eq!(repository("[::1]/a"), Some("[::1]/a".to_owned()));
        for name in ["[]/a", "[::1]", "[::1]x/a", "[::1]:/a", "[x]/a", "[::1/a", "::1]/a"] {
            assert_eq!(repository(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_as_in_oci_spec(name in "([a-zA-Z0-9._:/@-]|sha256:|[0-9a-f]{64}|localhost|docker\\.io/){0,12}") {
            assert_same_as_oci_spec(&name);
        }
    }
}

//! The name of an image, taken apart: `host/path:tag@digest`.
//!
//! The grammar is that of the distribution project (github.com/distribution/reference, `regexp.go`), which container runtimes
//! use. It is spelt out here, and held against oci-spec's in the tests: that one is a regular expression that takes 2.6 MB
//! for each thread that asks it.

use std::borrow::Cow;
use std::str::FromStr;

/// Longest path, in bytes.
const PATH_BYTES: usize = 255;
/// Longest tag, in bytes.
const TAG_BYTES: usize = 128;
/// How many hexadecimal digits a digest of an algorithm has.
const DIGESTS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];
/// The registry of a name that tells none, and its older name.
const DOCKER_HUB: [&str; 2] = ["docker.io", "index.docker.io"];

/// The name of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName<'a> {
    /// The registry, with its port if it tells one.
    host: &'a str,
    /// The path in it.
    path: Cow<'a, str>,
    /// The tag, if one is written.
    pub tag: Option<&'a str>,
    /// The digest, if one is written.
    pub digest: Option<&'a str>,
}

/// A registry and the path in it, as they are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository(String);

/// A text that names no repository.
#[derive(Debug, thiserror::Error)]
#[error("it is not the name of an image repository")]
pub struct RepositoryError;

impl<'a> ImageName<'a> {
    /// Takes a name apart; `None` if the grammar has no such name.
    pub fn parse(name: &'a str) -> Option<Self> {
        let (rest, digest) = name.split_once('@').map_or((name, None), |(rest, digest)| (rest, Some(digest)));
        let last = rest.rfind('/').map_or(0, |slash| slash + 1);
        let tag = rest.get(last..)?.split_once(':').map(|(_, tag)| tag);
        let repository = rest.get(..rest.len() - tag.map_or(0, |tag| tag.len() + 1))?;
        let (host, path) = host_and_path(repository)?;
        let is_name = path.len() <= PATH_BYTES && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
        is_name.then_some(Self { host, path, tag, digest })
    }

    /// The components of its path, the last one first.
    pub(super) fn components(&self) -> impl Iterator<Item = &str> {
        self.path.rsplit('/')
    }

    /// Its registry and path, as they are compared: hosts have no case, and 443 is the port of every one that tells none.
    pub(super) fn repository(&self) -> Repository {
        let host = self.host.to_ascii_lowercase();
        Repository(format!("{}/{}", host.strip_suffix(":443").unwrap_or(&host), self.path))
    }

    /// What a name says of the version, for a sentence: its tag, else its digest, else that there is none.
    pub fn version_text(name: &str) -> String {
        let told = ImageName::parse(name).and_then(|name| name.tag.or(name.digest));
        told.unwrap_or("an image without tag").to_owned()
    }
}

impl FromStr for Repository {
    type Err = RepositoryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = ImageName::parse(text).filter(|name| name.tag.is_none() && name.digest.is_none());
        Ok(name.ok_or(RepositoryError)?.repository())
    }
}

/// The registry, told or not, and the path in it.
fn host_and_path(repository: &str) -> Option<(&str, Cow<'_, str>)> {
    let [hub, older_hub] = DOCKER_HUB;
    let (first, rest) = repository.split_once('/').map_or((repository, None), |(first, rest)| (first, Some(rest)));
    let is_path = |path: &str| path.split('/').all(is_component);
    if !(rest.is_some_and(|rest| is_host(first) && is_path(rest)) || is_path(repository)) {
        return None;
    }
    let told = rest.filter(|_| first.contains(['.', ':']) || first == "localhost");
    let (host, path) = told.map_or((hub, repository), |rest| (if first == older_hub { hub } else { first }, rest));
    let is_official = host == hub && !path.contains('/');
    Some((host, if is_official { Cow::Owned(format!("library/{path}")) } else { Cow::Borrowed(path) }))
}

/// A DNS name, an IPv4 address or an IPv6 address in brackets, and a port if it tells one.
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

/// Lower-case letters and digits, with one dot, one or two underscores, or any number of hyphens between them.
fn is_component(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_separator =
        |separator: &str| matches!(separator, "." | "_" | "__") || separator.bytes().all(|it| it == b'-');
    let mut separators = text.split(|letter: char| u8::try_from(letter).is_ok_and(is_word));
    // between two letters stands a separator, which may be none; before the first and behind the last stands nothing
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

    /// What oci-spec's grammar says of a name: repository, tag and digest.
    fn told(name: &str) -> Option<(String, Option<String>, Option<String>)> {
        let reference = Reference::try_from(name).ok()?;
        let host = reference.registry().to_ascii_lowercase();
        let repository = format!("{}/{}", host.strip_suffix(":443").unwrap_or(&host), reference.repository());
        // it says `latest` where nothing is written
        let tag = reference.tag().filter(|tag| name.contains(&format!(":{tag}"))).map(str::to_owned);
        Some((repository, tag, reference.digest().map(str::to_owned)))
    }

    fn agree(name: &str) {
        let ours = ImageName::parse(name)
            .map(|name| (name.repository().0, name.tag.map(str::to_owned), name.digest.map(str::to_owned)));
        assert_eq!(ours, told(name), "{name:?}");
    }

    const REPOSITORIES: &str = " a A a/b A/b a.b a..b a__b a___b a---b a._b -a a- a.b/c a:1/b a:/b a:x/b :1/b localhost/a \
        localhost LOCALHOST/a index.docker.io/a docker.io/a/b a.b:443/c a-.b/c a.-b/c a//b /a a/ é x.y/é a.b/C 1.2.3.4:5/a";

    #[test]
    fn names_are_taken_apart_as_the_library_does() {
        let digest = |(algorithm, digits): &(&str, usize)| format!("@{algorithm}:{}", "aF".repeat(digits / 2));
        let digests = [("sha256", 64), ("sha256", 62), ("sha512", 128), ("sha384", 96), ("md5", 32), ("sha256:", 64)];
        let tags = ["", ":1", ":_.-", ":.1", ":", ":a:b", "@", "@@", ":1@"].map(str::to_owned);
        for version in tags.into_iter().chain(digests.iter().map(digest)) {
            for repository in REPOSITORIES.split(' ') {
                agree(&format!("{repository}{version}"));
            }
        }
        for (before, bytes) in [("a.b/", 255), ("a.b/", 256), ("a:", 128), ("a:", 129)] {
            agree(&format!("{before}{}", "c".repeat(bytes)));
        }
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
        fn every_text_is_taken_apart_as_the_library_does(name in "([a-zA-Z0-9._:/@-]|sha256:|[0-9a-f]{64}|localhost|docker\\.io/){0,12}") {
            agree(&name);
        }
    }
}

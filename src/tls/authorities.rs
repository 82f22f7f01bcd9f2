//! The CAs of a succession with their keys, as a Secret holds them.
//!
//! Of each CA the Secret has `<id>.crt`, `<id>.key` and, once it is in every caBundle, `<id>.trusted-since` in seconds since
//! 1970. The id is the certificate's serial number.

use super::{Amendment, Authority, Generation, TlsError};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CERTIFICATE: &str = ".crt";
const KEY: &str = ".key";
const TRUSTED_SINCE: &str = ".trusted-since";

/// The CAs, the oldest first.
#[derive(Debug, Default)]
pub struct Authorities(Vec<(Generation, Authority)>);

/// The data of a Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

impl Authorities {
    /// The CAs that the data of a Secret hold, and what is wrong with those that can't be used.
    pub fn read(data: &Data) -> (Self, Vec<TlsError>) {
        let text = |key: String| String::from_utf8_lossy(data.get(&key).map(Vec::as_slice).unwrap_or_default());
        let (mut authorities, mut errors) = (Vec::new(), Vec::new());
        for id in data.keys().filter_map(|key| key.strip_suffix(CERTIFICATE)) {
            match Authority::read(&text(format!("{id}{CERTIFICATE}")), &text(format!("{id}{KEY}"))) {
                Ok(authority) => {
                    let since = text(format!("{id}{TRUSTED_SINCE}")).trim().parse().ok();
                    let trusted_since = since.and_then(|since| UNIX_EPOCH.checked_add(Duration::from_secs(since)));
                    authorities.push((generation(&authority, trusted_since), authority));
                }
                Err(error) => errors.push(error),
            }
        }
        authorities.sort_by(|(one, _), (other, _)| one.cmp(other));
        (Self(authorities), errors)
    }

    /// The data of a Secret that holds them after a change. A CA that is added is one that `make` makes.
    ///
    /// # Errors
    /// A CA can't be made.
    pub fn amended(
        &self,
        amendment: &Amendment,
        now: SystemTime,
        make: impl FnOnce() -> Result<Authority, TlsError>,
    ) -> Result<Data, TlsError> {
        let mut data: Data = self.0.iter().flat_map(|(generation, authority)| entries(generation, authority)).collect();
        match amendment {
            Amendment::Add => {
                let authority = make()?;
                data.extend(entries(&generation(&authority, None), &authority));
            }
            Amendment::Trust(id) => {
                data.insert(format!("{id}{TRUSTED_SINCE}"), seconds(now));
            }
            Amendment::Retire(ids) => data.retain(|key, _| !ids.iter().any(|id| key.starts_with(id.as_str()))),
        }
        Ok(data)
    }

    /// What the succession looks at.
    pub fn generations(&self) -> Vec<Generation> {
        self.0.iter().map(|(generation, _)| generation.clone()).collect()
    }

    /// The CA of this id.
    pub fn of(&self, id: &str) -> Option<&Authority> {
        self.0.iter().find(|(generation, _)| generation.id == id).map(|(_, authority)| authority)
    }
}

fn entries(Generation { id, trusted_since, .. }: &Generation, authority: &Authority) -> Data {
    let mut data = Data::from([
        (format!("{id}{CERTIFICATE}"), authority.certificate_pem().as_bytes().to_vec()),
        (format!("{id}{KEY}"), authority.key_pem().as_bytes().to_vec()),
    ]);
    data.extend(trusted_since.map(|since| (format!("{id}{TRUSTED_SINCE}"), seconds(since))));
    data
}

fn seconds(moment: SystemTime) -> Vec<u8> {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string().into_bytes()
}

fn generation(authority: &Authority, trusted_since: Option<SystemTime>) -> Generation {
    Generation {
        not_before: authority.not_before(),
        not_after: authority.not_after(),
        id: authority.id().to_owned(),
        trusted_since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALIDITY: Duration = Duration::from_hours(2400);

    fn make(now: SystemTime) -> Result<Authority, TlsError> {
        Authority::create_for(&["a.b.svc".to_owned()], now, VALIDITY)
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(24 * 20_000)
    }

    fn amended(authorities: &Authorities, amendment: &Amendment, hours: u64) -> Authorities {
        let now = now() + Duration::from_hours(hours);
        let (read, errors) = Authorities::read(&authorities.amended(amendment, now, || make(now)).unwrap());
        assert!(errors.is_empty());
        read
    }

    /// An old one that is trusted, and a new one that is not.
    fn two() -> Authorities {
        let first = amended(&Authorities::default(), &Amendment::Add, 0);
        let trust = Amendment::Trust(first.generations().remove(0).id);
        amended(&amended(&first, &trust, 0), &Amendment::Add, 1)
    }

    fn data(authorities: &Authorities) -> Data {
        authorities.amended(&Amendment::Retire(Vec::new()), now(), || unreachable!()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let authorities = two();
        let generations = authorities.generations();
        assert_eq!(generations.iter().map(|one| one.trusted_since).collect::<Vec<_>>(), [Some(now()), None]);
        assert_eq!(generations[0].not_after, now() + VALIDITY);
        assert!(generations.iter().all(|one| authorities.of(&one.id).unwrap().id() == one.id));
        assert_eq!(data(&Authorities::read(&data(&authorities)).0), data(&authorities));
    }

    #[test]
    fn what_is_spoilt_loses_nothing_else_and_is_told_without_a_key() {
        let authorities = two();
        let spoilt = authorities.generations().remove(0).id;
        let no_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (key, text) in [(KEY, no_key), (CERTIFICATE, "?")] {
            let mut data = data(&authorities);
            data.insert(format!("{spoilt}{key}"), text.as_bytes().to_vec());
            let (read, errors) = Authorities::read(&data);
            assert_eq!(read.generations(), authorities.generations()[1..]);
            assert!(errors.len() == 1 && !errors[0].to_string().contains("c2Vj"), "{errors:?}");
        }
        let (none, _) = Authorities::read(&Data::from([("other".to_owned(), b"text".to_vec())]));
        assert!(none.generations().is_empty());
    }

    #[test]
    fn a_retired_one_is_gone_with_its_key() {
        let authorities = two();
        let generations = authorities.generations();
        let left = amended(&authorities, &Amendment::Retire(vec![generations[0].id.clone()]), 2);
        assert_eq!(left.generations(), generations[1..]);
        assert!(data(&left).keys().all(|key| key.starts_with(&generations[1].id)));
    }
}

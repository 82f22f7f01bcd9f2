//! The CAs of a succession with their keys, as a Secret holds them.
//!
//! Of each CA the Secret has `<id>.crt`, `<id>.key` and, once it is in every caBundle, `<id>.trusted-since` in seconds since
//! 1970. The id is the certificate's serial number.

use super::{Ca, CaChange, CaState, TlsError};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CERTIFICATE: &str = ".crt";
const KEY: &str = ".key";
const TRUSTED_SINCE: &str = ".trusted-since";

/// The CAs, the oldest first.
#[derive(Debug, Default)]
pub struct CaSet(Vec<(CaState, Ca)>);

/// The data of a Secret.
pub type Data = BTreeMap<String, Vec<u8>>;

impl CaSet {
    /// The CAs that the data of a Secret hold, and what is wrong with those that can't be used.
    pub fn read(data: &Data) -> (Self, Vec<TlsError>) {
        let text = |key: String| String::from_utf8_lossy(data.get(&key).map(Vec::as_slice).unwrap_or_default());
        let (mut set, mut errors) = (Vec::new(), Vec::new());
        for id in data.keys().filter_map(|key| key.strip_suffix(CERTIFICATE)) {
            match Ca::read(&text(format!("{id}{CERTIFICATE}")), &text(format!("{id}{KEY}"))) {
                Ok(ca) => {
                    let since = text(format!("{id}{TRUSTED_SINCE}")).trim().parse().ok();
                    let trusted_since = since.and_then(|since| UNIX_EPOCH.checked_add(Duration::from_secs(since)));
                    set.push((state(&ca, trusted_since), ca));
                }
                Err(error) => errors.push(error),
            }
        }
        set.sort_by(|(one, _), (other, _)| one.cmp(other));
        (Self(set), errors)
    }

    /// The data of a Secret that holds them after a change. A CA that is added is one that `make` makes.
    ///
    /// # Errors
    /// A CA can't be made.
    pub fn changed(
        &self,
        change: &CaChange,
        now: SystemTime,
        make: impl FnOnce() -> Result<Ca, TlsError>,
    ) -> Result<Data, TlsError> {
        let mut data: Data = self.0.iter().flat_map(|(state, ca)| entries(state, ca)).collect();
        match change {
            CaChange::Add => {
                let ca = make()?;
                data.extend(entries(&state(&ca, None), &ca));
            }
            CaChange::Trust(id) => {
                data.insert(format!("{id}{TRUSTED_SINCE}"), seconds(now));
            }
            CaChange::Retire(ids) => data.retain(|key, _| !ids.iter().any(|id| key.starts_with(id.as_str()))),
        }
        Ok(data)
    }

    /// What the succession looks at.
    pub fn cas(&self) -> Vec<CaState> {
        self.0.iter().map(|(state, _)| state.clone()).collect()
    }

    /// The CA of this id.
    pub fn of(&self, id: &str) -> Option<&Ca> {
        self.0.iter().find(|(state, _)| state.id == id).map(|(_, ca)| ca)
    }
}

fn entries(CaState { id, trusted_since, .. }: &CaState, ca: &Ca) -> Data {
    let mut data = Data::from([
        (format!("{id}{CERTIFICATE}"), ca.certificate_pem().as_bytes().to_vec()),
        (format!("{id}{KEY}"), ca.key_pem().as_bytes().to_vec()),
    ]);
    data.extend(trusted_since.map(|since| (format!("{id}{TRUSTED_SINCE}"), seconds(since))));
    data
}

fn seconds(moment: SystemTime) -> Vec<u8> {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string().into_bytes()
}

fn state(ca: &Ca, trusted_since: Option<SystemTime>) -> CaState {
    CaState { not_before: ca.not_before(), not_after: ca.not_after(), id: ca.id().to_owned(), trusted_since }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALIDITY: Duration = Duration::from_hours(2400);

    fn make(now: SystemTime) -> Result<Ca, TlsError> {
        Ca::create_for(&["a.b.svc".to_owned()], now, VALIDITY)
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(24 * 20_000)
    }

    fn changed(set: &CaSet, change: &CaChange, hours: u64) -> CaSet {
        let now = now() + Duration::from_hours(hours);
        let (read, errors) = CaSet::read(&set.changed(change, now, || make(now)).unwrap());
        assert!(errors.is_empty());
        read
    }

    /// An old one that is trusted, and a new one that is not.
    fn two() -> CaSet {
        let first = changed(&CaSet::default(), &CaChange::Add, 0);
        let trust = CaChange::Trust(first.cas().remove(0).id);
        changed(&changed(&first, &trust, 0), &CaChange::Add, 1)
    }

    fn data(set: &CaSet) -> Data {
        set.changed(&CaChange::Retire(Vec::new()), now(), || unreachable!()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let set = two();
        let states = set.cas();
        assert_eq!(states.iter().map(|one| one.trusted_since).collect::<Vec<_>>(), [Some(now()), None]);
        assert_eq!(states[0].not_after, now() + VALIDITY);
        assert!(states.iter().all(|one| set.of(&one.id).unwrap().id() == one.id));
        assert_eq!(data(&CaSet::read(&data(&set)).0), data(&set));
    }

    #[test]
    fn what_is_spoilt_loses_nothing_else_and_is_told_without_a_key() {
        let set = two();
        let spoilt = set.cas().remove(0).id;
        let no_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (key, text) in [(KEY, no_key), (CERTIFICATE, "?")] {
            let mut data = data(&set);
            data.insert(format!("{spoilt}{key}"), text.as_bytes().to_vec());
            let (read, errors) = CaSet::read(&data);
            assert_eq!(read.cas(), set.cas()[1..]);
            assert!(errors.len() == 1 && !errors[0].to_string().contains("c2Vj"), "{errors:?}");
        }
        let (none, _) = CaSet::read(&Data::from([("other".to_owned(), b"text".to_vec())]));
        assert!(none.cas().is_empty());
    }

    #[test]
    fn a_retired_one_is_gone_with_its_key() {
        let set = two();
        let states = set.cas();
        let left = changed(&set, &CaChange::Retire(vec![states[0].id.clone()]), 2);
        assert_eq!(left.cas(), states[1..]);
        assert!(data(&left).keys().all(|key| key.starts_with(&states[1].id)));
    }
}

//! The current CAs and their keys, as the Secret stores them.
//!
//! For each CA the Secret has the keys `<id>.crt`, `<id>.key` and, once the CA is in every caBundle,
//! `<id>.trusted-since` (seconds since 1970). The id is the certificate's serial number.

use super::{Ca, CaChange, CaState, TlsError};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const CERTIFICATE: &str = ".crt";
const KEY: &str = ".key";
const TRUSTED_SINCE: &str = ".trusted-since";

/// CAs with their keys, oldest first.
#[derive(Debug, Default)]
pub struct CaSet(Vec<(CaState, Ca)>);

/// `data` of a Secret, decoded from base64.
pub type SecretData = BTreeMap<String, Vec<u8>>;

impl CaSet {
    /// Reads the CAs in a Secret. A CA that cannot be used is skipped, and its error is returned.
    pub fn read(data: &SecretData) -> (Self, Vec<TlsError>) {
        let text = |key: String| String::from_utf8_lossy(data.get(&key).map(Vec::as_slice).unwrap_or_default());
        let (mut set, mut errors) = (Vec::new(), Vec::new());
        for id in data.keys().filter_map(|key| key.strip_suffix(CERTIFICATE)) {
            match Ca::from_pem(&text(format!("{id}{CERTIFICATE}")), &text(format!("{id}{KEY}"))) {
                Ok(ca) => {
                    let since = text(format!("{id}{TRUSTED_SINCE}")).trim().parse().ok();
                    let trusted_since = since.and_then(|since| UNIX_EPOCH.checked_add(Duration::from_secs(since)));
                    set.push((state_of(&ca, trusted_since), ca));
                }
                Err(error) => errors.push(error),
            }
        }
        set.sort_by(|(one, _), (other, _)| one.cmp(other));
        (Self(set), errors)
    }

    /// The data of the Secret after `change`. `create` makes the CA that [`CaChange::Add`] adds.
    ///
    /// # Errors
    /// The error of `create`.
    pub fn changed(
        &self,
        change: &CaChange,
        now: SystemTime,
        create: impl FnOnce() -> Result<Ca, TlsError>,
    ) -> Result<SecretData, TlsError> {
        let mut data: SecretData = self.0.iter().flat_map(|(state, ca)| secret_entries(state, ca)).collect();
        match change {
            CaChange::Add => {
                let ca = create()?;
                data.extend(secret_entries(&state_of(&ca, None), &ca));
            }
            CaChange::Trust(id) => {
                data.insert(format!("{id}{TRUSTED_SINCE}"), seconds(now));
            }
            CaChange::Retire(ids) => data.retain(|key, _| !ids.iter().any(|id| is_key_of(key, id))),
        }
        Ok(data)
    }

    /// The state of each CA, for [`RotationState`](super::RotationState).
    pub fn states(&self) -> Vec<CaState> {
        self.0.iter().map(|(state, _)| state.clone()).collect()
    }

    /// The CA with this id.
    pub fn get(&self, id: &str) -> Option<&Ca> {
        self.0.iter().find(|(state, _)| state.id == id).map(|(_, ca)| ca)
    }
}

fn secret_entries(CaState { id, trusted_since, .. }: &CaState, ca: &Ca) -> SecretData {
    let mut data = SecretData::from([
        (format!("{id}{CERTIFICATE}"), ca.certificate_pem().as_bytes().to_vec()),
        (format!("{id}{KEY}"), ca.key_pem().as_bytes().to_vec()),
    ]);
    data.extend(trusted_since.map(|since| (format!("{id}{TRUSTED_SINCE}"), seconds(since))));
    data
}

/// Whether a key of the Secret belongs to the CA with exactly this id.
fn is_key_of(key: &str, id: &str) -> bool {
    key.strip_prefix(id).is_some_and(|suffix| [CERTIFICATE, KEY, TRUSTED_SINCE].contains(&suffix))
}

fn seconds(moment: SystemTime) -> Vec<u8> {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().to_string().into_bytes()
}

fn state_of(ca: &Ca, trusted_since: Option<SystemTime>) -> CaState {
    CaState { not_before: ca.not_before(), not_after: ca.not_after(), id: ca.id().to_owned(), trusted_since }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALIDITY: Duration = Duration::from_hours(2400);

    fn create(now: SystemTime) -> Result<Ca, TlsError> {
        Ca::create_for(&["a.b.svc".to_owned()], now, VALIDITY)
    }

    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(24 * 20_000)
    }

    fn changed(set: &CaSet, change: &CaChange, hours: u64) -> CaSet {
        let now = now() + Duration::from_hours(hours);
        let (read, errors) = CaSet::read(&set.changed(change, now, || create(now)).unwrap());
        assert!(errors.is_empty());
        read
    }

    /// An old CA that is trusted, and a new CA that is not.
    fn two_cas() -> CaSet {
        let first = changed(&CaSet::default(), &CaChange::Add, 0);
        let trust = CaChange::Trust(first.states().remove(0).id);
        changed(&changed(&first, &trust, 0), &CaChange::Add, 1)
    }

    fn data(set: &CaSet) -> SecretData {
        set.changed(&CaChange::Retire(Vec::new()), now(), || unreachable!()).unwrap()
    }

    #[test]
    fn written_cas_are_read_back() {
        let set = two_cas();
        let states = set.states();
        assert_eq!(states.iter().map(|one| one.trusted_since).collect::<Vec<_>>(), [Some(now()), None]);
        assert_eq!(states[0].not_after, now() + VALIDITY);
        assert!(states.iter().all(|one| set.get(&one.id).unwrap().id() == one.id));
        assert_eq!(data(&CaSet::read(&data(&set)).0), data(&set));
    }

    #[test]
    fn a_damaged_ca_is_skipped_and_its_error_contains_no_key() {
        let set = two_cas();
        let damaged = set.states().remove(0).id;
        let no_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
        for (key, text) in [(KEY, no_key), (CERTIFICATE, "?")] {
            let mut data = data(&set);
            data.insert(format!("{damaged}{key}"), text.as_bytes().to_vec());
            let (read, errors) = CaSet::read(&data);
            assert_eq!(read.states(), set.states()[1..]);
            assert!(errors.len() == 1 && !errors[0].to_string().contains("c2Vj"), "{errors:?}");
        }
        let (none, _) = CaSet::read(&SecretData::from([("other".to_owned(), b"text".to_vec())]));
        assert!(none.states().is_empty());
    }

    #[test]
    fn a_retired_ca_is_removed_with_its_key() {
        let set = two_cas();
        let states = set.states();
        let remaining = changed(&set, &CaChange::Retire(vec![states[0].id.clone()]), 2);
        assert_eq!(remaining.states(), states[1..]);
        assert!(data(&remaining).keys().all(|key| key.starts_with(&states[1].id)));
    }

    #[test]
    fn a_ca_is_retired_only_by_its_whole_id() {
        let set = two_cas();
        let beginning: String = set.states()[0].id.chars().take(4).collect();
        for id in [beginning, String::new()] {
            assert_eq!(changed(&set, &CaChange::Retire(vec![id]), 2).states(), set.states());
        }
    }
}

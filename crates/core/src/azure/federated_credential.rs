//! The federated credential that lets the tokens of one `ServiceAccount` authenticate as an Entra app or a user-assigned
//! identity.
//!
//! Sources: azure-workload-identity, docs/book/src/topics/federated-identity-credential.md; Entra documentation,
//! "Important considerations and restrictions for federated identity credentials".

use fnv::FnvHasher;
use std::hash::Hasher;
use std::ops::RangeInclusive;

/// The audience of the token, which azure-workload-identity requests.
pub const AUDIENCE: &str = "api://AzureADTokenExchange";
/// How many federated credentials an Entra app or a user-assigned identity can have.
pub const MAX_CREDENTIALS: usize = 20;
/// Length of a credential's name, in characters.
pub const NAME_LENGTH: RangeInclusive<usize> = 3..=120;

/// A federated credential as it has to be. Entra compares every character of issuer, subject and audience.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FederatedCredential {
    /// Its name: 3 to 120 letters, digits, `_` and `-`, of which the first is a letter or digit. It cannot be changed
    /// later.
    pub name: String,
    /// The issuer of the cluster's tokens; `None` if it is not known.
    pub issuer: Option<String>,
    /// `system:serviceaccount:NAMESPACE:NAME`
    pub subject: String,
}

impl FederatedCredential {
    /// The credential of a `ServiceAccount`.
    ///
    /// Its name is made from both names and a hash of issuer and subject, so that it is the same in every run, and differs
    /// between clusters whose `ServiceAccount`s have the same names.
    pub fn new(issuer: Option<&str>, namespace: &str, service_account: &str) -> Self {
        let subject = format!("system:serviceaccount:{namespace}:{service_account}");
        let hash = format!("-{:08x}", hash(issuer.unwrap_or_default(), &subject));
        let letter = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
        let readable = format!("{namespace}-{service_account}");
        let readable = readable.trim_start_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let mut name: String = readable.chars().map(letter).take(NAME_LENGTH.end() - hash.len()).collect();
        if name.is_empty() {
            name.push_str("gateway");
        }
        Self { name: name + &hash, issuer: issuer.map(str::to_owned), subject }
    }
}

/// The lower half of the FNV-1a hash of issuer and subject.
fn hash(issuer: &str, subject: &str) -> u64 {
    let mut hasher = FnvHasher::default();
    hasher.write(issuer.as_bytes());
    // no text contains it
    hasher.write_u8(0xff);
    hasher.write(subject.as_bytes());
    hasher.finish() & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_name(name: &str) -> bool {
        NAME_LENGTH.contains(&name.len())
            && name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    }

    #[test]
    fn a_name_is_stable() {
        let of = |issuer, namespace, account| FederatedCredential::new(issuer, namespace, account).name;
        assert_eq!(of(Some("https://issuer.example/"), "shop", "orders.v2"), "shop-orders-v2-17a2ca1f");
        assert_eq!(of(None, "shop", "orders"), "shop-orders-647185b8");
    }

    proptest! {
        #[test]
        fn a_name_is_valid_and_differs_by_issuer_and_subject(
            issuer in proptest::option::of("https://[a-z]{1,9}/?"), namespace in ".{0,70}", account in "[a-z.-]{0,260}",
        ) {
            let credential = FederatedCredential::new(issuer.as_deref(), &namespace, &account);
            prop_assert!(is_name(&credential.name), "{}", credential.name);
            let slash = FederatedCredential::new(Some(&format!("{}/", issuer.unwrap_or_default())), &namespace, &account);
            let other = FederatedCredential::new(slash.issuer.as_deref(), &namespace, &format!("{account}a"));
            prop_assert_ne!(&credential.name, &slash.name);
            prop_assert_ne!(&slash.name, &other.name);
        }
    }
}

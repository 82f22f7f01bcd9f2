//! What is held of a cluster beside its Namespaces: one way for both kinds.

use crate::gateway::{ConfigMap, Kind, ServiceAccount, Sight, Surroundings};

/// The kinds of such things.
pub(super) const KINDS: [Kind; 2] = [Kind::ConfigMap, Kind::ServiceAccount];

/// About what one takes in memory beside its texts, in bytes.
const THING_BYTES: usize = 256;

/// A thing that was seen.
pub(super) enum Thing {
    ConfigMap(ConfigMap),
    ServiceAccount(ServiceAccount),
}

impl Thing {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::ConfigMap(_) => Kind::ConfigMap,
            Self::ServiceAccount(_) => Kind::ServiceAccount,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::ConfigMap(config_map) => config_map.name(),
            Self::ServiceAccount(account) => account.name(),
        }
    }

    /// About how many bytes it takes in memory.
    pub(super) fn size(&self) -> usize {
        THING_BYTES
            + match self {
                Self::ConfigMap(config_map) => config_map.size(),
                Self::ServiceAccount(account) => account.size(),
            }
    }

    pub(super) fn put_into(self, surroundings: &mut Surroundings) {
        match self {
            Self::ConfigMap(config_map) => surroundings.put_config_map(config_map),
            Self::ServiceAccount(account) => surroundings.put_service_account(account),
        }
    }
}

/// Takes out the thing of a kind and name.
pub(super) fn remove(surroundings: &mut Surroundings, kind: Kind, name: &str) {
    match kind {
        Kind::ConfigMap => surroundings.remove_config_map(name),
        _ => surroundings.remove_service_account(name),
    }
}

/// The size of the thing of a kind and name; 0 if it is not there.
pub(super) fn size(surroundings: &Surroundings, kind: Kind, name: &str) -> usize {
    let size = match kind {
        Kind::ConfigMap => size_if_seen(surroundings.config_map(name), ConfigMap::size),
        _ => size_if_seen(surroundings.service_account(name), ServiceAccount::size),
    };
    size.map_or(0, |size| THING_BYTES + size)
}

fn size_if_seen<T>(sight: Sight<&T>, size: fn(&T) -> usize) -> Option<usize> {
    match sight {
        Sight::Seen(thing) => Some(size(thing)),
        Sight::Absent | Sight::Unseen => None,
    }
}

/// The names of all things of a kind.
pub(super) fn names(surroundings: &Surroundings, kind: Kind) -> Vec<String> {
    match kind {
        Kind::ConfigMap => surroundings.config_map_names().map(str::to_owned).collect(),
        _ => surroundings.service_account_names().map(str::to_owned).collect(),
    }
}

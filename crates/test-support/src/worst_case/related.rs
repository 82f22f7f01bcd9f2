//! The related objects of a shape, as the server's cache holds them: they cost no bytes in the review.

use super::text::spelling;
use apim_keyless_core::gateway::well_known::StringMap;
use apim_keyless_core::gateway::{ConfigMap, Coverage, ExceededLimit, RelatedObjects, ServiceAccount};
use strum::{EnumString, IntoStaticStr};

/// The related objects in the namespace of a shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Related {
    /// None: there is no cluster.
    Unknown,
    /// `ConfigMap` `m` with 20,000 keys that are not settings, and one with a long value.
    Keys,
    /// `ConfigMap` `m` with as many keys as are read, which a prefix can make spellings of `config.service.auth`.
    Ends,
    /// `ConfigMap` `m` with 20,000 keys that are spellings of `config.service.auth`, each with a key as its value.
    Spellings,
}

/// How many keys the `ConfigMap` has: not more than an API server accepts, which is 1 MiB of keys and values.
const KEYS: usize = 20_000;

impl Related {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Keys, Self::Ends, Self::Spellings];

    /// The related objects; `None` without a cluster.
    pub fn objects(self) -> Option<RelatedObjects> {
        let key = |index| match self {
            Self::Unknown => None,
            Self::Ends => (index < ExceededLimit::SETTINGS.limit)
                .then(|| (spelling("service.auth", index), "GatewayKey".to_owned())),
            Self::Keys => Some((format!("k{index}"), String::new())),
            Self::Spellings => Some((spelling("config.service.auth", index), "GatewayKey".to_owned())),
        };
        let mut data: StringMap = (0..KEYS).map_while(key).collect();
        data.insert("long".to_owned(), "x".repeat(1024));
        let mut related = RelatedObjects::default();
        related.coverage = Coverage::Complete;
        related.put_config_map(ConfigMap::for_cache("m".to_owned(), data, []));
        let (labels, annotations) = (StringMap::new(), StringMap::new());
        related.put_service_account(ServiceAccount::for_cache("default".to_owned(), &labels, &annotations));
        (self != Self::Unknown).then_some(related)
    }
}

//! The Secret with the CAs: the only Secret that is ever read.

use crate::cluster::client::{is_conflict, with_timeout};
use crate::tls::{CaSet, SecretData};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use std::collections::BTreeMap;

/// The Secret that stores the CAs.
pub(super) struct CaSecret {
    api: Api<Secret>,
    metadata: Api<PartialObjectMeta<Secret>>,
    name: String,
}

/// The CAs, and the Secret they were read from, if it exists.
pub(super) struct StoredCas {
    pub(super) ca_set: CaSet,
    secret: Option<Secret>,
}

impl StoredCas {
    /// The certificate of each CA (PEM text) by the CA's id.
    pub(super) fn certificates(&self) -> BTreeMap<String, String> {
        let ids = self.ca_set.states().into_iter().map(|ca| ca.id);
        ids.filter_map(|id| Some((id.clone(), self.ca_set.get(&id)?.certificate_pem().to_owned()))).collect()
    }
}

impl CaSecret {
    pub(super) fn new(client: &Client, namespace: &str, name: &str) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            metadata: Api::namespaced(client.clone(), namespace),
            name: name.to_owned(),
        }
    }

    /// Yields an item whenever the Secret changed. Read it to see how.
    pub(super) fn changes(&self) -> BoxStream<'static, ()> {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        watcher(self.metadata.clone(), config).default_backoff().map(drop).boxed()
    }

    /// Reads the CAs. The set is empty if the Secret does not exist. A CA that cannot be used is logged and skipped.
    pub(super) async fn read(&self) -> kube::Result<StoredCas> {
        let secret = with_timeout(self.api.get_opt(&self.name)).await?;
        let data = secret.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
        let data = data.into_iter().map(|(key, ByteString(bytes))| (key, bytes)).collect();
        let (ca_set, errors) = CaSet::read(&data);
        for error in errors {
            tracing::warn!(secret = self.name, %error, "a CA in the Secret cannot be used");
        }
        Ok(StoredCas { ca_set, secret })
    }

    /// Writes `data`. Returns `false`, and writes nothing, if another client changed the Secret since it was read.
    pub(super) async fn write(&self, stored: &StoredCas, data: SecretData) -> kube::Result<bool> {
        let mut secret = stored.secret.clone().unwrap_or_default();
        secret.metadata.name = Some(self.name.clone());
        secret.data = Some(data.into_iter().map(|(key, bytes)| (key, ByteString(bytes))).collect());
        let parameters = PostParams::default();
        let written = match &stored.secret {
            Some(_) => with_timeout(self.api.replace(&self.name, &parameters, &secret)).await,
            None => with_timeout(self.api.create(&parameters, &secret)).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

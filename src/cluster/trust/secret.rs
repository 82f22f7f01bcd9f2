//! The Secret with our CAs: the only one that is ever read.

use crate::cluster::client::{is_conflict, within_time};
use crate::tls::{CaSet, Data};
use futures::StreamExt;
use futures::stream::BoxStream;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::PostParams;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use std::collections::BTreeMap;

/// Where the CAs are kept.
pub(super) struct CaSecret {
    api: Api<Secret>,
    metadata: Api<PartialObjectMeta<Secret>>,
    name: String,
}

/// The CAs, and the Secret that they were read from, if it is there.
pub(super) struct StoredCas {
    pub(super) cas: CaSet,
    secret: Option<Secret>,
}

impl StoredCas {
    /// The certificate of each CA, by its id.
    pub(super) fn certificates(&self) -> BTreeMap<String, String> {
        let cas = &self.cas;
        let ids = cas.cas().into_iter().map(|ca| ca.id);
        ids.filter_map(|id| Some((id.clone(), cas.of(&id)?.certificate_pem().to_owned()))).collect()
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

    /// That something happened to it. What happened is read.
    pub(super) fn changes(&self) -> BoxStream<'static, ()> {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.name));
        watcher(self.metadata.clone(), config).default_backoff().map(drop).boxed()
    }

    /// The CAs that it holds; none if it is not there. What is spoilt in it is logged and left out.
    pub(super) async fn read(&self) -> kube::Result<StoredCas> {
        let secret = within_time(self.api.get_opt(&self.name)).await?;
        let data = secret.as_ref().and_then(|secret| secret.data.clone()).unwrap_or_default();
        let data = data.into_iter().map(|(key, ByteString(bytes))| (key, bytes)).collect();
        let (cas, errors) = CaSet::read(&data);
        for error in errors {
            tracing::warn!(secret = self.name, %error, "a CA can't be used");
        }
        Ok(StoredCas { cas, secret })
    }

    /// Writes data over what was read; `false` if somebody else wrote in between.
    pub(super) async fn write(&self, stored: &StoredCas, data: Data) -> kube::Result<bool> {
        let mut secret = stored.secret.clone().unwrap_or_default();
        secret.metadata.name = Some(self.name.clone());
        secret.data = Some(data.into_iter().map(|(key, bytes)| (key, ByteString(bytes))).collect());
        let parameters = PostParams::default();
        let written = match &stored.secret {
            Some(_) => within_time(self.api.replace(&self.name, &parameters, &secret)).await,
            None => within_time(self.api.create(&parameters, &secret)).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

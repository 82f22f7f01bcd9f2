//! Our own certificates in a cluster: the CAs in one Secret, the leaf in memory, the caBundle of every webhook entry.
//!
//! Level-triggered: whatever happened, everything is looked at anew and what is due is done. Every replica does the same, and
//! each write is made only over what was read, so that of two replicas one comes too late and looks again.

use super::client::told;
use super::configurations::{Configuration, Configurations};
use super::secret::{AuthoritySecret, StoredAuthorities};
use super::{Observer, TrustSettings};
use crate::tls::{
    Authority, Bundle, Leaf, Served, Shown, Strangers, Terms, TlsError, View, authorities_in, bundle_text,
};
use futures::StreamExt;
use futures::stream::select;
use kube::Client;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;

/// How often something may be found due in one look, before the next one is waited for.
const ROUNDS: usize = 8;

/// The shortest rest of a leaf with which a replica still counts as ready.
const READY_REST: Duration = Duration::from_hours(1);

/// Is the leaf that is shown trusted by every webhook entry, and if not, why?
pub type Trusted = Result<(), String>;

/// Keeps CAs, leaf and caBundles as they are due.
pub struct Trust {
    settings: TrustSettings,
    secret: AuthoritySecret,
    configurations: Configurations,
    served: Arc<Served>,
    issued: Option<Issued>,
    strangers: Strangers,
    seen: Option<Seen>,
    trusted: watch::Sender<Trusted>,
    observer: Arc<dyn Observer>,
}

/// The leaf that is shown, and the certificate of its CA.
struct Issued {
    leaf: Leaf,
    issuer: String,
    issuer_pem: String,
}

/// What was read last.
struct Seen {
    at: SystemTime,
    stored: StoredAuthorities,
    configurations: Vec<Configuration>,
}

/// Something that could not be read, written or made.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot {attempt}: {}", told(cause))]
    Api { attempt: &'static str, cause: kube::Error },
    #[error("{0}")]
    Tls(TlsError),
}

impl Failure {
    fn api(attempt: &'static str) -> impl Fn(kube::Error) -> Self {
        move |cause| Self::Api { attempt, cause }
    }
}

impl Trust {
    /// Everything that `served` needs; what is told of it comes out of the receiver.
    pub fn new(
        client: &Client,
        settings: TrustSettings,
        served: Arc<Served>,
        observer: Arc<dyn Observer>,
    ) -> (Self, watch::Receiver<Trusted>) {
        let (trusted, receiver) = watch::channel(Err("there is no certificate yet".to_owned()));
        let trust = Self {
            secret: AuthoritySecret::new(client, &settings.namespace, &settings.secret),
            configurations: Configurations::new(client, &settings.configurations),
            settings,
            served,
            issued: None,
            strangers: Strangers::default(),
            seen: None,
            trusted,
            observer,
        };
        (trust, receiver)
    }

    /// Does what is due, for ever. A failure is logged and tried again.
    pub async fn run(mut self) {
        let mut changes = select(self.secret.changes(), self.configurations.changes());
        loop {
            if let Err(failure) = self.look().await {
                self.observer.neglected();
                tracing::warn!(%failure, "certificates could not be looked after, trying again");
            }
            tokio::select! {
                Some(()) = changes.next() => {}
                () = tokio::time::sleep(self.settings.interval) => {}
            }
        }
    }

    /// Reads everything and does what is due, until nothing is.
    async fn look(&mut self) -> Result<(), Failure> {
        let outcome = self.rounds().await;
        let trusted = self.judge();
        self.observer.trusted(trusted.is_ok());
        self.trusted.send_if_modified(|told| {
            let has_changed = *told != trusted;
            if has_changed {
                *told = trusted;
            }
            has_changed
        });
        outcome
    }

    async fn rounds(&mut self) -> Result<(), Failure> {
        for _ in 0..ROUNDS {
            let read = self.read().await;
            // with what was seen before a leaf can still be renewed
            self.renew_leaf()?;
            read?;
            if !self.publish().await? && !self.amend().await? {
                break;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        // before the first word: whoever is suspended in between takes nothing old for new
        let at = SystemTime::now();
        let stored = self.secret.read().await.map_err(Failure::api("read the Secret with the CAs"))?;
        let configurations =
            self.configurations.read().await.map_err(Failure::api("read the webhook configurations"))?;
        self.seen = Some(Seen { at, stored, configurations });
        Ok(())
    }

    fn renew_leaf(&mut self) -> Result<(), Failure> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let now = SystemTime::now();
        let due = seen.with_view(&self.settings.terms, now, |view| view.issuer(self.shown(now).as_ref()).cloned());
        let Some(authority) = due.as_ref().and_then(|generation| seen.stored.authorities.of(&generation.id)) else {
            return Ok(());
        };
        let leaf = authority.issue(&self.settings.names, now, self.settings.terms.leaf).map_err(Failure::Tls)?;
        self.served.show(&leaf);
        self.observer.shows(leaf.not_after());
        self.observer.issued_by(authority.not_after());
        tracing::info!(authority = authority.id(), "shows a new certificate");
        let (issuer, issuer_pem) = (authority.id().to_owned(), authority.certificate_pem().to_owned());
        self.issued = Some(Issued { leaf, issuer, issuer_pem });
        Ok(())
    }

    /// Writes every caBundle that is not as it is to be; was there one?
    async fn publish(&mut self) -> Result<bool, Failure> {
        let (now, shown) = (SystemTime::now(), self.shown(SystemTime::now()));
        let Some(seen) = &self.seen else { return Ok(false) };
        let mut known: BTreeMap<String, String> = seen.stored.certificates();
        known.extend(self.issued.iter().map(|issued| (issued.issuer.clone(), issued.issuer_pem.clone())));
        let strangers = &mut self.strangers;
        let mut wanted = |text: &str| {
            let found = authorities_in(text, now);
            let entry: Bundle = found.keys().cloned().collect();
            let wanted =
                seen.with_view(&self.settings.terms, now, |view| strangers.wanted(&entry, &view, shown.as_ref()));
            let known: BTreeMap<String, String> =
                found.into_iter().chain(known.iter().map(|(id, pem)| (id.clone(), pem.clone()))).collect();
            bundle_text(&wanted, &known)
        };
        let mut has_written = false;
        for configuration in &seen.configurations {
            let bundles: Vec<String> = configuration.bundles().map(&mut wanted).collect();
            let is_due = bundles.iter().all(|bundle| !bundle.is_empty())
                && !configuration.bundles().eq(bundles.iter().map(String::as_str));
            if is_due {
                let written = self.configurations.write(configuration, &bundles).await;
                has_written |= written.map_err(Failure::api("write a caBundle"))?;
            }
        }
        Ok(has_written)
    }

    /// Makes the change of the CAs that is due; was there one?
    async fn amend(&mut self) -> Result<bool, Failure> {
        let now = SystemTime::now();
        let Some(seen) = &self.seen else { return Ok(false) };
        let Some(amendment) = seen.with_view(&self.settings.terms, now, |view| view.amendment()) else {
            return Ok(false);
        };
        let TrustSettings { names, terms, .. } = &self.settings;
        let data = seen
            .stored
            .authorities
            .amended(&amendment, now, || Authority::create_for(names, now, terms.authority))
            .map_err(Failure::Tls)?;
        let written = self.secret.write(&seen.stored, data).await;
        if written.map_err(Failure::api("write the Secret with the CAs"))? {
            tracing::info!(?amendment, "the CAs changed");
        }
        // what another replica wrote in between is read now
        Ok(true)
    }

    fn shown(&self, now: SystemTime) -> Option<Shown> {
        let Issued { leaf, issuer, .. } = self.issued.as_ref()?;
        Some(Shown { issuer: issuer.clone(), not_after: leaf.not_after(), is_worn: leaf.is_worn(now) })
    }

    fn judge(&self) -> Trusted {
        let now = SystemTime::now();
        let Some(Issued { leaf, issuer, .. }) = &self.issued else {
            return Err("there is no certificate yet".to_owned());
        };
        let rest = leaf.not_after().duration_since(now).unwrap_or_default();
        if rest < READY_REST.min(self.settings.terms.leaf / 100) {
            return Err("the certificate has ended, or is about to".to_owned());
        }
        let entries = self.seen.iter().flat_map(|seen| &seen.configurations).flat_map(Configuration::bundles);
        if entries.into_iter().all(|text| authorities_in(text, now).contains_key(issuer)) {
            Ok(())
        } else {
            Err("not every webhook entry trusts our CA yet".to_owned())
        }
    }
}

impl Seen {
    fn with_view<T>(&self, terms: &Terms, now: SystemTime, look: impl FnOnce(View<'_>) -> T) -> T {
        let generations = self.stored.authorities.generations();
        let bundles = self.configurations.iter().flat_map(Configuration::bundles);
        let entries: Vec<Bundle> = bundles.map(|text| authorities_in(text, now).into_keys().collect()).collect();
        let is_fresh = now.duration_since(self.at).is_ok_and(|age| age < terms.margin / 2);
        look(View { generations: &generations, entries: &entries, is_fresh, now, terms: *terms })
    }
}

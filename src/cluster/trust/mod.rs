//! Our own certificates in a cluster: the CAs in one Secret, the leaf in memory, the caBundle of every webhook entry.
//!
//! Level-triggered: whatever happened, everything is looked at anew and what is due is done. Every replica does the same, and
//! each write is made only over what was read, so that of two replicas one comes too late and looks again.

mod configurations;
mod secret;

use super::ClusterObserver;
use super::client::describe;
use crate::tls::{
    Ca, CaBundle, CertificateResolver, RotationPeriods, RotationState, ServedCertificate, ServingCertificate, TlsError,
    UnknownCas, ca_bundle_text, cas_in,
};
use configurations::{Configuration, Configurations};
use futures::StreamExt;
use futures::stream::select;
use kube::Client;
use secret::{CaSecret, StoredCas};
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

/// What is kept where, and for how long.
#[derive(Clone, Debug)]
pub struct TrustSettings {
    /// The namespace of the Secret, which is our own.
    pub namespace: String,
    /// The Secret with the CAs.
    pub secret: String,
    /// The name of the mutating and of the validating webhook configuration.
    pub configurations: String,
    /// The DNS names that the API server reaches us by.
    pub names: Vec<String>,
    /// How long things last.
    pub periods: RotationPeriods,
    /// How often everything is looked at even if nothing is told.
    pub interval: Duration,
}

/// Keeps CAs, leaf and caBundles as they are due.
pub struct Trust {
    settings: TrustSettings,
    secret: CaSecret,
    configurations: Configurations,
    resolver: Arc<CertificateResolver>,
    issued: Option<Issued>,
    unknown_cas: UnknownCas,
    last_read: Option<LastRead>,
    trusted: watch::Sender<Trusted>,
    observer: Arc<dyn ClusterObserver>,
}

/// The leaf that is shown, and the certificate of its CA.
struct Issued {
    certificate: ServingCertificate,
    issuer: String,
    issuer_pem: String,
}

/// What was read last.
struct LastRead {
    at: SystemTime,
    stored: StoredCas,
    configurations: Vec<Configuration>,
}

/// Something that could not be read, written or made.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot {attempt}: {}", describe(cause))]
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
    /// Everything that `resolver` needs; what is told of it comes out of the receiver.
    pub fn new(
        client: &Client,
        settings: TrustSettings,
        resolver: Arc<CertificateResolver>,
        observer: Arc<dyn ClusterObserver>,
    ) -> (Self, watch::Receiver<Trusted>) {
        let (trusted, receiver) = watch::channel(Err("there is no certificate yet".to_owned()));
        let trust = Self {
            secret: CaSecret::new(client, &settings.namespace, &settings.secret),
            configurations: Configurations::new(client, &settings.configurations),
            settings,
            resolver,
            issued: None,
            unknown_cas: UnknownCas::default(),
            last_read: None,
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
        self.last_read = Some(LastRead { at, stored, configurations });
        Ok(())
    }

    fn renew_leaf(&mut self) -> Result<(), Failure> {
        let Some(last_read) = &self.last_read else { return Ok(()) };
        let now = SystemTime::now();
        let due =
            last_read.with_view(&self.settings.periods, now, |view| view.issuer(self.shown(now).as_ref()).cloned());
        let Some(ca) = due.as_ref().and_then(|ca| last_read.stored.cas.of(&ca.id)) else {
            return Ok(());
        };
        let certificate =
            ca.issue(&self.settings.names, now, self.settings.periods.certificate).map_err(Failure::Tls)?;
        self.resolver.show(&certificate);
        self.observer.shows(certificate.not_after());
        self.observer.issued_by(ca.not_after());
        tracing::info!(ca = ca.id(), "shows a new certificate");
        let (issuer, issuer_pem) = (ca.id().to_owned(), ca.certificate_pem().to_owned());
        self.issued = Some(Issued { certificate, issuer, issuer_pem });
        Ok(())
    }

    /// Writes every caBundle that is not as it is to be; was there one?
    async fn publish(&mut self) -> Result<bool, Failure> {
        let (now, shown) = (SystemTime::now(), self.shown(SystemTime::now()));
        let Some(last_read) = &self.last_read else { return Ok(false) };
        let mut known: BTreeMap<String, String> = last_read.stored.certificates();
        known.extend(self.issued.iter().map(|issued| (issued.issuer.clone(), issued.issuer_pem.clone())));
        let unknown_cas = &mut self.unknown_cas;
        let mut wanted = |text: &str| {
            let found = cas_in(text, now);
            let entry: CaBundle = found.keys().cloned().collect();
            let wanted = last_read
                .with_view(&self.settings.periods, now, |view| unknown_cas.wanted(&entry, &view, shown.as_ref()));
            let known: BTreeMap<String, String> =
                found.into_iter().chain(known.iter().map(|(id, pem)| (id.clone(), pem.clone()))).collect();
            ca_bundle_text(&wanted, &known)
        };
        let mut has_written = false;
        for configuration in &last_read.configurations {
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
        let Some(last_read) = &self.last_read else { return Ok(false) };
        let Some(change) = last_read.with_view(&self.settings.periods, now, |view| view.change()) else {
            return Ok(false);
        };
        let TrustSettings { names, periods, .. } = &self.settings;
        let data = last_read
            .stored
            .cas
            .changed(&change, now, || Ca::create_for(names, now, periods.ca))
            .map_err(Failure::Tls)?;
        let written = self.secret.write(&last_read.stored, data).await;
        if written.map_err(Failure::api("write the Secret with the CAs"))? {
            tracing::info!(?change, "the CAs changed");
        }
        // what another replica wrote in between is read now
        Ok(true)
    }

    fn shown(&self, now: SystemTime) -> Option<ServedCertificate> {
        let Issued { certificate, issuer, .. } = self.issued.as_ref()?;
        Some(ServedCertificate {
            issuer: issuer.clone(),
            not_after: certificate.not_after(),
            is_due_for_renewal: certificate.is_due_for_renewal(now),
        })
    }

    fn judge(&self) -> Trusted {
        let now = SystemTime::now();
        let Some(Issued { certificate, issuer, .. }) = &self.issued else {
            return Err("there is no certificate yet".to_owned());
        };
        let rest = certificate.not_after().duration_since(now).unwrap_or_default();
        if rest < READY_REST.min(self.settings.periods.certificate / 100) {
            return Err("the certificate has ended, or is about to".to_owned());
        }
        let entries =
            self.last_read.iter().flat_map(|last_read| &last_read.configurations).flat_map(Configuration::bundles);
        if entries.into_iter().all(|text| cas_in(text, now).contains_key(issuer)) {
            Ok(())
        } else {
            Err("not every webhook entry trusts our CA yet".to_owned())
        }
    }
}

impl LastRead {
    fn with_view<T>(&self, periods: &RotationPeriods, now: SystemTime, look: impl FnOnce(RotationState<'_>) -> T) -> T {
        let cas = self.stored.cas.cas();
        let bundles = self.configurations.iter().flat_map(Configuration::bundles);
        let entries: Vec<CaBundle> = bundles.map(|text| cas_in(text, now).into_keys().collect()).collect();
        let is_fresh = now.duration_since(self.at).is_ok_and(|age| age < periods.ca_overlap / 2);
        look(RotationState { cas: &cas, entries: &entries, is_fresh, now, periods: *periods })
    }
}

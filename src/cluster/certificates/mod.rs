//! The webhook's own certificates in a cluster: the CAs in one Secret, the serving certificate in memory, and the
//! caBundle of every webhook entry.
//!
//! Level-triggered: after any event everything is read again, and what is due is done. Every replica does the same. A
//! write is accepted only if nothing changed since the read, so the slower of two replicas gets a conflict and reads
//! again.

mod configurations;
mod secret;

use super::ClusterObserver;
use super::client::describe;
use super::connection::{Repetitions, is_unreachable};
use crate::tls::{
    Ca, CaIds, CertificateResolver, RotationPeriods, RotationState, ServedCertificate, ServingCertificate, TlsError,
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

/// How many times at most one reconciliation reads and writes before it waits for the next event.
const MAX_ROUNDS: usize = 8;

/// A replica is not ready if its certificate stays valid for less than this, or for less than a hundredth of its whole
/// validity if that is shorter.
const READY_VALIDITY: Duration = Duration::from_hours(1);

/// Whether every webhook entry trusts the serving certificate; if not, why.
pub type TrustStatus = Result<(), String>;

/// Which objects [`CertificateManager`] maintains, and its periods.
#[derive(Clone, Debug)]
pub struct CertificateSettings {
    /// The namespace of the Secret, which is the webhook's own.
    pub namespace: String,
    /// The name of the Secret with the CAs.
    pub secret: String,
    /// The name of the mutating and of the validating webhook configuration.
    pub configurations: String,
    /// The DNS names that the API server connects to.
    pub names: Vec<String>,
    /// The periods of the rotation.
    pub periods: RotationPeriods,
    /// How often everything is checked even without an event.
    pub interval: Duration,
}

/// Maintains the CAs, the serving certificate and the caBundles.
pub struct CertificateManager {
    settings: CertificateSettings,
    secret: CaSecret,
    configurations: Configurations,
    resolver: Arc<CertificateResolver>,
    issued: Option<Issued>,
    unknown_cas: UnknownCas,
    last_read: Option<LastRead>,
    status: watch::Sender<TrustStatus>,
    observer: Arc<dyn ClusterObserver>,
    failures: Repetitions,
}

/// The serving certificate in use, and the id and certificate of the CA that issued it.
struct Issued {
    certificate: ServingCertificate,
    issuer: String,
    issuer_pem: String,
}

/// The result of the last complete read.
struct LastRead {
    at: SystemTime,
    stored: StoredCas,
    configurations: Vec<Configuration>,
}

/// Something that cannot be read, written or created.
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

impl CertificateManager {
    /// Maintains the certificate that `resolver` serves. The receiver gets every change of the status.
    pub fn new(
        client: &Client,
        settings: CertificateSettings,
        resolver: Arc<CertificateResolver>,
        observer: Arc<dyn ClusterObserver>,
    ) -> (Self, watch::Receiver<TrustStatus>) {
        let (status, receiver) = watch::channel(Err("there is no certificate yet".to_owned()));
        let manager = Self {
            secret: CaSecret::new(client, &settings.namespace, &settings.secret),
            configurations: Configurations::new(client, &settings.configurations),
            settings,
            resolver,
            issued: None,
            unknown_cas: UnknownCas::default(),
            last_read: None,
            status,
            observer,
            failures: Repetitions::default(),
        };
        (manager, receiver)
    }

    /// Runs forever. A failure is logged, and the next event or interval tries again.
    pub async fn run(mut self) {
        let mut changes = select(self.secret.changes(), self.configurations.changes());
        loop {
            match self.reconcile().await {
                Ok(()) => _ = self.failures.end(),
                Err(failure) => self.report(&failure),
            }
            tokio::select! {
                Some(()) = changes.next() => {}
                () = tokio::time::sleep(self.settings.interval) => {}
            }
        }
    }

    /// Counts and logs a failure. A repeated one is logged again after growing intervals, and that the API server cannot
    /// be reached only by its connection.
    fn report(&mut self, failure: &Failure) {
        self.observer.certificate_failed();
        let is_unreachable = matches!(failure, Failure::Api { cause, .. } if is_unreachable(cause));
        if !is_unreachable && self.failures.is_due(&failure.to_string()) {
            tracing::warn!(%failure, "cannot update the CA, certificate or caBundles, trying again");
        } else {
            tracing::debug!(%failure, "cannot update the CA, certificate or caBundles, trying again");
        }
    }

    /// Does everything that is due, then updates the status.
    async fn reconcile(&mut self) -> Result<(), Failure> {
        let outcome = self.run_rounds().await;
        let status = self.check_trust();
        self.observer.trust_checked(status.is_ok());
        self.status.send_if_modified(|last| {
            let has_changed = *last != status;
            if has_changed {
                *last = status;
            }
            has_changed
        });
        outcome
    }

    async fn run_rounds(&mut self) -> Result<(), Failure> {
        for _ in 0..MAX_ROUNDS {
            let read = self.read().await;
            // a certificate can be renewed with the CAs that were read before
            self.renew_certificate()?;
            read?;
            if !self.write_ca_bundles().await? && !self.change_cas().await? {
                break;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        // taken before the first request: a replica that is suspended meanwhile must not take old data for new
        let at = SystemTime::now();
        let stored = self.secret.read().await.map_err(Failure::api("read the Secret with the CAs"))?;
        let configurations =
            self.configurations.read().await.map_err(Failure::api("read the webhook configurations"))?;
        self.last_read = Some(LastRead { at, stored, configurations });
        Ok(())
    }

    fn renew_certificate(&mut self) -> Result<(), Failure> {
        let Some(last_read) = &self.last_read else { return Ok(()) };
        let now = SystemTime::now();
        let issuer = last_read
            .with_state(&self.settings.periods, now, |state| state.due_issuer(self.served(now).as_ref()).cloned());
        let Some(ca) = issuer.as_ref().and_then(|issuer| last_read.stored.ca_set.get(&issuer.id)) else {
            return Ok(());
        };
        let certificate =
            ca.issue(&self.settings.names, now, self.settings.periods.certificate).map_err(Failure::Tls)?;
        self.resolver.serve(&certificate);
        self.observer.certificate_loaded(certificate.not_after());
        self.observer.ca_loaded(ca.not_after());
        tracing::info!(ca = ca.id(), "serves a new certificate");
        let (issuer, issuer_pem) = (ca.id().to_owned(), ca.certificate_pem().to_owned());
        self.issued = Some(Issued { certificate, issuer, issuer_pem });
        Ok(())
    }

    /// Writes every caBundle that differs from the wanted one. Returns whether one was written.
    async fn write_ca_bundles(&mut self) -> Result<bool, Failure> {
        let (now, served) = (SystemTime::now(), self.served(SystemTime::now()));
        let Some(last_read) = &self.last_read else { return Ok(false) };
        let mut stored_and_issued: BTreeMap<String, String> = last_read.stored.certificates();
        stored_and_issued.extend(self.issued.iter().map(|issued| (issued.issuer.clone(), issued.issuer_pem.clone())));
        let unknown_cas = &mut self.unknown_cas;
        let mut wanted_text = |text: &str| {
            let found = cas_in(text, now);
            let current: CaIds = found.keys().cloned().collect();
            let wanted = last_read
                .with_state(&self.settings.periods, now, |state| unknown_cas.wanted(&current, &state, served.as_ref()));
            let other = stored_and_issued.iter().map(|(id, pem)| (id.clone(), pem.clone()));
            let certificates_by_id: BTreeMap<String, String> = found.into_iter().chain(other).collect();
            ca_bundle_text(&wanted, &certificates_by_id)
        };
        let mut has_written = false;
        for configuration in &last_read.configurations {
            let wanted: Vec<String> = configuration.ca_bundles().map(&mut wanted_text).collect();
            let is_due = wanted.iter().all(|ca_bundle| !ca_bundle.is_empty())
                && !configuration.ca_bundles().eq(wanted.iter().map(String::as_str));
            if is_due {
                let written = self.configurations.write(configuration, &wanted).await;
                has_written |= written.map_err(Failure::api("write a caBundle"))?;
            }
        }
        Ok(has_written)
    }

    /// Makes the change of the CAs that is due. Returns whether there was one.
    async fn change_cas(&mut self) -> Result<bool, Failure> {
        let now = SystemTime::now();
        let Some(last_read) = &self.last_read else { return Ok(false) };
        let Some(change) = last_read.with_state(&self.settings.periods, now, |state| state.due_change()) else {
            return Ok(false);
        };
        let CertificateSettings { names, periods, .. } = &self.settings;
        let data = last_read
            .stored
            .ca_set
            .changed(&change, now, || Ca::create_for(names, now, periods.ca))
            .map_err(Failure::Tls)?;
        let written = self.secret.write(&last_read.stored, data).await;
        if written.map_err(Failure::api("write the Secret with the CAs"))? {
            tracing::info!(?change, "changed the CAs");
        }
        // after a conflict too: the next round reads what the other replica wrote
        Ok(true)
    }

    fn served(&self, now: SystemTime) -> Option<ServedCertificate> {
        let Issued { certificate, issuer, .. } = self.issued.as_ref()?;
        Some(ServedCertificate {
            issuer: issuer.clone(),
            not_after: certificate.not_after(),
            is_due_for_renewal: certificate.is_due_for_renewal(now),
        })
    }

    fn check_trust(&self) -> TrustStatus {
        let now = SystemTime::now();
        let Some(Issued { certificate, issuer, .. }) = &self.issued else {
            return Err("there is no certificate yet".to_owned());
        };
        let remaining = certificate.not_after().duration_since(now).unwrap_or_default();
        if remaining < READY_VALIDITY.min(self.settings.periods.certificate / 100) {
            return Err("the certificate has expired or is about to expire".to_owned());
        }
        let mut ca_bundles =
            self.last_read.iter().flat_map(|last_read| &last_read.configurations).flat_map(Configuration::ca_bundles);
        if ca_bundles.all(|text| cas_in(text, now).contains_key(issuer)) {
            Ok(())
        } else {
            Err("not every webhook entry trusts the CA yet".to_owned())
        }
    }
}

impl LastRead {
    fn with_state<T>(
        &self,
        periods: &RotationPeriods,
        now: SystemTime,
        evaluate: impl FnOnce(RotationState<'_>) -> T,
    ) -> T {
        let cas = self.stored.ca_set.states();
        let texts = self.configurations.iter().flat_map(Configuration::ca_bundles);
        let ca_bundles: Vec<CaIds> = texts.map(|text| cas_in(text, now).into_keys().collect()).collect();
        let is_fresh = now.duration_since(self.at).is_ok_and(|age| age < periods.ca_overlap / 2);
        evaluate(RotationState { cas: &cas, ca_bundles: &ca_bundles, is_fresh, now, periods: *periods })
    }
}

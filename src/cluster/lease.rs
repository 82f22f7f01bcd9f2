//! A Lease (`coordination.k8s.io/v1`) that one replica holds at a time.
//!
//! A write is accepted only if nobody changed the Lease since it was read. No clock of another machine is relied on: a
//! replica takes the Lease of another one only after it has itself seen no renewal for the whole duration.

use super::client::{describe, is_conflict, post_parameters, with_timeout};
use super::connection::Repetitions;
use k8s_openapi::api::coordination::v1::{Lease as StoredLease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};
use std::time::{Duration, Instant};
use tokio::time::{sleep, timeout_at};

/// How long a Lease is held after its last renewal.
const DURATION: Duration = Duration::from_secs(30);
/// The time between two renewals, and between two attempts to get it.
const INTERVAL: Duration = Duration::from_secs(5);
/// How long before its end the Lease is given up if it cannot be renewed.
const MARGIN: Duration = Duration::from_secs(5);
/// How often at most a release is tried again after a conflict.
const RELEASES: usize = 3;

/// A Lease, as one replica sees it.
pub struct Lease {
    api: Api<StoredLease>,
    name: String,
    identity: String,
    seen: Option<Seen>,
    failures: Repetitions,
}

/// The holder's last renewal, and when this replica saw it first.
struct Seen {
    holder: String,
    renewed_at: Option<MicroTime>,
    since: Instant,
}

/// The result of an attempt to get or to renew a Lease.
enum Attempt {
    /// This replica holds it until then.
    Held(Instant),
    /// Another replica holds it, or has just changed it.
    Other,
}

impl Lease {
    /// The Lease of this name in a namespace, for the replica that is called `identity`. Nothing is read or written.
    pub fn new(client: &Client, namespace: &str, name: &str, identity: String) -> Self {
        let api = Api::namespaced(client.clone(), namespace);
        Self { api, name: name.to_owned(), identity, seen: None, failures: Repetitions::default() }
    }

    /// Waits until this replica holds it. Returns until when. Each failed call calls `failed`.
    pub async fn acquire(&mut self, failed: impl Fn()) -> Instant {
        loop {
            match self.attempt().await {
                Ok(Attempt::Held(until)) => {
                    self.failures.end();
                    return until;
                }
                Ok(Attempt::Other) => _ = self.failures.end(),
                Err(error) => self.report(&error, &failed),
            }
            sleep(INTERVAL).await;
        }
    }

    /// Renews it until this replica loses it. `renewed` is called with the time until which it is held, `failed` after each
    /// failed call.
    pub async fn keep(&mut self, mut until: Instant, renewed: impl Fn(Instant), failed: impl Fn()) {
        loop {
            let end = until.checked_sub(MARGIN).unwrap_or(until);
            let attempt = timeout_at(end.into(), async {
                sleep(INTERVAL).await;
                self.attempt().await
            });
            // another replica takes it soon
            let Ok(attempt) = attempt.await else { return };
            match attempt {
                Ok(Attempt::Held(held_until)) => {
                    self.failures.end();
                    until = held_until;
                    renewed(until);
                }
                // a conflict: the next attempt shows who holds it
                Ok(Attempt::Other) if !self.is_of_another() => {}
                Ok(Attempt::Other) => return,
                Err(error) => self.report(&error, &failed),
            }
        }
    }

    /// Releases it if this replica holds it, so that another one gets it at once.
    pub async fn release(&mut self) {
        for _ in 0..RELEASES {
            match self.release_once().await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    let cause = describe(&error);
                    let lease = &self.name;
                    tracing::warn!(lease, cause, "cannot release the Lease; another replica gets it in {DURATION:?}");
                    return;
                }
            }
        }
    }

    /// Returns `false` if another client changed it since it was read.
    async fn release_once(&self) -> kube::Result<bool> {
        let Some(mut lease) = with_timeout(self.api.get_opt(&self.name)).await? else { return Ok(true) };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_deref() != Some(self.identity.as_str()) {
            return Ok(true);
        }
        spec.holder_identity = None;
        spec.renew_time = Some(now());
        self.write(&lease, true).await
    }

    async fn attempt(&mut self) -> kube::Result<Attempt> {
        // taken before the first request: a replica that is suspended meanwhile must not hold it for longer
        let until = Instant::now() + DURATION;
        let stored = with_timeout(self.api.get_opt(&self.name)).await?;
        let exists = stored.is_some();
        let mut lease = stored.unwrap_or_default();
        let spec = lease.spec.get_or_insert_default();
        let holder = spec.holder_identity.clone().filter(|holder| !holder.is_empty());
        let is_ours = holder.as_ref() == Some(&self.identity);
        if let Some(holder) = holder.filter(|_| !is_ours) {
            let duration = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
            if !self.has_expired(holder, spec.renew_time.clone(), duration.map_or(DURATION, Duration::from_secs)) {
                return Ok(Attempt::Other);
            }
        }
        renew(spec, &self.identity, is_ours);
        lease.metadata.name = Some(self.name.clone());
        let is_written = self.write(&lease, exists).await?;
        if is_written {
            self.seen = None;
        }
        Ok(if is_written { Attempt::Held(until) } else { Attempt::Other })
    }

    /// Whether the holder has not renewed it for its whole duration, as far as this replica has seen.
    fn has_expired(&mut self, holder: String, renewed_at: Option<MicroTime>, duration: Duration) -> bool {
        match &self.seen {
            Some(seen) if seen.holder == holder && seen.renewed_at == renewed_at => seen.since.elapsed() >= duration,
            _ => {
                self.seen = Some(Seen { holder, renewed_at, since: Instant::now() });
                false
            }
        }
    }

    fn is_of_another(&self) -> bool {
        self.seen.is_some()
    }

    /// Returns `false`, and writes nothing, if another client changed it since it was read.
    async fn write(&self, lease: &StoredLease, exists: bool) -> kube::Result<bool> {
        let parameters = post_parameters();
        let written = if exists {
            with_timeout(self.api.replace(&self.name, &parameters, lease)).await
        } else {
            with_timeout(self.api.create(&parameters, lease)).await
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Logs a failed call once, then again after growing intervals.
    fn report(&mut self, error: &kube::Error, failed: impl Fn()) {
        failed();
        let cause = describe(error);
        if self.failures.is_due(&cause) {
            let lease = &self.name;
            tracing::warn!(
                lease,
                cause,
                "cannot get or renew the Lease of the audit, trying again; allow get, create and \
                update on leases.coordination.k8s.io in this namespace"
            );
        }
    }
}

fn renew(spec: &mut LeaseSpec, identity: &str, is_ours: bool) {
    let now = now();
    if !is_ours {
        spec.holder_identity = Some(identity.to_owned());
        spec.acquire_time = Some(now.clone());
        spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default().saturating_add(1));
    }
    spec.renew_time = Some(now);
    spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}

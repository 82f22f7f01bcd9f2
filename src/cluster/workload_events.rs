//! Writes Events (`events.k8s.io/v1`) about workloads.

use super::client::{post_parameters, with_timeout};
use super::{Connection, NAME, ReadError, ReadResult};
use apim_keyless_core::gateway::ObjectReference;
use k8s_openapi::api::core::v1::ObjectReference as Regarding;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Api;

/// Longest name of the reporting instance, in bytes.
const INSTANCE_BYTES: usize = 128;

/// An Event about a workload.
#[derive(Clone, Debug)]
pub struct WorkloadEvent {
    /// The workload.
    pub workload: ObjectReference,
    /// Its `metadata.uid`; `kubectl describe` shows only Events that have it.
    pub uid: Option<String>,
    /// Whether its type is `Warning`, else it is `Normal`.
    pub is_warning: bool,
    /// What has happened, in one word.
    pub reason: &'static str,
    /// What has happened. At most 1024 bytes.
    pub note: String,
}

/// Writes an Event into the namespace of the workload. `instance` is the name of this replica.
///
/// # Errors
/// The permission is missing, or the API server cannot be reached.
pub async fn write_event(connection: &Connection, instance: &str, event: WorkloadEvent) -> ReadResult<()> {
    let WorkloadEvent { workload, uid, is_warning, reason, note } = event;
    let namespace = workload.namespace.clone();
    let attempt = format!("write an Event about {workload}");
    let (instance, _) = instance.split_at(instance.floor_char_boundary(INSTANCE_BYTES));
    let event = Event {
        metadata: ObjectMeta { generate_name: Some(format!("{NAME}-")), ..ObjectMeta::default() },
        action: Some("Audit".to_owned()),
        event_time: Some(MicroTime(Timestamp::now())),
        note: Some(note),
        reason: Some(reason.to_owned()),
        regarding: Some(Regarding {
            api_version: Some(workload.api_version),
            kind: Some(workload.kind),
            namespace: Some(workload.namespace),
            name: Some(workload.name),
            uid,
            ..Regarding::default()
        }),
        reporting_controller: Some(NAME.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        type_: Some(if is_warning { "Warning" } else { "Normal" }.to_owned()),
        ..Event::default()
    };
    let api: Api<Event> = Api::namespaced(connection.client.clone(), &namespace);
    match with_timeout(api.create(&post_parameters(), &event)).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let permission = format!("create on events.events.k8s.io in namespace {namespace}");
            Err(ReadError::new(connection, &attempt, &permission, &error))
        }
    }
}

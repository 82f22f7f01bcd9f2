//! Everything that talks to the API server.
//!
//! [`Connection`] reaches a cluster and explains why it cannot be reached, [`Watch`] keeps a [`Snapshot`](apim_keyless_core::gateway::Snapshot) of Namespaces,
//! `ServiceAccount`s and `ConfigMap`s up to date, [`CertificateManager`] maintains the CAs, the serving
//! certificate and the caBundles, [`Installation`] is read once by `doctor`, and [`RunningNamespace`] by `verify`, which
//! also calls [`OutsideServers`]. [`Inventory`] reads all gateways; what an audit finds is written by [`ReportStore`] and
//! [`write_event`], by the replica that holds a [`Lease`]. The only Secret that is ever read is
//! the one with the CAs. No policy is evaluated here.

mod certificates;
mod client;
mod connection;
mod installation;
mod inventory;
mod lease;
mod leftovers;
mod objects;
mod observer;
mod policy_reports;
mod read_error;
mod running;
mod scope;
mod watch;
mod workload_events;

pub use certificates::{CertificateManager, CertificateSettings, TrustStatus};
pub use connection::{
    Connection, ConnectionError, ConnectionSettings, OutsideResponse, OutsideServers, ServerDescription, Unreachable,
};
pub use installation::{
    ApiServer, Clock, Container, ContainerStatus, Deployment, DryRunResponse, Installation, InstallationNames, NAME,
    POLICY_CONFIG_MAP, POLICY_KEY, Pod, ProjectedToken, StatusCondition, Waiting, WebhookConfiguration, dry_run_create,
    issuer, read_policy, selects,
};
pub use inventory::{Inventory, InventoryRequest, Pace};
pub use lease::Lease;
pub use leftovers::{LeftoverScope, Leftovers, OldRevision};
pub use objects::{ListedObjects, MalformedObject, ObjectResource, get_object, list_objects};
pub use observer::{CacheStatus, ClusterObserver};
pub use policy_reports::{OPEN_REPORTS, POLICY_REPORTS, ReportStore};
pub use read_error::{ReadError, ReadResult};
pub use running::{
    ListedObject, PodLog, RunningNamespace, ServiceAccountToken, TokenClaims, TokenResponse, WorkloadList, read_log,
    request_token,
};
pub use scope::Scope;
pub use watch::{CacheSettings, Watch};
pub use workload_events::{WorkloadEvent, write_event};

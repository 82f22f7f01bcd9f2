//! Tests with a real kube-apiserver, etcd and kube-controller-manager. The API server calls the real binary through a
//! Service.
//!
//! One control plane serves most tests, each with its own namespaces. Tests that see or change the whole cluster start
//! their own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod audit;
mod audit_endpoint;
mod audit_scan;
mod bypasses;
mod bypasses_by_name;
mod bypasses_by_update;
mod certificates;
mod chart;
mod check_of_cluster;
mod client_certificates;
mod conditions;
mod controlled_objects;
mod controller_revisions;
mod deletion;
mod doctor;
mod frozen;
mod gitops;
mod large_objects;
mod migrated_files;
mod migration;
mod monitoring;
mod namespace_settings;
mod native_policies;
mod non_gateway;
mod other_kinds;
mod outage;
mod overload;
mod plan_of_cluster;
mod promises;
mod record;
mod recording;
mod related;
mod related_objects;
mod releases;
mod rotation;
mod traces;
mod updates;
mod upgrade;
mod verify;
mod whole_cluster;

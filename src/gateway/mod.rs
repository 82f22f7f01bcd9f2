//! What a gateway *is*: the objects it is made of, read from their bytes. Pure: no I/O, no clock, no log.
//!
//! [`Subject`] is an object under examination, [`Workload`] a subject with a pod template, [`Gateway`] what makes a
//! workload ours, [`Surroundings`] what stands beside it. What a gateway *should be* is the `policy` room's.

mod auth_method;
mod change;
mod config_map;
mod container;
mod endpoint;
mod environment;
mod expansion;
mod guid;
mod identity_key;
mod image;
mod image_name;
mod json;
mod kind;
pub(crate) mod likeness;
mod metadata;
mod owner;
pub(crate) mod places;
mod pod_spec;
pub(crate) mod reading;
mod recognition;
mod service;
mod service_account;
mod setting;
mod sketch;
mod snapshot;
mod subject;
mod surroundings;
mod type_meta;
pub(crate) mod unreadable;
mod value_from;
mod variable;
pub mod well_known;
mod workload;

pub use auth_method::{AuthMethod, WORKLOAD_IDENTITY};
pub use change::Change;
pub use config_map::ConfigMap;
pub use container::{Container, ContainerList};
pub use endpoint::Endpoint;
pub use environment::Environment;
pub use guid::is_guid;
pub use identity_key::{IdentityKey, ReadKey};
pub use image::{ImageVersion, Images};
pub use image_name::{ImageName, Repository, RepositoryError};
pub use json::Json;
pub use kind::Kind;
pub use metadata::Metadata;
pub use owner::Owner;
pub use recognition::{Gateway, Part};
pub use service::Service;
pub use service_account::ServiceAccount;
pub use setting::{Setting, prefix_can_make_auth};
pub use snapshot::Snapshot;
pub use subject::{Identity, Namespace, Subject, View};
pub use surroundings::{Extent, Sight, Surroundings};
pub use unreadable::Unreadable;
pub use variable::{Entry, KeySource, Source, Value, Variable};
pub use workload::Workload;

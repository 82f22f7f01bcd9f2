//! What a gateway *is*: the objects it consists of, read from their JSON. Pure: no I/O, no clock, no log.
//!
//! [`KubernetesObject`] is an object that can be evaluated, [`Workload`] one with a pod template, [`Gateway`] a workload
//! with gateway containers, [`RelatedObjects`] the other objects of its namespace. What a gateway *should be* is decided
//! in the `policy` module.

mod auth_method;
mod change;
mod endpoint;
mod environment;
mod identity_key;
mod image;
pub(crate) mod json;
mod objects;
mod recognition;
mod related_objects;
mod setting;
pub(crate) mod similarity;
pub mod well_known;

pub use auth_method::{AuthMethod, WORKLOAD_IDENTITY};
pub use change::Change;
pub use endpoint::Endpoint;
pub use environment::{EnvIndex, EnvValue, Environment, KeySource, ValueSource, Variable};
pub use identity_key::{IdentityKey, ReadKey, is_guid};
pub use image::{ImageName, ImageVersion, Images, Repository, RepositoryError};
pub use json::{ObjectJson, ShapeError};
pub use objects::{
    ConfigMap, Container, ContainerList, Kind, KubernetesObject, Metadata, Namespace, ObjectReference, ObjectView,
    Owner, Service, ServiceAccount, Workload,
};
pub use recognition::{Gateway, GatewayContainer};
pub use related_objects::{Coverage, Lookup, RelatedObjects, Snapshot};
pub use setting::{Setting, prefix_can_make_auth};

//! What a gateway *is*: reads Kubernetes objects from JSON and recognizes the self-hosted gateways among them.
//!
//! Pure: no I/O, no clock, no log. [`KubernetesObject`] is an object that rules can evaluate, [`Workload`] an object
//! with a pod template, [`Gateway`] a workload with gateway containers, and [`RelatedObjects`] the other objects of its
//! namespace. The `policy` module decides what a gateway *should be*.

mod auth_method;
mod change;
mod command_line;
mod endpoint_form;
mod environment;
mod identity_key;
mod image;
pub mod json;
mod objects;
mod recognition;
mod related_objects;
mod setting;
pub mod similarity;
mod summary;
pub mod well_known;

pub use auth_method::{AuthMethod, WORKLOAD_IDENTITY};
pub use change::Change;
pub use command_line::AuthAssignment;
pub use endpoint_form::EndpointForm;
pub use environment::{EnvIndex, EnvValue, Environment, SecretSource, ValueSource, Variable};
pub use identity_key::{IdentityKey, KeyMatch, is_guid};
pub use image::{ImageName, ImageVersion, Images, Repository, RepositoryError};
pub use json::{ObjectJson, ShapeError};
pub use objects::{
    ConfigMap, Container, ContainerList, Kind, KubernetesObject, Metadata, Namespace, ObjectReference, ObjectView,
    Owner, Service, ServiceAccount, Volume, VolumeMount, Workload,
};
pub use recognition::{Gateway, GatewayContainer, GatewayImage};
pub use related_objects::{Coverage, Lookup, RelatedObjects, Snapshot};
pub use setting::{Setting, prefix_can_hide_auth, prefix_can_make_auth};
pub use summary::{Authentication, GatewaySummary};

//! What a gateway *is*: reads Kubernetes objects from JSON and recognizes the self-hosted gateways among them.
//!
//! Pure: no I/O, no clock, no log. [`KubernetesObject`] is an object that rules can evaluate, [`Workload`] an object
//! with a pod template, [`Gateway`] a workload with gateway containers, and [`RelatedObjects`] the other objects of its
//! namespace. The `policy` module decides what a gateway *should be*.

mod auth_method;
mod change;
mod cloud;
mod command_line;
mod endpoint_form;
mod environment;
mod gateway_name;
mod identity_key;
mod image;
pub mod json;
mod limits;
mod objects;
mod odd_character;
mod oversized;
mod recognition;
mod related_objects;
mod relevance;
mod setting;
mod sign;
pub mod similarity;
mod summary;
mod unresolved;
pub mod well_known;

pub use auth_method::{AuthMethod, WORKLOAD_IDENTITY, begins_as_key, has_signed_part};
pub use change::Change;
pub use cloud::Cloud;
pub use command_line::AuthAssignment;
pub use endpoint_form::EndpointForm;
pub use environment::{EnvIndex, EnvValue, Environment, SecretSource, ValueSource, Variable};
pub use gateway_name::{GATEWAY_NAME_CHARACTERS, is_gateway_name};
pub use identity_key::{IdentityKey, KeyMatch, is_guid, is_nil_guid};
pub use image::{ImageName, ImageVersion, Images, Repository, RepositoryError};
pub use json::{ObjectJson, ShapeError};
pub use limits::ExceededLimit;
pub use objects::{
    ConfigMap, Container, ContainerList, Kind, KubernetesObject, Metadata, Namespace, ObjectIdentity, ObjectReference,
    ObjectView, Owner, Service, ServiceAccount, TemplateAt, Volume, VolumeMount, Workload,
};
pub use odd_character::OddCharacter;
pub use recognition::{Gateway, GatewayContainer, GatewayImage, Recognized};
pub use related_objects::{Coverage, Lookup, RelatedObjects, Snapshot};
pub use relevance::{Relevance, remove_unread};
pub use setting::{Setting, prefix_can_hide_auth, prefix_can_make_auth, prefix_can_make_setting};
pub use sign::GatewaySign;
pub use summary::{Authentication, GatewaySummary};

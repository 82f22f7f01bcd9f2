//! From an `AdmissionReview` request to its response.
//!
//! [`answer`](fn@answer) is pure and synchronous; [`routes`] serves it over HTTP and logs each review.

mod answer;
mod bounded;
mod endpoint;
mod messages;
mod request;
mod request_object;
mod response;
mod review_error;
pub mod routes;
mod second_look;
mod trace_parent;

pub use answer::{Answer, Decision, answer, answer_or_failure};
pub use endpoint::{Endpoint, Webhook};
pub use messages::MessageOptions;
pub use request::{Operation, Request};
pub use response::Response;
pub use review_error::ReviewError;
pub use second_look::SecondLook;
pub use trace_parent::TraceParent;

//! A review in, a response out.
//!
//! [`answer`](fn@answer) is pure and synchronous; [`routes`] puts it behind paths and writes the one event of a review.

mod answer;
mod door;
mod object;
mod request;
mod response;
pub mod routes;
mod speech;
mod undecodable;

pub use answer::{Answer, Verdict, answer, answer_or_stand_in};
pub use door::{Door, Entry};
pub use request::{Operation, Request};
pub use response::Response;
pub use undecodable::Undecodable;

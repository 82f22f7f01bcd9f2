//! Expensive reviews: shapes of objects, each a mixture of parts that are repeated until the object has a given length,
//! and what the server's endpoints answer to them.
//!
//! `benches/worst_case` searches the shapes for the most expensive ones, and tests hold the cost of each part.

mod part;
mod parts;
mod random;
mod related;
mod scene;
mod shape;
mod text;
mod write;

pub use part::{Part, Place};
pub use parts::PARTS;
pub use random::Random;
pub use related::Related;
pub use scene::Scene;
pub use shape::{Operation, Shape, Sign};

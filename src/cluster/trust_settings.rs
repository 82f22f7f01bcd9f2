//! What our own certificates in a cluster depend on.

use crate::tls::Terms;
use std::time::Duration;

/// What is kept where, and for how long.
#[derive(Clone, Debug)]
pub struct TrustSettings {
    /// The namespace of the Secret, which is our own.
    pub namespace: String,
    /// The Secret with the CAs.
    pub secret: String,
    /// The name of the mutating and of the validating webhook configuration.
    pub configurations: String,
    /// The DNS names that the API server reaches us by.
    pub names: Vec<String>,
    /// How long things last.
    pub terms: Terms,
    /// How often everything is looked at even if nothing is told.
    pub interval: Duration,
}

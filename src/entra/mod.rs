//! The servers in Azure that a gateway calls, and the public documents of the cluster's issuer, asked from this machine
//! for `verify`.
//!
//! No token is logged or returned: [`exchange`] only says whether Entra accepted it.

mod configuration_endpoint;
mod issuer;
mod token_endpoint;

pub use configuration_endpoint::endpoint_status;
pub use issuer::{IssuerDocuments, IssuerError, read_issuer};
pub(crate) use token_endpoint::codes_in;
pub use token_endpoint::{ExchangeResponse, TokenExchange, exchange};

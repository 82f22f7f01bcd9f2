//! The core of apim-keyless: what a gateway is, and what it should be.
//!
//! Pure: no I/O, no async, no clock, no log, no Kubernetes client; its `Cargo.toml` and `clippy.toml` hold that.
//!
//! [`gateway`] reads Kubernetes objects and recognizes gateways, [`policy`] evaluates them by rules, and [`migration`] plans
//! what changes to workload identity. The same evaluation serves admission reviews, files and clusters.
//!
//! Evaluate a manifest:
//!
//! ```
//! use apim_keyless_core::gateway::KubernetesObject;
//! use apim_keyless_core::policy::{Date, Mode, Policy};
//!
//! let deployment = r#"{
//!     "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
//!     "spec": {"template": {"spec": {"containers": [
//!         {"name": "orders", "image": "mcr.microsoft.com/azure-api-management/gateway:2.10.0"}
//!     ]}}}
//! }"#;
//! let object = KubernetesObject::recognize(deployment, "default")?.expect("a Deployment is evaluated");
//! let evaluated = Policy::default().evaluate_all(&[object], Mode::Enforce, Date::constant(2027, 1, 1));
//! let rules: Vec<&str> = evaluated[0].findings.iter().map(|finding| finding.rule.id).collect();
//! assert!(rules.contains(&"unsupported-version"));
//! # Ok::<(), apim_keyless_core::gateway::ShapeError>(())
//! ```

pub mod azure;
pub mod gateway;
pub mod migration;
pub mod policy;

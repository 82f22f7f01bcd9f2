//! Known bypasses of admission webhooks, by class. Each test name starts with the id of its class.
//!
//! These tests pass bare reviews to the evaluation. Tests that need an API server are in `tests/cluster/bypasses*.rs`.
//! The following classes have no test of their name in either place:
//!
//! - B1, a forged review that makes the webhook act: the evaluation has no side effects. `architecture`,
//!   `no_module_uses_what_it_must_not`, allows it no file, process, socket or call.
//! - B3, a leaked value: `canaries`; `endpoints/strange_objects.rs`, `no_answer_contains_a_value`;
//!   `cli/secrets.rs`.
//! - B14, a panic: `endpoints/panics.rs`; `properties.rs`, `every_review_is_answered`.
//! - B17, a disguised gateway: `b6_a_gateway_of_another_image_is_recognized_by_every_spelling` and `b28_…`. A program
//!   that takes its key from none of Microsoft's settings cannot be recognized as a gateway.
//! - B20, a field that is newer than the rules: `schema.rs`.
//! - B24, slow and huge connections, and B25, HTTP/2: `server.rs`.
//! - B26, vulnerabilities of the TLS library: the evaluation cannot prevent them. The versions in `Cargo.lock` contain
//!   the fixes of all known ones.
//! - B28, an outage, and B29, a shutdown that removes the webhook configurations: `tests/cluster/outage.rs`, `b28_…` and
//!   `b29_…`.
//! - B30, a static Pod: it runs whatever admission decides. Its mirror Pod is left alone, and nothing else is: `b30_…`,
//!   and `b12_no_label_or_annotation_exempts_an_object`.
//! - B33, a mutation that another webhook reverts: `/enforce/validate` evaluates the final object and denies what is
//!   missing. `properties.rs`, `validate_accepts_what_mutate_fixed`; every test here calls that endpoint alone.

mod attempt;
mod commands_and_images;
mod confusables;
mod containers;
mod forged;
mod images;
mod json;
mod malformed_json;
mod names;
mod other_kinds;
mod requesters;
mod settings;

mod size;
mod updates;

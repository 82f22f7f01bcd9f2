//! Every way around a judgement that has been seen in the field, each with a test named after its class.
//!
//! Here are bare reviews through the pure judgement; what an API server makes a difference to stands in
//! `tests/cluster/bypasses*.rs`. The classes that have no test of their name in either:
//!
//! - B1, a forged review that makes the webhook do something: it can do nothing; `tests/house.rs`,
//!   `no_room_does_what_is_not_its_task` (no file, process, socket or call in the judging rooms).
//! - B2, B3, a value that is told: `tests/laws.rs`, `no_value_is_ever_told`; `tests/state/strange_objects.rs`,
//!   `no_answer_tells_a_value`; `tests/cli/secrets.rs`.
//! - B14, a panic: `tests/state/panics.rs`, and `tests/laws.rs`, `every_review_gets_its_answer`.
//! - B17, a gateway in disguise: `b6_no_spelling_hides_a_gateway_of_another_image` and `b28_…`. A program of one's own that
//!   is told its key by no setting of Microsoft's is no gateway that could be recognised.
//! - B20, a field that is newer than the rules: `tests/schema.rs`.
//! - B24, slow and huge connections: `tests/server.rs`, `a_client_that_never_shakes_hands_is_let_go` and its neighbours.
//! - B25, HTTP/2: `tests/server.rs`, `only_http_1_is_spoken`.
//! - B26, faults of the TLS library: no judgement's to meet; the versions in `Cargo.lock` are newer than all of them.
//! - B28, an outage, and B29, a shutdown that takes the registration with it: `tests/outage.rs`, `b28_…` and `b29_…`.
//! - B30, a static Pod: it runs whatever any admission says, so no judgement can meet it. Its mirror is left alone,
//!   and only that: `b30_…`, and `b12_nothing_that_a_tenant_writes_on_an_object_exempts_it`.
//! - B33, a mutation that another webhook undoes: `/enforce/validate` sees what is left, and refuses what is missing;
//!   `tests/laws.rs`, `what_mutate_mended_validate_accepts`; every test here asks that door alone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "bypasses/attempt.rs"]
mod attempt;
#[path = "bypasses/confusables.rs"]
mod confusables;
#[path = "bypasses/containers.rs"]
mod containers;
#[path = "bypasses/gateways.rs"]
mod gateways;
#[path = "bypasses/images.rs"]
mod images;
#[path = "bypasses/json.rs"]
mod json;
#[path = "bypasses/makers.rs"]
mod makers;
#[path = "bypasses/names.rs"]
mod names;
#[path = "bypasses/routes.rs"]
mod routes;
#[path = "bypasses/settings.rs"]
mod settings;
#[path = "bypasses/unreadable.rs"]
mod shape_error;
#[path = "bypasses/size.rs"]
mod size;
#[path = "bypasses/updates.rs"]
mod updates;

//! The fuzz targets: functions that take any bytes and check invariants. `fuzz/` calls them from a fuzzer, and
//! `tests/offline/fuzz` without one.

pub mod edits;
pub mod environment;
pub mod image;
pub mod review;

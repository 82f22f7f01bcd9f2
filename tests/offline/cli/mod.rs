//! The output and the exit codes of the binary.

mod bad_input;
mod certs;
mod changes;
mod exit_codes;
mod explain;
mod help;
mod json;
mod pipes;
mod policy;
mod positions;
mod report_schema;
mod review;
mod secrets;
mod serve;
mod text;
mod together;

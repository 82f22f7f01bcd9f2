//! `apim-keyless verify` finds why a gateway does not work: the tests plant one cause at a time in a gateway on a real API
//! server and run the real binary.

mod controllers;
mod docs;
mod logs;
mod planted;
mod scene;
mod sign_in;
mod states;

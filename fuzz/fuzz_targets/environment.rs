#![no_main]

#[path = "../targets/environment.rs"]
mod environment;

libfuzzer_sys::fuzz_target!(|data: &[u8]| environment::check(data));

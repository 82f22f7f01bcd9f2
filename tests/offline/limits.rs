//! The memory that the limits allow is below the memory limit of the chart, and docs/serving.md shows the calculation.

use apim_keyless::server::{LONG_REVIEW_BYTES, Limits, SERVING_THREADS};
use serde_json::Value;
use std::fs;

const KIBIBYTE: u64 = 1024;
const MEBIBYTE: u64 = 1024 * KIBIBYTE;

/// A replica whose cache is full; tests/soak/growth.rs checks it.
const FULL_CACHE: u64 = 48 * MEBIBYTE;
/// The most memory of a connection, apart from the body of its request: an incomplete `ClientHello` of 64 KiB, the
/// longest that rustls reads.
const CONNECTION: u64 = 80 * KIBIBYTE;
/// The most memory of an evaluation, apart from the body: a fixed part, and a part for each byte of the body.
const EVALUATION: u64 = 32 * MEBIBYTE;
const EVALUATION_PER_BYTE: u64 = 2;

#[test]
fn the_limits_keep_a_replica_below_the_memory_limit_of_the_chart() {
    let limits = Limits::default();
    let (connections, long, threads) =
        (u64::from(limits.connections), u64::from(limits.long_reviews), SERVING_THREADS as u64);
    let per_byte = |bytes: u64| EVALUATION_PER_BYTE * bytes;
    let one = EVALUATION + per_byte(limits.body_bytes.into());
    let parts = [
        ("a full cache".to_owned(), FULL_CACHE),
        (format!("{connections} connections of {} KiB", CONNECTION / KIBIBYTE), connections * CONNECTION),
        ("all bodies".to_owned(), limits.bodies_bytes.into()),
        (format!("{long} long evaluation of {} MiB", one / MEBIBYTE), long * one),
        (
            format!("{threads} evaluations of bodies below {} KiB", LONG_REVIEW_BYTES as u64 / KIBIBYTE),
            threads * per_byte(LONG_REVIEW_BYTES as u64),
        ),
    ];
    let page = fs::read_to_string("docs/serving.md").unwrap();
    for (part, bytes) in &parts {
        let row = format!("| {part} | {} MiB |", bytes / MEBIBYTE);
        assert!(page.contains(&row), "docs/serving.md does not contain: {row}");
    }
    let (all, limit) = (parts.iter().map(|(_, bytes)| bytes).sum::<u64>(), memory_limit());
    let row = format!("| in all, of {} MiB | {} MiB |", limit / MEBIBYTE, all / MEBIBYTE);
    assert!(page.contains(&row), "docs/serving.md does not contain: {row}");
    assert!(all < limit, "{} of {} MiB", all / MEBIBYTE, limit / MEBIBYTE);
}

#[test]
fn the_longest_body_fits_beside_another_address_that_holds_its_share() {
    let limits = Limits::default();
    assert!(limits.body_bytes <= limits.bodies_bytes / 4);
}

/// The memory limit in deploy/chart/values.yaml, in bytes.
fn memory_limit() -> u64 {
    let values: Value = serde_saphyr::from_str(&fs::read_to_string("deploy/chart/values.yaml").unwrap()).unwrap();
    let limit = values["resources"]["limits"]["memory"].as_str().unwrap();
    limit.strip_suffix("Mi").unwrap().parse::<u64>().unwrap() * MEBIBYTE
}

//! The published schema of JSON reports.

use jsonschema::Validator;
use serde_json::Value;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../../docs/schemas/report-v1.schema.json");
    jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
});

/// Does the report fit its schema? Fields that the schema lacks do not.
pub fn is_valid(report: &Value) -> bool {
    SCHEMA.is_valid(report)
}

/// Asserts that a report fits its schema.
pub fn assert_valid(report: &Value) {
    let errors = SCHEMA.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path()));
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new(), "{report:#}");
}

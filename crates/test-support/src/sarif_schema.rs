//! The schema of SARIF 2.1.0.

use crate::npm::SARIF_SCHEMA;
use jsonschema::Validator;
use serde_json::Value;
use std::fs;

/// A validator of SARIF logs; `None` if the schema cannot be had, which a message on stderr says.
pub fn validator() -> Option<Validator> {
    let schema = fs::read_to_string(SARIF_SCHEMA.get()?).unwrap();
    Some(jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap())
}

/// What in a log does not fit the schema.
pub fn errors(validator: &Validator, log: &Value) -> Vec<String> {
    validator.iter_errors(log).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

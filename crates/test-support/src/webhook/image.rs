//! The environment variables that the image sets for the binary.

use crate::project;
use std::fs;
use std::path::Path;

/// The variables in the `ENV` lines of the Containerfile.
pub fn environment() -> Vec<(String, String)> {
    let file = fs::read_to_string(Path::new(project::FOLDER).join("Containerfile")).unwrap();
    let lines = file.lines().filter_map(|line| line.strip_prefix("ENV "));
    lines.map(|line| line.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

//! Writes the tables into the documentation.

use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- serving -->\n";
const END: &str = "<!-- /serving -->\n";

/// Replaces the text between the two markers in `docs/performance.md`.
pub(crate) fn write(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    fs::write(path, format!("{before}{BEGIN}\n{text}\n{END}{after}")).unwrap();
}

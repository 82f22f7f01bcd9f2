//! Each manifest of the corpus that takes a key, or authenticates as an Entra app, is migrated, if the folder exists.

use super::assert_migrated;
use std::io::{self, Write as _};
use test_support::corpus;

#[test]
fn the_manifests_of_the_corpus_are_migrated() -> io::Result<()> {
    let Some(folder) = corpus::corpus() else {
        // stderr directly: the test harness captures the macros' output of a passing test
        return writeln!(io::stderr(), "not run: there is no corpus");
    };
    for (name, text) in corpus::manifests(&folder) {
        let arguments: &[&str] = if corpus::is_rendered(name) { &["--gateway-name", "orders"] } else { &[] };
        let after = assert_migrated(name, &text, arguments);
        assert!(after.contains("config.service.auth: workloadIdentity"), "{name}: {after}");
    }
    Ok(())
}

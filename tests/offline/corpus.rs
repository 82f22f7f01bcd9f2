//! Checks real gateway manifests of other authors against findings that a person accepted, if the folder exists
//! (`CORPUS`, else `../shared/corpus`). The manifests themselves are not in this repository.

use apim_keyless_core::policy::Policy;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[test]
fn the_manifests_of_the_corpus_get_the_accepted_findings() -> io::Result<()> {
    let corpus = env::var_os("CORPUS").map_or_else(|| Path::new("../shared/corpus").to_owned(), PathBuf::from);
    let Ok(entries) = fs::read_dir(&corpus) else {
        // stderr directly: the test harness captures the macros' output of a passing test
        return writeln!(io::stderr(), "not run: there is no corpus in {}", corpus.display());
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    files.sort();
    let mut report = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // the first line names the source; the rest is the original
        report += &format!("{name}\n{}\n", findings(&name, &fs::read_to_string(&file)?));
    }
    insta::assert_snapshot!("findings", report);
    Ok(())
}

fn findings(name: &str, text: &str) -> String {
    if [".bicep", ".tf", ".conf"].iter().any(|end| name.ends_with(end)) {
        return "  skipped: not a Kubernetes manifest\n".to_owned();
    }
    crate::findings::findings(&Policy::default(), name, text)
}

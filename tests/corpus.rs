//! Gateways as others wrote them, if they are there (`CORPUS`, else `../shared/corpus`): the rulings that a person read
//! and agreed to, by file. The manifests themselves are not ours and not in this repository.

mod findings;

use apim_keyless::policy::Policy;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

#[test]
fn the_gateways_of_others_get_the_rulings_that_a_person_agreed_to() -> io::Result<()> {
    let corpus = env::var_os("CORPUS").map_or_else(|| Path::new("../shared/corpus").to_owned(), PathBuf::from);
    let Ok(entries) = fs::read_dir(&corpus) else {
        // straight to stderr, since a test that passes keeps what it prints to itself
        return writeln!(io::stderr(), "not run: there is no corpus in {}", corpus.display());
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    files.sort();
    let mut told = String::new();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // the first line names the source, the rest is as it was found
        told += &format!("{name}\n{}\n", findings(&name, &fs::read_to_string(&file)?));
    }
    insta::assert_snapshot!("findings", told);
    Ok(())
}

fn findings(name: &str, text: &str) -> String {
    if [".bicep", ".tf", ".conf"].iter().any(|end| name.ends_with(end)) {
        return "  skipped: no Kubernetes manifest\n".to_owned();
    }
    findings::findings(&Policy::default(), name, text)
}

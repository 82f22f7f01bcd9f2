//! Gateways as others wrote them, if they are there (`CORPUS`, else `../shared/corpus`): the rulings that a person read
//! and agreed to, by file. The manifests themselves are not ours and not in this repository.

use apim_keyless::gateway::Subject;
use apim_keyless::manifest::{Manifests, Object};
use apim_keyless::policy::{Mode, Policy, Ruling};
use std::fmt::Write as _;
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
        told += &format!("{name}\n{}\n", rulings(&name, &fs::read_to_string(&file)?));
    }
    insta::assert_snapshot!("rulings", told);
    Ok(())
}

/// The rulings on the objects of a file, a line each.
fn rulings(name: &str, text: &str) -> String {
    if [".bicep", ".tf", ".conf"].iter().any(|end| name.ends_with(end)) {
        return "  skipped: no Kubernetes manifest\n".to_owned();
    }
    let mut manifests = Manifests::default();
    manifests.parse(name, text);
    let mut told = String::new();
    for problem in &manifests.problems {
        // writing to a String can't fail
        _ = writeln!(told, "  unread: {}", problem.problem);
    }
    if manifests.skipped > 0 {
        _ = writeln!(told, "  skipped: {} without kind", manifests.skipped);
    }
    let subject = |object: &Object| Subject::recognise(object.value.to_string(), "default").ok().flatten();
    let subjects: Vec<Subject<'_>> = manifests.objects.iter().filter_map(subject).collect();
    for (subject, rulings) in subjects.iter().zip(Policy::default().examine_together(&subjects, Mode::Enforce)) {
        for ruling in rulings {
            _ = writeln!(told, "  {} {}: {}", subject.identity.kind, subject.identity.name, line(&ruling));
        }
    }
    if told.is_empty() { "  nothing is wrong\n".to_owned() } else { told }
}

fn line(ruling: &Ruling) -> String {
    format!("{:?} {} at {}", ruling.outcome(), ruling.rule.id, ruling.finding.at)
}

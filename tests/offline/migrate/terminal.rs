//! `migrate --interactive` on a pseudoterminal.

use super::fixtures::VS_CODE;
use super::{CLIENT, read};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use test_support::project;
use test_support::run::Folder;

/// Runs the command in the folder on a terminal of its own, types each answer when its question is there, and returns the
/// exit code and what the terminal shows.
fn on_terminal(folder: &Folder, arguments: &[&str], answers: &[(&str, &str)]) -> (i32, String) {
    let pty = nix::pty::openpty(None, None).unwrap();
    let (input, errors) = (pty.slave.try_clone().unwrap(), pty.slave);
    let mut child = Command::new(project::binary())
        .args(arguments)
        .current_dir(folder.path(""))
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .unwrap();
    let mut terminal = File::from(pty.master);
    let (mut shown, mut answers) = (Vec::new(), answers.iter().peekable());
    let (mut buffer, mut seen) = ([0; 4096], 0);
    // reading a terminal fails when its last writer has ended
    while let Ok(read @ 1..) = terminal.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&shown).into_owned();
        if let Some((question, answer)) = answers.peek()
            && text[seen..].contains(question)
        {
            seen = text.len();
            terminal.write_all(answer.as_bytes()).unwrap();
            answers.next();
        }
    }
    assert_eq!(answers.count(), 0, "not asked\n{}", String::from_utf8_lossy(&shown));
    (child.wait().unwrap().code().unwrap(), String::from_utf8(shown).unwrap().replace("\r\n", "\n"))
}

const QUESTION: &str = "Client id of the Entra app or the managed identity";

#[test]
fn what_is_missing_is_asked_for_on_a_terminal() {
    let other = VS_CODE.replace("name: orders", "name: billing");
    let folder = Folder::with(&[("a.yaml", VS_CODE), ("b.yaml", &other)]);
    let id = format!("{CLIENT}\n");
    let answers = [
        (QUESTION, "contoso\n"),
        // the answer is no client id, so it is asked for again
        ("write a GUID", id.as_str()),
        // Enter repeats the last answer
        (CLIENT, "\n"),
    ];
    let arguments = ["migrate", "a.yaml", "b.yaml", "--interactive"];
    let (code, shown) = on_terminal(&folder, &arguments, &answers);
    assert_eq!(code, 0, "{shown}");
    for line in ["Deployment default/orders\n", "Deployment default/billing\n", "2 gateways migrated in 2 files\n"] {
        assert!(shown.contains(line), "{line}\n{shown}");
    }
    for file in ["a.yaml", "b.yaml"] {
        assert!(read(&folder, file).contains("config.service.auth: workloadIdentity"), "{shown}");
    }
    assert!(read(&folder, "a.yaml").contains(CLIENT));
}

/// The user ends the input with Ctrl+D.
#[test]
fn without_an_answer_nothing_is_written() {
    let folder = Folder::with(&[("a.yaml", VS_CODE)]);
    let (code, shown) = on_terminal(&folder, &["migrate", "a.yaml", "--interactive"], &[(QUESTION, "\u{4}")]);
    assert_eq!((code, read(&folder, "a.yaml").as_str()), (2, VS_CODE), "{shown}");
    assert!(shown.contains("Pass --client-id"), "{shown}");
}

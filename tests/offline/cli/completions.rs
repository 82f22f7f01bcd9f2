//! Completions, man pages, and the use as a plugin of kubectl.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use test_support::project;
use test_support::run::Folder;

#[test]
fn every_shell_has_completions_with_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = Folder::with(&[]).run(&["completions", shell]);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{shell}");
        for word in ["check", "doctor", "explain", "review", "write-baseline"] {
            assert!(ran.stdout.contains(word), "{shell} does not complete {word}");
        }
    }
}

#[test]
fn bash_accepts_and_uses_the_completions() {
    let folder = Folder::with(&[]);
    folder.write("completions", folder.run(&["completions", "bash"]).stdout.as_bytes());
    let script = "source completions && COMP_WORDS=(apim-keyless chec) COMP_CWORD=1 && _apim__keyless apim-keyless chec apim-keyless && echo \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", script]).current_dir(folder.path("")).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "check\n", "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn an_unknown_shell_is_reported_with_the_known_ones() {
    let ran = Folder::with(&[]).run(&["completions", "tcsh"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("[possible values: bash, elvish, fish, powershell, zsh]"), "{}", ran.stderr);
}

#[test]
fn each_command_has_a_man_page() {
    let folder = Folder::with(&[]);
    let ran = folder.run(&["man", "pages"]);
    assert_eq!((ran.code, ran.everything().as_str()), (0, ""));
    for name in ["apim-keyless", "apim-keyless-check", "apim-keyless-doctor", "apim-keyless-explain"] {
        let page = fs::read_to_string(folder.path(&format!("pages/{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(&format!(".TH {name} 1")), "{name}: {page}");
    }
    folder.write("file", b"");
    let ran = folder.run(&["man", "file"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.starts_with("error: cannot write the man pages to file: "), "{}", ran.stderr);
}

#[test]
fn as_a_plugin_of_kubectl_the_usage_names_kubectl() {
    let folder = Folder::with(&[]);
    symlink(project::binary(), folder.path("kubectl-apim_keyless")).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(folder.path("kubectl-apim_keyless")).args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["check", "--help"]).contains("Usage: kubectl apim-keyless check [OPTIONS]"));
    assert!(run(&["chek"]).contains("Usage: kubectl apim-keyless [OPTIONS] <COMMAND>"));
    assert_eq!(run(&["version"]), format!("apim-keyless {}\n", env!("CARGO_PKG_VERSION")));
    assert!(folder.run(&["check", "--help"]).stdout.contains("Usage: apim-keyless check "));
}

//! Mistakes with `serve` and `certs`: each message has place, cause and fix, and the exit code is 2.

use std::fs;
use test_support::run::{Folder, RunOutput, Serving};

/// Words of the operating system, of Rust and of its libraries.
const FOREIGN: [&str; 6] = ["os error", "Os {", "ParseIntError", "invalid digit", "syntax", "panic"];

/// Runs `serve` with free ports, which ends at once.
fn serve(folder: &Folder, environment: &[(&str, &str)], arguments: &[&str]) -> RunOutput {
    let ports = ["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
    folder.run_with(environment, &[&ports[..], arguments].concat())
}

/// Asserts that a run could not start, and that its message has these words and none of another program.
fn assert_message(ran: &RunOutput, words: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    assert!(FOREIGN.iter().all(|word| !ran.stderr.contains(word)), "{}", ran.stderr);
}

#[test]
fn a_value_that_cannot_be_used_says_what_to_write() {
    let folder = Folder::with(&[("file", "text\n")]);
    fs::create_dir(folder.path("empty")).unwrap();
    for (arguments, words) in [
        (
            &["--keep-alive-idle", "10s"][..],
            "'--keep-alive-idle <DURATION>': write a duration longer than 90s: the API server",
        ),
        (&["--keep-alive-idle", "90s"], "write a duration longer than 90s"),
        (&["--examples", "nope"], "error: --examples nope: the folder does not exist; check the path\n"),
        (
            &["--examples", "empty"],
            "error: --examples empty: there is no manifest in it; name a folder with manifests\n",
        ),
        (&["--drain-seconds", "-5"], "'--drain-seconds <SECONDS>': write a whole number, 0 or more, without a unit"),
        (&["--drain-seconds", "5s"], "write a whole number, 0 or more, without a unit"),
        (&["--cache-mib", "-1"], "write a whole number of MiB, 0 or more"),
        (&["--connections", "-1"], "write a whole number, 1 or more, without a unit"),
        (&["--connections", "many"], "write a whole number, 1 or more, without a unit"),
        (&["--check-interval", "0s"], "write a duration that is longer than 0"),
        (&["--audit-interval", "5"], "'--audit-interval <DURATION>': write a number and a unit, such as 30s, 2m or 1h"),
        (&["--audit-interval", "1h"], "--cluster"),
        (&["--audit-excluded-namespaces", "a,B"], "write the name of a namespace: up to 63 lowercase letters"),
        (&["--ca-validity", "5"], "write a number and a unit, such as 30s, 2m or 1h"),
        (
            &["--client-ca", "nope.crt"],
            "error: cannot use --client-ca nope.crt: the file does not exist; check the path\n",
        ),
        (&["--client-ca", "empty"], "error: cannot use --client-ca empty: this is a folder; name a file\n"),
        (
            &["--client-ca", "file"],
            "it contains no certificate in PEM form; replace it with an X.509 certificate in PEM form\n",
        ),
        (&["--policy", "empty"], "error: empty: this is a folder; name the file with the policy document in it\n"),
        (&["--policy", "-"], "error: --policy -: the server reads the policy again while it runs; name a file\n"),
        (
            &["--cluster"],
            "error: cannot use the cluster: --kubeconfig: it is not set, and this process does not run in a Pod; set --kubeconfig, or ",
        ),
        (
            &["--cluster", "--kubeconfig", "nope"],
            "error: cannot use the cluster: nope: the file does not exist; check the path of --kubeconfig\n",
        ),
    ] {
        assert_message(&serve(&folder, &[], arguments), words);
    }
}

#[test]
fn an_address_is_an_ip_address_and_a_port() {
    let folder = Folder::with(&[]);
    for address in ["8443", "localhost:8443", ":8443", "127.0.0.1", "127.0.0.1:99999", "https://127.0.0.1:8443", ""] {
        for flag in ["--listen", "--health-listen"] {
            let ran = folder.run(&["serve", flag, address]);
            let words =
                format!("'{flag} <ADDR>': write an IP address and a port from 0 to 65535, such as 127.0.0.1:8443");
            assert_message(&ran, &words);
        }
    }
}

#[test]
fn a_log_level_that_does_not_exist_is_an_error() {
    let folder = Folder::with(&[]);
    for (levels, part) in [("verbose", 1), ("info,apim_keyless=loud", 2), ("inof", 1), ("info;debug", 1)] {
        let words = format!(
            "error: RUST_LOG: part {part} is neither a level nor TARGET=LEVEL; write off, error, warn, info, debug or trace"
        );
        assert_message(&serve(&folder, &[("RUST_LOG", levels)], &[]), &words);
    }
    assert!(!folder.path("certs").exists());
}

#[test]
fn a_folder_of_certificates_that_cannot_be_used_is_named() {
    let folder = Folder::with(&[("file", "text\n")]);
    let no_folder = ": it is a file and not a folder, or a folder above it is a file; name a folder with --certificates, or remove the file\n";
    for path in ["file", "file/below"] {
        assert_message(&serve(&folder, &[], &["--certificates", path]), &format!("error: {path}{no_folder}"));
        assert_message(
            &folder.run(&["certs", "localhost", "--certificates", path]),
            &format!("error: {path}{no_folder}"),
        );
        let files = ["--certificate-source", "files", "--certificates", path];
        assert_message(&serve(&folder, &[], &files), &format!("error: {path}{no_folder}"));
    }
}

#[test]
fn half_a_pair_names_the_missing_half() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.run(&["certs", "localhost", "--certificates", "pair"]).code, 0);
    fs::remove_file(folder.path("pair/ca.key")).unwrap();
    for (removed, other) in [("tls.key", "tls.crt"), ("tls.crt", "tls.key")] {
        let kept = fs::read(folder.path("pair").join(removed)).unwrap();
        fs::remove_file(folder.path("pair").join(removed)).unwrap();
        let ran = serve(&folder, &[], &["--certificates", "pair"]);
        assert_message(&ran, &format!("error: pair/{removed}: it is missing; replace tls.crt and tls.key"));
        let ran = serve(&folder, &[], &["--certificates", "pair", "--certificate-source", "files"]);
        assert_message(&ran, &format!("error: pair/{removed}: it is missing; create it"));
        assert!(folder.path("pair").join(other).exists());
        fs::write(folder.path("pair").join(removed), kept).unwrap();
    }
}

#[test]
fn an_api_server_that_cannot_be_reached_is_logged_once() {
    let kubeconfig = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": "https://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}],
    });
    let folder = Folder::with(&[("kubeconfig", &kubeconfig.to_string())]);
    let mut serving = Serving::start(&folder, &["--cluster", "--kubeconfig", "kubeconfig"]);
    serving.listening();
    std::thread::sleep(std::time::Duration::from_secs(6));
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
    let log = serving.stderr();
    let cause =
        "https://127.0.0.1:1: connection refused; start the API server, or correct server of cluster a in kubeconfig";
    assert_eq!(log.matches(cause).count(), 1, "{log}");
    let problems = log.lines().filter(|line| !line.contains(r#""level":"INFO""#)).count();
    assert_eq!(problems, 1, "{log}");
}

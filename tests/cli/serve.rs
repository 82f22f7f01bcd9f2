//! `serve`: how it starts, what it shows, how it ends.

use crate::run::{Folder, Serving, answer_of};
use std::fs;
use std::net::TcpListener;

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_taken_port_is_told_with_its_address_and_its_flag() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, purpose) in [("--listen", "HTTPS"), ("--health-listen", "health and metrics")] {
        let folder = Folder::with(&[]);
        let mut serving = Serving::start(&folder, &[flag, &address]);
        assert_eq!(serving.code(), Some(2));
        assert_eq!(
            serving.stderr(),
            format!(
                "error: cannot listen on {address} ({purpose}): the address is already in use; stop what holds it or choose another with {flag}\n"
            )
        );
    }
}

#[test]
fn a_ready_server_says_so_and_ends_well_when_it_is_asked_to() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &[]);
    let answer = answer_of(serving.health(), "/readyz");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer_of(serving.health(), "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(answer_of(serving.health(), "/metrics").ends_with("# EOF\n"));
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
    assert_eq!(serving.shown(""), "");
    let last = serving.stderr();
    assert!(last.lines().last().is_some_and(|line| line.contains(r#""message":"draining""#)), "{last}");
}

#[test]
fn while_it_drains_it_is_not_ready_and_a_second_signal_ends_it_at_once() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--drain-seconds", "600"]);
    let health = serving.health();
    serving.terminate();
    while answer_of(health, "/readyz").starts_with("HTTP/1.1 200 ") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(answer_of(health, "/readyz").starts_with("HTTP/1.1 503 "));
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
}

#[test]
fn a_second_start_on_the_same_folder_finds_the_ca_of_the_first() {
    let folder = Folder::with(&[]);
    let read = || ["ca.crt", "tls.crt", "tls.key"].map(|file| fs::read(folder.path("certs").join(file)).unwrap());
    let told = || {
        let serving = Serving::start(&folder, &[]);
        serving.listening()["certificates"].as_str().unwrap().to_owned()
    };
    assert!(told().starts_with("made a CA and a certificate in certs, for localhost, 127.0.0.1, ::1;"));
    let made = read();
    assert!(told().starts_with("found a CA and a certificate in certs, "));
    assert_eq!(read(), made);
}

#[test]
fn a_policy_that_cannot_be_used_is_told_before_anything_is_made() {
    let folder = Folder::with(&[(
        "p.yaml",
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec:\n  defalts: {}\n",
    )]);
    let mut serving = Serving::start(&folder, &["--policy", "p.yaml"]);
    assert_eq!(serving.code(), Some(2));
    assert!(
        serving.stderr().starts_with(
            "error: the policy document p.yaml cannot be used: 4:3: unknown field defalts; expected one of: defaults, "
        ),
        "{}",
        serving.stderr()
    );
    assert!(!folder.path("certs").exists());
}

#[test]
fn the_log_is_text_where_it_is_asked_for() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--log-format", "text"]);
    while !serving.stderr().contains("listening") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
    assert!(!serving.stderr().contains('{') && !serving.stderr().contains('\u{1b}'), "{}", serving.stderr());
}

#[test]
fn a_ca_for_clients_that_cannot_be_used_is_told() {
    let folder = Folder::with(&[("garbage.crt", "garbage")]);
    for (file, cause) in [("nowhere.crt", "No such file or directory"), ("garbage.crt", "the CA's certificate: ")] {
        let mut serving = Serving::start(&folder, &["--client-ca", file]);
        assert_eq!(serving.code(), Some(2));
        let told = serving.stderr();
        assert!(told.starts_with(&format!("error: cannot let clients of {file} in: {cause}")), "{told}");
    }
    let mut serving = Serving::start(&folder, &["--client-name", "kube-apiserver"]);
    assert_eq!(serving.code(), Some(2));
    assert!(serving.stderr().contains("--client-ca <FILE>"), "{}", serving.stderr());
}

#[test]
fn a_limit_that_lets_nothing_through_is_refused() {
    let folder = Folder::with(&[]);
    for (flag, value, cause) in [
        ("--reviews", "0", "0 is not in 1.."),
        ("--header-bytes", "100", "100 is not in 1024.."),
        ("--body-timeout", "0s", "must be longer than nothing"),
        ("--body-timeout", "10", "write it like 10s or 500ms"),
    ] {
        let mut serving = Serving::start(&folder, &[flag, value]);
        assert_eq!(serving.code(), Some(2));
        assert!(serving.stderr().contains(cause), "{}", serving.stderr());
    }
}

const REFUSED: &str = r#"
  Deployment payments: refused
    1 fault keeps gateway "payments" from running keyless
      auth-key-reference at spec.template.spec.containers[0].env[0]: config.service.auth is taken from Secret "payments-token" key "value"; remove it: the ConfigMap's config.service.auth: workloadIdentity replaces it
    explain: apim-keyless explain auth-key-reference
    Warning: apim-keyless: rolling-version: v2 moves from version to version; name a static one, 2.11.0 or newer
"#;

const MENDED: &str = r#"
  ServiceAccount apim-gateway-workload-identity: mended
      kind: ServiceAccount
      metadata:
    +   annotations:
    +     azure.workload.identity/client-id: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    +   labels:
    +     azure.workload.identity/use: "true"
        name: apim-gateway-workload-identity
        namespace: apim
"#;

#[test]
fn the_examples_are_shown_as_their_user_would_see_them() {
    let (examples, policy) = (format!("{PROJECT}/deploy/examples"), format!("{PROJECT}/deploy/policy.yaml"));
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--examples", &examples, "--policy", &policy]);
    let shown = serving.shown("Ctrl-C ends it\n");
    assert!(shown.contains(REFUSED) && shown.contains(MENDED), "{shown}");
    assert!(shown.contains("\n  ConfigMap apim-gateway-env: allowed\n") && !shown.contains('\u{1b}'), "{shown}");
    let count = |decision: &str| shown.lines().filter(|line| line.ends_with(decision)).count();
    assert_eq!((count(": allowed"), count(": mended"), count(": refused")), (3, 4, 5), "{shown}");
    let address = serving.listening()["reviews"].as_str().unwrap().to_owned();
    assert!(shown.contains(&format!("\nserving reviews at https://{address}/enforce/mutate, ")), "{shown}");
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
}

//! `serve`: start, examples, shutdown.

use std::fs;
use std::net::TcpListener;
use test_support::run::{Folder, Serving, http_get};

const PROJECT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn a_port_in_use_is_reported_with_its_address_and_its_flag() {
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
fn a_server_gets_ready_and_stops_on_sigterm() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &[]);
    let answer = http_get(serving.health(), "/readyz");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(http_get(serving.health(), "/livez").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(http_get(serving.health(), "/metrics").ends_with("# EOF\n"));
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
    assert_eq!(serving.wait_for_stdout(""), "");
    let last = serving.stderr();
    assert!(last.lines().last().is_some_and(|line| line.contains(r#""message":"draining""#)), "{last}");
}

#[test]
fn a_draining_server_is_not_ready_and_a_second_signal_stops_it_at_once() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--drain-seconds", "600"]);
    let health = serving.health();
    serving.terminate();
    while http_get(health, "/readyz").starts_with("HTTP/1.1 200 ") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(http_get(health, "/readyz").starts_with("HTTP/1.1 503 "));
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
}

#[test]
fn a_second_start_with_the_same_folder_keeps_its_ca() {
    let folder = Folder::with(&[]);
    let read = || ["ca.crt", "tls.crt", "tls.key"].map(|file| fs::read(folder.path("certs").join(file)).unwrap());
    let description = || {
        let serving = Serving::start(&folder, &[]);
        serving.listening()["certificates"].as_str().unwrap().to_owned()
    };
    assert!(description().starts_with("created a CA and a certificate in certs for localhost, 127.0.0.1, ::1;"));
    let created = read();
    assert!(description().starts_with("using the existing CA and certificate in certs "));
    assert_eq!(read(), created);
}

#[test]
fn an_invalid_policy_is_an_error_before_any_file_is_created() {
    let folder = Folder::with(&[(
        "p.yaml",
        "apiVersion: apim-keyless.dev/v1alpha1\nkind: GatewayPolicy\nspec:\n  defalts: {}\n",
    )]);
    let mut serving = Serving::start(&folder, &["--policy", "p.yaml"]);
    assert_eq!(serving.code(), Some(2));
    assert!(
        serving.stderr().starts_with("error: p.yaml:4:3: field defalts is unknown; write one of: defaults, "),
        "{}",
        serving.stderr()
    );
    assert!(!folder.path("certs").exists());
}

#[test]
fn the_log_format_can_be_text() {
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
fn an_invalid_client_ca_is_an_error() {
    let folder = Folder::with(&[("garbage.crt", "garbage")]);
    for (file, cause) in
        [("nowhere.crt", "the file does not exist; check the path\n"), ("garbage.crt", "the CA's certificate: ")]
    {
        let mut serving = Serving::start(&folder, &["--client-ca", file]);
        assert_eq!(serving.code(), Some(2));
        let stderr = serving.stderr();
        assert!(stderr.starts_with(&format!("error: cannot use --client-ca {file}: {cause}")), "{stderr}");
    }
    let mut serving = Serving::start(&folder, &["--client-name", "kube-apiserver"]);
    assert_eq!(serving.code(), Some(2));
    assert!(serving.stderr().contains("--client-ca <FILE>"), "{}", serving.stderr());
}

#[test]
fn a_limit_of_nothing_is_an_error() {
    let folder = Folder::with(&[]);
    for (flag, value, cause) in [
        ("--reviews", "0", "write a whole number, 1 or more, without a unit"),
        ("--header-bytes", "100", "write a whole number, 1024 or more"),
        ("--body-timeout", "0s", "write a duration that is longer than 0"),
        ("--body-timeout", "10", "write a number and a unit, such as 10s or 500ms"),
    ] {
        let mut serving = Serving::start(&folder, &[flag, value]);
        assert_eq!(serving.code(), Some(2));
        assert!(serving.stderr().contains(cause), "{}", serving.stderr());
    }
}

const DENIED: &str = r#"
  Deployment payments: denied
    Deployment "payments" is denied for 1 reason:
      auth-key-reference at spec.template.spec.containers[0].env[0]: Remove env config.service.auth of container "payments" and set config.service.auth: workloadIdentity in ConfigMap "payments-env": it takes an auth key from Secret "payments-token" key "value"
    read more: apim-keyless explain auth-key-reference
    Warning: apim-keyless: missing-identity-label: set spec.template.metadata.labels["azure.workload.identity/use"] to "true"
    Warning: apim-keyless: missing-service-account: set spec.template.spec.serviceAccountName to "apim-gateway-workload-identity"
    Warning: apim-keyless: rolling-version: Use a static tag, 2.11.0 or newer, in container "payments": v2 refers to another version after each release
"#;

const MUTATED: &str = r#"
  ServiceAccount apim-gateway-workload-identity: mutated
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
fn examples_are_printed_as_a_user_would_see_them() {
    let (examples, policy) = (format!("{PROJECT}/deploy/examples"), format!("{PROJECT}/deploy/policy.yaml"));
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--examples", &examples, "--policy", &policy]);
    let shown = serving.wait_for_stdout("press Ctrl-C to stop\n");
    assert!(shown.contains(DENIED) && shown.contains(MUTATED), "{shown}");
    assert!(shown.contains("\n  ConfigMap apim-gateway-env: allowed\n") && !shown.contains('\u{1b}'), "{shown}");
    let count = |decision: &str| shown.lines().filter(|line| line.ends_with(decision)).count();
    let counts = ["allowed", "warned", "mutated", "denied"].map(|decision| count(&format!(": {decision}")));
    assert_eq!(counts, [2, 1, 4, 5], "{shown}");
    let address = serving.listening()["reviews"].as_str().unwrap().to_owned();
    assert!(shown.contains(&format!("\nserving reviews at https://{address}/enforce/mutate, ")), "{shown}");
    serving.terminate();
    assert_eq!(serving.code(), Some(0));
}

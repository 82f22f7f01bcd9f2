//! What changes while `serve` runs: the policy document, and certificates in files.

use crate::run::{Folder, Serving, answer_of};
use apim_keyless::server::HttpsClient;
use apim_keyless::tls::Ca;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Runtime;

const POLICY: &str = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: NAME}, spec: {}}";

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_new_policy_document_counts_and_a_bad_one_is_told_and_changes_nothing() {
    let folder = Folder::with(&[("policy.yaml", &POLICY.replace("NAME", "first"))]);
    let serving = Serving::start(&folder, &["--policy", "policy.yaml"]);
    let health = serving.health();
    let policy = || {
        let review =
            fs::read_to_string(format!("{}/tests/reviews/deployment-with-key.json", env!("CARGO_MANIFEST_DIR")));
        let client =
            HttpsClient::new(&fs::read_to_string(folder.path("certs/ca.crt")).unwrap(), serving.reviews(), "localhost");
        let posted = Runtime::new().unwrap().block_on(client.unwrap().post(
            "/enforce/validate",
            "application/json",
            review.unwrap().into_bytes(),
        ));
        String::from_utf8(posted.unwrap().1.to_vec()).unwrap()
    };
    assert!(policy().contains(r#""policy":"first""#), "{}", policy());

    fs::write(folder.path("policy.yaml"), POLICY.replace("spec: {}", "spec: {rule: {}}")).unwrap();
    eventually("a remark", || answer_of(health, "/readyz").contains("the one before counts"));
    assert!(answer_of(health, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(answer_of(health, "/metrics").contains(r#"policy_reloads_total{outcome="unusable"} 1"#));
    assert!(policy().contains(r#""policy":"first""#));

    fs::write(folder.path("policy.yaml"), POLICY.replace("NAME", "second")).unwrap();
    eventually("the second", || policy().contains(r#""policy":"second""#));
    assert!(answer_of(health, "/readyz").ends_with("\r\n\r\nok"));
}

/// A CA, and a leaf of it in a folder as the kubelet mounts a Secret: files that are links into what `..data` links to.
fn mount(folder: &Path, version: &str) -> Ca {
    let now = SystemTime::now();
    let authority = Ca::create(now).unwrap();
    let leaf = authority.issue(&["localhost".to_owned()], now, Duration::from_hours(1)).unwrap();
    fs::create_dir_all(folder.join(version)).unwrap();
    fs::write(folder.join(version).join("tls.crt"), leaf.certificate_pem()).unwrap();
    fs::write(folder.join(version).join("tls.key"), leaf.key_pem()).unwrap();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        // they are there from the second time on
        _ = symlink(Path::new("..data").join(file), folder.join(file));
    }
    authority
}

fn shows(address: SocketAddr, authority: &Ca) -> bool {
    let client = HttpsClient::new(authority.certificate_pem(), address, "localhost").unwrap();
    Runtime::new().unwrap().block_on(client.post("/enforce/validate", "application/json", Vec::new())).is_ok()
}

#[test]
fn a_mounted_certificate_that_is_swapped_is_shown_and_half_a_pair_is_not() {
    let folder = Folder::with(&[]);
    let mounted = folder.path("mounted");
    let first = mount(&mounted, "..1");
    let arguments = ["--certificate-source", "files", "--certificates", "mounted", "--check-interval", "50ms"];
    let serving = Serving::start(&folder, &arguments);
    let address = serving.reviews();
    assert!(shows(address, &first));
    let second = mount(&mounted, "..2");
    eventually("the second certificate", || shows(address, &second));
    assert!(!shows(address, &first));

    // a key that is not there yet
    let certificate = fs::read(mounted.join("..1/tls.crt")).unwrap();
    fs::write(mounted.join("..2/tls.crt"), certificate).unwrap();
    eventually("a warning", || serving.stderr().contains("the certificate before stays"));
    assert!(shows(address, &second));
    let third = mount(&mounted, "..3");
    eventually("the third certificate", || shows(address, &third));
}

#[test]
fn what_is_kept_in_a_cluster_needs_one() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--certificate-source", "self-managed"]);
    assert_eq!(serving.code(), Some(2));
    assert_eq!(serving.stderr(), "error: self-managed certificates are kept in a cluster; add --cluster\n");
    let mut serving = Serving::start(&folder, &["--cluster", "--kubeconfig", "none"]);
    assert_eq!(serving.code(), Some(2));
    let told = serving.stderr();
    assert!(told.starts_with("error: cannot use the cluster: the kubeconfig none cannot be used: "), "{told}");
}

#[test]
fn files_that_are_no_pair_are_told_at_the_start() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--certificate-source", "files", "--certificates", "none"]);
    assert_eq!(serving.code(), Some(2));
    assert!(serving.stderr().starts_with("error: none/tls.crt: it is missing; put it there"), "{}", serving.stderr());
}

//! Hot reloads of `serve`: the policy document, and certificates in files.

use apim_keyless::server::HttpsClient;
use apim_keyless::tls::Ca;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use test_support::run::{Folder, Serving, http_get};
use tokio::runtime::Runtime;

const POLICY: &str = "{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, metadata: {name: NAME}, spec: {}}";

fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "timeout: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_new_policy_document_is_loaded_and_an_invalid_one_is_reported_and_changes_nothing() {
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
    eventually("the report", || http_get(health, "/readyz").contains("the previous policy stays in use"));
    assert!(http_get(health, "/readyz").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(http_get(health, "/metrics").contains(r#"policy_reloads_total{outcome="invalid"} 1"#));
    assert!(policy().contains(r#""policy":"first""#));

    fs::write(folder.path("policy.yaml"), POLICY.replace("NAME", "second")).unwrap();
    eventually("the second policy", || policy().contains(r#""policy":"second""#));
    assert!(http_get(health, "/readyz").ends_with("\r\n\r\nok"));
}

/// A CA, and a certificate of it in a folder as the kubelet mounts a Secret: the files are links into `..data`, which
/// is a link too.
fn mount(folder: &Path, version: &str) -> Ca {
    let now = SystemTime::now();
    let ca = Ca::create(now).unwrap();
    let certificate = ca.issue(&["localhost".to_owned()], now, Duration::from_hours(1)).unwrap();
    fs::create_dir_all(folder.join(version)).unwrap();
    fs::write(folder.join(version).join("tls.crt"), certificate.certificate_pem()).unwrap();
    fs::write(folder.join(version).join("tls.key"), certificate.key_pem()).unwrap();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for file in ["tls.crt", "tls.key"] {
        // from the second call on, the links exist
        _ = symlink(Path::new("..data").join(file), folder.join(file));
    }
    ca
}

/// Whether the server has a certificate of this CA.
fn serves(address: SocketAddr, ca: &Ca) -> bool {
    let client = HttpsClient::new(ca.certificate_pem(), address, "localhost").unwrap();
    Runtime::new().unwrap().block_on(client.post("/enforce/validate", "application/json", Vec::new())).is_ok()
}

#[test]
fn a_replaced_certificate_is_served_and_a_mismatched_pair_is_not() {
    let folder = Folder::with(&[]);
    let mounted = folder.path("mounted");
    let first = mount(&mounted, "..1");
    let arguments = ["--certificate-source", "files", "--certificates", "mounted", "--check-interval", "50ms"];
    let serving = Serving::start(&folder, &arguments);
    let address = serving.reviews();
    assert!(serves(address, &first));
    let second = mount(&mounted, "..2");
    eventually("the second certificate", || serves(address, &second));
    assert!(!serves(address, &first));

    // the certificate is replaced, its key is not yet
    let certificate = fs::read(mounted.join("..1/tls.crt")).unwrap();
    fs::write(mounted.join("..2/tls.crt"), certificate).unwrap();
    eventually("a warning", || serving.stderr().contains("the previous one stays in use"));
    assert!(serves(address, &second));
    let third = mount(&mounted, "..3");
    eventually("the third certificate", || serves(address, &third));
}

#[test]
fn self_managed_certificates_need_a_cluster() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--certificate-source", "self-managed"]);
    assert_eq!(serving.code(), Some(2));
    assert_eq!(
        serving.stderr(),
        "error: --certificate-source self-managed stores its CAs in a cluster; add --cluster\n"
    );
    let mut serving = Serving::start(&folder, &["--cluster", "--kubeconfig", "none"]);
    assert_eq!(serving.code(), Some(2));
    let stderr = serving.stderr();
    assert!(
        stderr.starts_with(
            "error: cannot use the cluster: none: the file does not exist; check the path of --kubeconfig"
        ),
        "{stderr}"
    );
}

#[test]
fn missing_certificate_files_are_an_error_at_startup() {
    let folder = Folder::with(&[]);
    let mut serving = Serving::start(&folder, &["--certificate-source", "files", "--certificates", "none"]);
    assert_eq!(serving.code(), Some(2));
    assert!(serving.stderr().starts_with("error: none/tls.crt: it is missing; create it"), "{}", serving.stderr());
}

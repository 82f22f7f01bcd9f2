//! `doctor` reaches the real API server as kubectl does, and explains why it cannot.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};
use std::fs;
use test_support::control_plane::ControlPlane;
use test_support::run::{Folder, RunOutput};

/// A kubeconfig with one context for each of these clusters and users, named after its place in the list.
fn kubeconfig(entries: &[(&str, Value, Value)]) -> String {
    let each = |field: &dyn Fn(&(&str, Value, Value)) -> Value| entries.iter().map(field).collect::<Value>();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": entries[0].0,
        "clusters": each(&|(name, cluster, _)| json!({"name": name, "cluster": cluster})),
        "users": each(&|(name, _, user)| json!({"name": name, "user": user})),
        "contexts": each(&|(name, ..)| json!({"name": name, "context": {"cluster": name, "user": name}})),
    })
    .to_string()
}

/// A client certificate that has expired, as a user.
fn expired() -> Value {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new([]).unwrap();
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2020, 1, 31);
    let certificate = parameters.self_signed(&key).unwrap();
    let (certificate, key) = (STANDARD.encode(certificate.pem()), STANDARD.encode(key.serialize_pem()));
    json!({"client-certificate-data": certificate, "client-key-data": key})
}

fn assert_said(ran: &RunOutput, reason: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, "nothing was checked; 1 part of the cluster could not be read\n"));
    let expected = format!("error: cannot use the cluster: {reason}");
    assert!(ran.stderr.starts_with(&expected) && ran.stderr.lines().count() == 1, "{expected}\n{}", ran.stderr);
}

#[allow(clippy::too_many_lines, reason = "a list of contexts")]
#[test]
fn the_real_api_server_is_reached_and_failures_are_explained() {
    let Some(control_plane) = ControlPlane::shared() else { return };
    let (address, ca) = (control_plane.address(), STANDARD.encode(control_plane.ca_pem()));
    let other_ca = {
        let key = KeyPair::generate().unwrap();
        STANDARD.encode(CertificateParams::new([]).unwrap().self_signed(&key).unwrap().pem())
    };
    let secure = |ca: &str| json!({"server": format!("https://{address}"), "certificate-authority-data": ca});
    let named = json!({"server": format!("https://{address}"), "certificate-authority-data": ca, "tls-server-name": "api.example"});
    let token = json!({"token": "unknown"});
    let text = kubeconfig(&[
        ("anonymous", secure(&ca), json!({})),
        ("unknown-ca", secure(&other_ca), json!({})),
        ("http", json!({"server": format!("http://{address}")}), json!({})),
        ("name", named, json!({})),
        ("expired", secure(&ca), expired()),
        ("token", secure(&ca), token),
    ]);
    let administrator = fs::read_to_string(control_plane.kubeconfig_file()).unwrap();
    let folder = Folder::with(&[("failing", &text), ("administrator", &administrator)]);
    let doctor = |context: &str| folder.run(&["doctor", "--kubeconfig", "failing", "--context", context]);
    let url = format!("https://{address}");
    assert_said(
        &doctor("unknown-ca"),
        &format!(
            "{url}: its certificate is issued by a CA that is not trusted; write the cluster's CA into certificate-authority-data of cluster unknown-ca in failing\n"
        ),
    );
    assert_said(
        &doctor("http"),
        &format!(
            "http://{address}: this port speaks HTTPS and not HTTP; write https:// in server of cluster http in failing\n"
        ),
    );
    assert_said(&doctor("name"), &format!("{url}: its certificate is for another name; use one of its names"));
    assert_said(
        &doctor("expired"),
        &format!(
            "{url}: it answered 401 Unauthorized: the client certificate of user expired in failing expired on Jan 31 00:00:00 2020 +00:00; log in again"
        ),
    );
    assert_said(
        &doctor("token"),
        &format!(
            "{url}: it answered 401 Unauthorized: it does not accept the credentials of user token in failing; log in again"
        ),
    );

    // reached: by KUBECONFIG with several files, by ~/.kube/config, and with --context
    let is_reached = |ran: &RunOutput| {
        assert!(ran.stdout.starts_with("\u{221a} Kubernetes is 1.30 or newer\n"), "{}", ran.everything());
    };
    is_reached(&folder.run_with(&[("KUBECONFIG", "administrator:failing")], &["doctor"]));
    is_reached(&folder.run_with(&[("KUBECONFIG", "failing:administrator")], &["doctor", "--context", "test"]));
    folder.write(".kube/config", administrator.as_bytes());
    is_reached(&folder.run(&["doctor"]));
    // nothing is installed here: --wait shows what does not pass, and ends
    let ran = folder.run(&["doctor", "--wait", "3s"]);
    assert!(ran.code != 0 && ran.stderr.starts_with("waiting up to 3s: "), "{}", ran.everything());
    assert!(ran.stderr.contains("deployment-missing"), "{}", ran.stderr);
}

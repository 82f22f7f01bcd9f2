//! `doctor` and a cluster that cannot be used: URL or file, cause and fix, said once. Real sockets.

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use test_support::report_schema::assert_valid;
use test_support::run::{Folder, RunOutput};

/// Words of the operating system, of Rust and of its libraries.
const FOREIGN: [&str; 7] = ["os error", "ServiceError", "hyper", "Some(", "kube::", "canary", "panic"];

/// A kubeconfig with one context, `prod`.
fn kubeconfig(cluster: &Value, user: &Value) -> String {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "prod",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    })
    .to_string()
}

/// The output of `doctor` with a kubeconfig `k`.
fn doctor(text: &str) -> RunOutput {
    Folder::with(&[("k", text)]).run(&["doctor", "--kubeconfig", "k"])
}

/// Asserts exit code 2, and one line on stderr: the cluster cannot be used, because of this.
fn assert_said(ran: &RunOutput, reason: &str) {
    let expected = format!("error: cannot use the cluster: {reason}");
    assert!(ran.stderr.starts_with(&expected), "{expected}\n{}", ran.everything());
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, "nothing was checked; 1 part of the cluster could not be read\n"));
    assert!(FOREIGN.iter().all(|word| !ran.stderr.contains(word)), "{}", ran.stderr);
}

/// A server that does this with each connection. It ends with the test process.
fn server(answer: impl Fn(TcpStream) + Send + Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream.unwrap()));
        }
    });
    port
}

/// Reads until nothing comes for a moment: a request, or the start of a TLS handshake.
fn read_some(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    _ = stream.read(&mut buffer);
}

/// Answers each request of a connection with this status line and body.
fn http(status: &'static str, body: &'static str) -> u16 {
    server(move |mut stream| {
        for _ in 0..2 {
            read_some(&mut stream);
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{body}");
            _ = stream.write_all(answer.as_bytes());
        }
    })
}

fn at(port: u16) -> String {
    kubeconfig(&json!({"server": format!("http://127.0.0.1:{port}")}), &json!({}))
}

#[test]
fn a_connection_that_fails_says_url_cause_and_fix() {
    let setting = "server of cluster c in k";
    let https = |port: u16| {
        kubeconfig(
            &json!({"server": format!("https://127.0.0.1:{port}"), "insecure-skip-tls-verify": true}),
            &json!({}),
        )
    };
    assert_said(
        &doctor(&https(1)),
        &format!("https://127.0.0.1:1: connection refused; start the API server, or correct {setting}\n"),
    );
    let unknown = kubeconfig(&json!({"server": "https://api.invalid:6443"}), &json!({}));
    assert_said(
        &doctor(&unknown),
        "https://api.invalid:6443: its host name cannot be resolved; connect to the network or VPN",
    );
    let closing = server(|mut stream| read_some(&mut stream));
    assert_said(
        &doctor(&https(closing)),
        &format!("https://127.0.0.1:{closing}: it closed the connection without an answer; check"),
    );
    assert_said(
        &doctor(&at(closing)),
        &format!("http://127.0.0.1:{closing}: it does not answer in HTTP; write https:// in {setting} if"),
    );
    let ssh = server(|mut stream| _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n"));
    assert_said(&doctor(&at(ssh)), &format!("http://127.0.0.1:{ssh}: it does not answer in HTTP; write https://"));
    assert_said(
        &doctor(&https(ssh)),
        &format!("https://127.0.0.1:{ssh}: this port does not speak HTTPS; write http://"),
    );
    let plain = http("400 Bad Request", "");
    assert_said(
        &doctor(&https(plain)),
        &format!("https://127.0.0.1:{plain}: this port does not speak HTTPS; write http://"),
    );
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let silent = server(|_stream| thread::sleep(Duration::from_mins(1)));
    assert_said(
        &doctor(&at(silent)),
        &format!("http://127.0.0.1:{silent}: it does not answer in time; check that VPN, proxy and firewall"),
    );
}

#[test]
fn an_answer_that_no_api_server_gives_is_explained_once() {
    let page = "<html>canary</html>";
    for (status, body, reason) in [
        (
            "200 OK",
            page,
            "it does not answer like an API server; check server of cluster c in k: it may name a proxy or a login page",
        ),
        ("200 OK", "{}", "it does not answer like an API server; check"),
        ("302 Found", page, "it answered 302 Found, which no API server does here; check server of cluster c in k"),
        (
            "400 Bad Request",
            "Client sent an HTTP request to an HTTPS server.\n",
            "this port speaks HTTPS and not HTTP; write https:// in server",
        ),
        (
            "401 Unauthorized",
            page,
            "it answered 401 Unauthorized: it does not accept the credentials of user u in k; log in again",
        ),
        ("403 Forbidden", page, "it answered 403 Forbidden, which no API server does here; check"),
        ("404 Not Found", page, "it answered 404 Not Found, which no API server does here; check"),
        (
            "500 Internal Server Error",
            page,
            "it answered 500 Internal Server Error; read why in the log of kube-apiserver",
        ),
        ("503 Service Unavailable", page, "it answered 503 Service Unavailable; try again"),
    ] {
        let port = http(status, body);
        assert_said(&doctor(&at(port)), &format!("http://127.0.0.1:{port}: {reason}"));
    }
}

#[test]
fn a_server_that_is_no_url_is_an_error() {
    for (server, cause) in [
        ("127.0.0.1:6443", "server of cluster c has no scheme"),
        ("api.example", "server of cluster c has no scheme"),
        ("", "cluster c has no server"),
        ("ftp://a", "server of cluster c begins with neither https:// nor http://"),
        ("https://", "server of cluster c has no host"),
        ("https://a b", "server of cluster c is not a URL"),
        ("https://a:99999", "server of cluster c has a port that is not a number from 1 to 65535"),
    ] {
        let ran = doctor(&kubeconfig(&json!({"server": server}), &json!({})));
        assert_said(&ran, &format!("k: {cause}; write https://HOST:PORT\n"));
    }
}

#[test]
fn a_file_that_is_no_kubeconfig_is_an_error() {
    for (text, reason) in [
        ("", "k: it holds no context, so it names no cluster; get one from"),
        (
            "apiVersion: apps/v1\nkind: Deployment\n",
            "k: this is a Deployment and not a kubeconfig (kind: Config); get one from",
        ),
        ("users: [", "k:1:8: this is not a kubeconfig in YAML; correct it here"),
        ("- a\n", "k:1:1: this is not a kubeconfig in YAML"),
        ("canary\n", "k:1:1: this is not a kubeconfig in YAML"),
        ("kind: Config\nclusters: {a: canary}\n", "k:2:11: this is not a kubeconfig in YAML"),
    ] {
        assert_said(&doctor(text), reason);
    }
    let folder = Folder::with(&[]);
    assert_said(
        &folder.run(&["doctor", "--kubeconfig", "k"]),
        "k: the file does not exist; check the path of --kubeconfig\n",
    );
    assert_said(&folder.run(&["doctor", "--kubeconfig", "."]), ".: this is a folder; name a file\n");
    folder.write("k", b"\xff\xfa");
    assert_said(&folder.run(&["doctor", "--kubeconfig", "k"]), "k: the file is not text in UTF-8; save it as UTF-8\n");
}

#[test]
fn a_context_that_is_incomplete_names_what_is_there() {
    let base = || -> Value {
        serde_json::from_str(&kubeconfig(&json!({"server": "http://127.0.0.1:1"}), &json!({}))).unwrap()
    };
    let with = |pointer: &str, value: Value| {
        let mut changed = base();
        *changed.pointer_mut(pointer).unwrap() = value;
        doctor(&changed.to_string())
    };
    assert_said(
        &with("/current-context", json!("")),
        "k: no current context is set; choose one with --context: prod\n",
    );
    assert_said(
        &with("/current-context", json!("dev")),
        "k: there is no context dev, which current-context names; choose one with --context: prod\n",
    );
    assert_said(
        &with("/contexts/0/context/cluster", json!("")),
        "k: context prod names no cluster; set cluster in the context to one of these: c\n",
    );
    assert_said(
        &with("/contexts/0/context/cluster", json!("d")),
        "k: context prod names cluster d, which is not there; set cluster in the context to one of these: c\n",
    );
    assert_said(
        &with("/contexts/0/context/user", json!("v")),
        "k: context prod names user v, who is not there; set user in the context to one of these: u\n",
    );
    let folder = Folder::with(&[("k", &base().to_string())]);
    let ran = folder.run(&["doctor", "--kubeconfig", "k", "--context", "dev"]);
    assert_said(&ran, "k: there is no context dev; choose one with --context: prod\n");
}

#[allow(clippy::too_many_lines, reason = "a list of credentials")]
#[test]
fn credentials_that_cannot_be_used_are_explained() {
    let of = |cluster: Value, user: Value| doctor(&kubeconfig(&cluster, &user));
    let cluster = || json!({"server": "https://127.0.0.1:1", "insecure-skip-tls-verify": true});
    assert_said(
        &of(json!({"server": "https://127.0.0.1:1", "certificate-authority-data": "%canary"}), json!({})),
        "k: certificate-authority-data of cluster c is not base64; write the PEM file as base64",
    );
    assert_said(
        &of(json!({"server": "https://127.0.0.1:1", "certificate-authority-data": "Y2FuYXJ5"}), json!({})),
        "k: the certificate authority of cluster c holds no certificate; replace it",
    );
    assert_said(
        &of(json!({"server": "https://127.0.0.1:1", "certificate-authority": "/nowhere/ca.crt"}), json!({})),
        "/nowhere/ca.crt: the file does not exist (certificate-authority of cluster c in k); check the path\n",
    );
    let exec = |exec: Value| of(cluster(), json!({"exec": exec}));
    assert_said(
        &exec(json!({"command": "no-such-plugin", "installHint": "Install it:\n  az aks install-cli\n"})),
        "k: user u: the credential plugin no-such-plugin is not installed; Install it: az aks install-cli\n",
    );
    assert_said(
        &exec(json!({"command": "no-such-plugin"})),
        "k: user u: the credential plugin no-such-plugin is not installed; install it, or add its folder to PATH\n",
    );
    assert_said(
        &exec(json!({"command": "sh", "args": ["-c", "echo log in >&2; exit 3"], "interactiveMode": "Never"})),
        "k: user u: the credential plugin sh failed with exit code 3 and the message: log in; run it in a shell, or log in again\n",
    );
    assert_said(
        &exec(json!({"command": "echo", "args": ["canary"], "interactiveMode": "Never"})),
        "k: user u: the credential plugin echo printed no ExecCredential with a status; run it",
    );
    for (user, reason) in [
        (
            json!({"token": "can\nary"}),
            "k: user u: the token has a line break or another character that HTTP does not allow; correct the token\n",
        ),
        (
            json!({"tokenFile": "/nowhere/token"}),
            "k: user u: the token file /nowhere/token cannot be read; check its path",
        ),
        (json!({"client-certificate-data": "%"}), "k: client-certificate-data of user u is not base64; "),
        (
            json!({"client-certificate": "/nowhere/a", "client-key": "/nowhere/b"}),
            "/nowhere/a: the file does not exist (client-certificate of user u in k); ",
        ),
        (json!({"client-certificate-data": "YQ=="}), "k: client-key of user u is missing; add it"),
        (
            json!({"auth-provider": {"name": "azure", "config": {}}}),
            "k: user u: the auth provider azure no longer exists; run: kubelogin convert-kubeconfig\n",
        ),
    ] {
        assert_said(&of(cluster(), user), reason);
    }
}

#[test]
fn the_kubeconfig_is_found_as_kubectl_finds_it() {
    let named = |port: u16| kubeconfig(&json!({"server": format!("http://127.0.0.1:{port}")}), &json!({}));
    let only_context = json!({"kind": "Config", "current-context": "prod"}).to_string();
    let folder = Folder::with(&[(".kube/config", &named(1)), ("a", &named(2)), ("b", &named(3)), ("c", &only_context)]);
    let refused = |port: u16, place: &str| {
        format!(
            "http://127.0.0.1:{port}: connection refused; start the API server, or correct server of cluster c in {place}"
        )
    };
    let home = folder.path(".kube/config").display().to_string();
    assert_said(&folder.run(&["doctor"]), &refused(1, &home));
    assert_said(&folder.run_with(&[("KUBECONFIG", "a:b")], &["doctor"]), &refused(2, "a, b (KUBECONFIG)"));
    assert_said(&folder.run_with(&[("KUBECONFIG", "nowhere:b")], &["doctor"]), &refused(3, "b (KUBECONFIG)"));
    assert_said(&folder.run_with(&[("KUBECONFIG", "c:b")], &["doctor"]), &refused(3, "c, b (KUBECONFIG)"));
    assert_said(&folder.run_with(&[("KUBECONFIG", "a")], &["doctor", "--kubeconfig", "b"]), &refused(3, "b"));
    assert_said(&folder.run_with(&[("KUBECONFIG", "")], &["doctor"]), &refused(1, &home));
    let nowhere = folder.run_with(&[("KUBECONFIG", "x:y")], &["doctor"]);
    assert_said(
        &nowhere,
        "--kubeconfig: it is not set, x, y (KUBECONFIG) does not exist or is empty, and this process does not run in a Pod; set --kubeconfig or KUBECONFIG, or get one",
    );
}

#[test]
fn a_proxy_is_named_and_not_used_for_this_machine() {
    let folder = Folder::with(&[("k", &at(1))]);
    let ran = folder.run_with(&[("HTTPS_PROXY", "http://127.0.0.1:2")], &["doctor", "--kubeconfig", "k"]);
    assert_said(&ran, "http://127.0.0.1:1: connection refused; ");
    let folder = Folder::with(&[("k", &kubeconfig(&json!({"server": "https://api.example:6443"}), &json!({})))]);
    let command = ["doctor", "--kubeconfig", "k"];
    let ran = folder.run_with(&[("HTTPS_PROXY", "http://user:canary@127.0.0.1:1")], &command);
    assert_said(
        &ran,
        "https://api.example:6443 (through the proxy http://127.0.0.1:1): the proxy opens no connection to it; check proxy-url",
    );
    let ran = folder.run_with(&[("HTTPS_PROXY", "http://127.0.0.1:1"), ("NO_PROXY", "api.example")], &command);
    assert!(ran.stderr.starts_with("error: cannot use the cluster: https://api.example:6443: "), "{}", ran.stderr);
}

#[test]
fn a_cluster_that_cannot_be_used_is_a_json_report_too() {
    let folder = Folder::with(&[("k", "users: [")]);
    for kubeconfig in ["k", "nowhere"] {
        let ran = folder.run(&["doctor", "--kubeconfig", kubeconfig, "--output", "json"]);
        let report = ran.json();
        assert_valid(&report);
        assert_eq!((ran.code, report["summary"]["failures"].as_u64(), &report["checks"]), (2, Some(1), &json!([])));
        let message = report["failures"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("cannot use the cluster: ") && message.contains("; "), "{message}");
    }
}

#[test]
fn waiting_ends_with_the_time_or_at_once_if_only_a_person_can_help() {
    let folder = Folder::with(&[("k", &at(1))]);
    let ran = folder.run(&["doctor", "--kubeconfig", "k", "--wait", "3s"]);
    let reason = "cannot use the cluster: http://127.0.0.1:1: connection refused";
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with(&format!("waiting up to 3s: {reason}")), "{}", ran.stderr);
    assert!(ran.code == 2 && lines[1].starts_with(&format!("error: {reason}")), "{}", ran.stderr);
    let ran = folder.run(&["doctor", "--kubeconfig", "nowhere", "--wait", "1h"]);
    assert_said(&ran, "nowhere: the file does not exist; check the path of --kubeconfig\n");
    let ran = folder.run(&["doctor", "--wait", "5"]);
    assert!(ran.code == 2 && ran.stderr.contains("write a number and a unit, such as 30s, 2m or 1h"), "{}", ran.stderr);
}

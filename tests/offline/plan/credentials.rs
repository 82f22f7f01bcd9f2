//! `--credentials`: what is configured, compared to the letter with what the gateways need.

use super::{CLIENT_ID, ISSUER, gateway, with};
use serde_json::{Value, json};
use test_support::run::{Folder, RunOutput};

/// A credential as az prints it.
fn credential(name: &str, issuer: &str, subject: &str, audience: &str) -> Value {
    json!({"id": "x", "name": name, "issuer": issuer, "subject": subject, "audiences": [audience], "description": null})
}

fn compare(manifests: &str, list: &Value, arguments: &[&str]) -> RunOutput {
    let folder = Folder::with(&[("gw.yaml", manifests), ("list.json", &list.to_string())]);
    folder.run(&[&["plan", "gw.yaml", "--issuer", ISSUER, "--credentials", "list.json"], arguments].concat())
}

const SUBJECT: &str = "system:serviceaccount:shop:orders";
const AUDIENCE: &str = "api://AzureADTokenExchange";

#[test]
fn a_difference_shows_expected_and_configured_side_by_side_and_fails() {
    let list = json!([credential("orders", ISSUER.trim_end_matches('/'), SUBJECT, AUDIENCE)]);
    let ran = compare(&gateway("shop", "orders"), &list, &[]);
    let expected = "error: federated credential orders: the issuer lacks the final slash; set its issuer to the expected value \
                    (Entra answers AADSTS700211)\n  expected:   \"https://issuer.example/id/\"\n  configured: \
                    \"https://issuer.example/id\"\n";
    assert!(ran.code == 1 && ran.stdout.ends_with(expected), "{}", ran.stdout);
    let script = compare(&gateway("shop", "orders"), &list, &["--output", "sh"]);
    assert!(script.code == 1 && script.stderr == expected, "{}", script.stderr);
}

#[test]
fn a_list_without_differences_passes() {
    let list = json!([
        credential("other", "https://other.example", SUBJECT, AUDIENCE),
        credential("orders", ISSUER, SUBJECT, AUDIENCE),
    ]);
    let ran = compare(&gateway("shop", "orders"), &list, &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(
        ran.stdout.ends_with("every needed federated credential is configured, and no character differs\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn the_json_has_every_difference() {
    let list = json!([
        credential("a", ISSUER, "system:serviceaccount:Shop:orders", AUDIENCE),
        credential("b", ISSUER, "system:serviceaccount:shop:invoices ", "x"),
    ]);
    let manifests = gateway("shop", "orders") + &gateway("shop", "invoices") + &gateway("shop", "refunds");
    let ran = compare(&manifests, &list, &["--output", "json"]);
    assert_eq!(ran.code, 1);
    let json = ran.json();
    let found: Vec<[&str; 3]> = json["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| ["credential", "field", "code"].map(|field| one[field].as_str().unwrap_or("-")))
        .collect();
    let expected = [
        ["b", "subject", "AADSTS700213"],
        ["b", "audience", "AADSTS700212"],
        ["a", "subject", "AADSTS7002138"],
        ["-", "subject", "AADSTS700213"],
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_limit_of_twenty_counts_what_is_configured() {
    let list: Vec<Value> = (0..20).map(|number| credential("c", ISSUER, &format!("s{number}"), AUDIENCE)).collect();
    let ran = compare(&gateway("shop", "orders"), &json!(list), &["--output", "sh"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    let message = format!(
        "delete credentials that are no longer used: the Entra app {CLIENT_ID} has 20 federated credentials, needs 1 more, \
         and can have 20"
    );
    assert!(ran.stderr.contains(&message), "{}", ran.stderr);
}

#[test]
fn mistakes_of_the_flag_say_what_to_write() {
    let two = gateway("shop", "orders") + &with("b", "b", "b", "contoso.configuration.azure-api.net", "{}");
    let ran = compare(&two, &json!([]), &[]);
    assert!(
        ran.stderr.contains("the gateways have 2 identities; write CLIENT-ID=FILE for each file"),
        "{}",
        ran.stderr
    );
    let folder = Folder::with(&[("gw.yaml", &two), ("list.json", "[]"), ("bad.json", "{")]);
    let run = |argument: &str, issuer: &[&str]| {
        folder.run(&[&["plan", "gw.yaml", "--credentials", argument], issuer].concat())
    };
    let issuer = ["--issuer", ISSUER];
    let known = run(&format!("{CLIENT_ID}=list.json"), &issuer);
    assert!(known.code == 1 && known.stdout.contains("AADSTS70025"), "{}", known.everything());
    let other = run("00000000-0000-0000-0000-000000000009=list.json", &issuer);
    assert!(other.code == 2 && other.stderr.contains("no gateway of the input has the client id"), "{}", other.stderr);
    run("none.json", &issuer).failed_with("error: --credentials: none.json: the file does not exist; check the path\n");
    assert!(run("bad.json", &issuer).stderr.contains("bad.json:1:1: the text is not JSON"));
    assert!(run("list.json", &[]).stderr.contains("--credentials: pass --issuer, too"));
}

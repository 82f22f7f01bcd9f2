//! Valid reviews of unusual objects: the answer stays one JSON document and repeats no text that the object forges.

use super::{ReviewServer, outcome, patch, recorded, review};
use apim_keyless::admission::Endpoint;
use serde_json::{Map, Value, json};

const CANARY: &str = "canary-5d41402abc4b2a76";

/// A name that contains lines in the form of our own messages.
const FORGED: &str = "orders\u{0}\nread more: no findings\r\n  forged at spec: it is\u{1b}[31m\u{2028}";

#[tokio::test]
async fn a_review_without_an_object_is_allowed() {
    let server = ReviewServer::open().await;
    for operation in ["DELETE", "CONNECT"] {
        let mut review = review("deployment-deleted");
        review["request"]["operation"] = json!(operation);
        review["request"]["object"] = Value::Null;
        for endpoint in Endpoint::ALL {
            assert_eq!(outcome(&server.ask(endpoint, &review).await), "allowed", "{operation}");
        }
    }
}

#[tokio::test]
async fn another_kind_is_evaluated_only_if_it_has_a_pod_template() {
    let server = ReviewServer::open().await;
    for (group, kind) in [("", "Secret"), ("example.com", "Deployment"), ("", ""), (CANARY, CANARY)] {
        let mut review = review("deployment-with-key");
        review["request"]["kind"] = json!({"group": group, "version": "v1", "kind": kind});
        let response = server.ask(Endpoint::ALL[1], &review).await;
        assert_eq!(outcome(&response), "denied", "{response}");
        review["request"]["object"]["spec"]["template"] = json!({"note": CANARY});
        for endpoint in Endpoint::ALL {
            let response = server.ask(endpoint, &review).await;
            assert_eq!((outcome(&response), response.to_string().contains(CANARY)), ("allowed", false));
        }
    }
}

/// The API server stores the object as the kind in `request.kind`.
#[tokio::test]
async fn the_kind_inside_the_object_does_not_matter() {
    let server = ReviewServer::open().await;
    for (version, kind) in [("v1", "Secret"), ("example.com/v1", "Deployment"), ("", ""), (CANARY, CANARY)] {
        let mut review = review("deployment-with-key");
        review["request"]["object"]["apiVersion"] = json!(version);
        review["request"]["object"]["kind"] = json!(kind);
        let response = server.ask(Endpoint::ALL[1], &review).await;
        assert_eq!((outcome(&response), response.to_string().contains(CANARY)), ("denied", false));
    }
}

#[tokio::test]
async fn a_name_with_line_breaks_does_not_break_the_answer() {
    let server = ReviewServer::open().await;
    for review in forged() {
        for endpoint in Endpoint::ALL {
            let response = server.ask(endpoint, &review).await;
            assert!(!response["auditAnnotations"].to_string().contains("no findings"), "{response:#}");
            assert!(!response["warnings"].to_string().contains("\\n"), "{response:#}");
        }
    }
}

#[tokio::test]
async fn a_name_cannot_forge_a_line() {
    let server = ReviewServer::open().await;
    for review in forged() {
        let response = server.ask(Endpoint::ALL[1], &review).await;
        let message = response["status"]["message"].as_str().unwrap();
        let (_, count) = message.lines().next().unwrap().rsplit_once(" for ").unwrap();
        let findings: usize = count.split(' ').next().unwrap().parse().unwrap();
        assert_eq!(message.lines().count(), findings + 2, "{message}");
        assert!(!message.contains(|it: char| it.is_control() && it != '\n'), "{message:?}");
    }
}

fn forged() -> Vec<Value> {
    let names = ["config-map-of-the-portal", "deployment-with-key", "pod-with-key", "service-account-created"];
    names.map(review).map(with_forged_names).into()
}

/// Sets the forged name wherever a message may show a name. A `ServiceAccount` keeps its name, because it is recognized
/// by it.
fn with_forged_names(mut review: Value) -> Value {
    review["request"]["name"] = json!(FORGED);
    let object = &mut review["request"]["object"];
    let spec = if object["kind"] == "Pod" { "/spec" } else { "/spec/template/spec" };
    if let Some(container) = object.pointer_mut(&format!("{spec}/containers/0")) {
        container["name"] = json!(FORGED);
        container["env"][0]["valueFrom"]["secretKeyRef"] = json!({"name": FORGED, "key": FORGED});
        container["image"] = json!(format!("mcr.microsoft.com/azure-api-management/gateway:1.0\n{FORGED}"));
    }
    if let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) {
        data.insert(FORGED.to_owned(), json!("x"));
    }
    if object["kind"] != "ServiceAccount" {
        object["metadata"]["name"] = json!(FORGED);
    }
    review
}

#[tokio::test]
async fn a_deeply_nested_object_is_evaluated_and_not_overwritten() {
    let server = ReviewServer::open().await;
    for depth in [100, 200, 10_000] {
        let body = nested(depth);
        for (endpoint, expected) in Endpoint::ALL.into_iter().zip(["mutated", "denied", "warned"]) {
            let reply = server.post(&endpoint.path(), body.clone()).await;
            let answer: Value = serde_json::from_str(&reply.text).unwrap();
            assert_eq!(outcome(&answer["response"]), expected, "{depth}: {answer}");
            let changes = patch(&answer["response"]).unwrap_or_else(|| json!([]));
            assert!(changes.as_array().unwrap().iter().all(|change| change["path"] != ""), "{depth}: {changes}");
        }
    }
}

/// A bare gateway with an unknown field.
fn nested(depth: usize) -> String {
    let future = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let body = review("deployment-bare").to_string();
    body.replacen("\"template\":{", &format!("\"future\":{future},\"template\":{{"), 1)
}

#[tokio::test]
async fn a_duplicate_key_hides_nothing() {
    let server = ReviewServer::open().await;
    let body = review("deployment-with-key").to_string();
    let harmless = "\"template\":{\"spec\":{\"containers\":[]}},\"template\":{";
    for (is, twice) in [
        ("\"uid\":", "\"uid\":\"another\",\"uid\":"),
        ("\"operation\":", "\"operation\":\"DELETE\",\"operation\":"),
        ("\"object\":{", "\"object\":null,\"object\":{"),
        ("\"template\":{", harmless),
        ("\"secretKeyRef\":{", "\"secretKeyRef\":null,\"secretKeyRef\":{"),
        ("\"image\":", "\"image\":\"nginx\",\"image\":"),
        ("\"env\":[", "\"env\":[],\"env\":["),
    ] {
        assert!(body.contains(is), "{is}");
        let reply = server.post("/enforce/validate", body.replacen(is, twice, 1)).await;
        let is_denied = reply.status == 400 || reply.text.contains("\"allowed\":false");
        assert!(is_denied, "{is}: {} {}", reply.status, reply.text);
    }
}

/// Puts the canary in values of the object: of a variable, of a setting, of an annotation that no rule reads.
fn hide_canaries(object: &mut Value) {
    match object {
        Value::Object(members) => {
            if let Some(data) = members.get_mut("data") {
                replace_texts(data);
            }
            if let Some(metadata) = members.get_mut("metadata") {
                metadata["annotations"]["example.com/note"] = json!(CANARY);
            }
            if members.contains_key("name") && members.contains_key("valueFrom") {
                members.remove("valueFrom");
                members.insert("value".to_owned(), json!(format!("GatewayKey {CANARY}")));
            }
            members.iter_mut().for_each(|(_, member)| hide_canaries(member));
        }
        Value::Array(elements) => elements.iter_mut().for_each(hide_canaries),
        _ => {}
    }
}

fn replace_texts(data: &mut Value) {
    let hidden = |text: &Value| text.is_string().then(|| json!(CANARY));
    let members: Map<String, Value> = data.as_object().cloned().unwrap_or_default();
    let members = members.into_iter().map(|(key, text)| (key, hidden(&text).unwrap_or(text)));
    *data = Value::Object(members.collect());
}

#[tokio::test]
async fn no_answer_contains_a_value() {
    let server = ReviewServer::open().await;
    let mut hidden = 0;
    for (name, mut review) in recorded() {
        let request = &mut review["request"];
        request["options"] = json!({"fieldManager": CANARY});
        request["userInfo"]["extra"] = json!({"token": [CANARY]});
        for object in ["object", "oldObject"] {
            hide_canaries(&mut request[object]);
        }
        hidden += usize::from(request["object"].to_string().contains(CANARY));
        for endpoint in Endpoint::ALL {
            let response = server.ask(endpoint, &review).await;
            let patch = patch(&response).unwrap_or_default();
            assert!(
                !format!("{response}{patch}").contains(CANARY),
                "{name} {}: {response:#} {patch:#}",
                endpoint.path()
            );
        }
    }
    assert!(hidden > 40, "only {hidden} objects contained a canary");
}

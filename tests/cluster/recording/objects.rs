//! Objects, and changes to them.

use serde_json::{Value, json};

/// The same Deployment as another product's: about as long, without any gateway mark.
pub(crate) fn as_other_application(deployment: &Value) -> Value {
    let product = [
        ("mcr.microsoft.com/azure-api-management/gateway", "contoso.example/ledger"),
        ("azure-api-management-gateway", "accounting-ledger-of-contoso"),
        ("self-hosted-gateway", "accounting-ledger"),
    ];
    let text = product.iter().fold(deployment.to_string(), |text, (of_gateway, other)| text.replace(of_gateway, other));
    serde_json::from_str(&text).unwrap()
}

pub(crate) fn team() -> Value {
    json!({"team": "payments"})
}

pub(crate) fn new_image(version: &str) -> Value {
    let image = format!("mcr.microsoft.com/azure-api-management/gateway:{version}");
    json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": image}])
}

/// The first object of this kind in a YAML stream.
pub(crate) fn one(yaml: &str, kind: &str) -> Value {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    documents.into_iter().find(|document| document["kind"] == kind).unwrap()
}

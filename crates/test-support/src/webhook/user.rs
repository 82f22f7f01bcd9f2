//! A user of the API server. Each call is one HTTP request, and returns the `Warning` headers as well.

use crate::control_plane::ControlPlane;
use axum::http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A user who works in one namespace.
pub struct User {
    client: Client,
    /// The namespace.
    pub namespace: String,
    /// The name of the impersonated user.
    impersonated: Option<String>,
    /// A group of the impersonated user besides `system:masters`.
    group: Option<String>,
}

/// The response to a call.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The object, or a Status.
    pub body: Value,
    /// The texts of the `Warning` headers.
    pub warnings: Vec<String>,
}

impl User {
    /// The administrator of a control plane without a webhook, in a new namespace with these labels and annotations.
    pub async fn administrator(control_plane: &ControlPlane, metadata: &Value) -> Self {
        let client = Client::try_from(control_plane.kube_config()).unwrap();
        let user = Self::new(client, metadata["name"].as_str().unwrap());
        let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        user.post("/api/v1/namespaces", &namespace).await.stored();
        user
    }

    /// The administrator of a control plane in an existing namespace.
    pub fn administrator_in(control_plane: &ControlPlane, namespace: &str) -> Self {
        Self::new(Client::try_from(control_plane.kube_config()).unwrap(), namespace)
    }

    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), impersonated: None, group: None }
    }

    /// The same under another user name, like `kubectl --as`.
    pub fn impersonating(&self, user: &str) -> Self {
        Self { impersonated: Some(user.to_owned()), ..Self::new(self.client.clone(), &self.namespace) }
    }

    /// The same as a member of a group, like `kubectl --as --as-group`.
    pub fn impersonating_member(&self, user: &str, group: &str) -> Self {
        Self { group: Some(group.to_owned()), ..self.impersonating(user) }
    }

    /// Creates an object in the user's namespace, even if the object names another one.
    pub async fn apply(&self, object: &Value) -> Response {
        self.apply_with(object, "").await
    }

    /// The same with a query, for example `?dryRun=All`.
    pub async fn apply_with(&self, object: &Value, query: &str) -> Response {
        let mut object = object.clone();
        object["metadata"]["namespace"] = Value::String(self.namespace.clone());
        self.post(&format!("{}{query}", path(&object, &self.namespace)), &object).await
    }

    /// Creates the objects in order.
    pub async fn apply_all(&self, objects: &[Value]) -> Vec<Response> {
        let mut responses = Vec::new();
        for object in objects {
            responses.push(self.apply(object).await);
        }
        responses
    }

    /// The stored form of an object of the user's namespace.
    pub async fn read(&self, object: &Value) -> Response {
        self.send(Method::GET, &self.path_of(object), None).await
    }

    /// Lists a resource of the user's namespace by its path: `/api/v1/namespaces/…/pods`.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.send(Method::GET, path, None).await.stored();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Patches an object, or a subresource of it (`/scale`), by JSON merge patch.
    pub async fn patch(&self, object: &Value, sub_resource: &str, patch: &Value) -> Response {
        self.patch_at(&format!("{}{sub_resource}", self.path_of(object)), patch).await
    }

    /// Patches an object with this media type.
    pub async fn patch_with(&self, object: &Value, media_type: &str, patch: &Value) -> Response {
        self.patch_with_at(object, "", media_type, patch).await
    }

    /// The same for a subresource of the object (`/scale`).
    pub async fn patch_with_at(&self, object: &Value, sub_resource: &str, media_type: &str, patch: &Value) -> Response {
        // only server-side apply accepts `force`
        let query = if media_type.contains("apply") { "?fieldManager=owner&force=true" } else { "" };
        let address = format!("{}{sub_resource}{query}", self.path_of(object));
        self.send(Method::PATCH, &address, Some((media_type, patch))).await
    }

    /// Replaces the object with the same name.
    pub async fn replace(&self, object: &Value) -> Response {
        self.send(Method::PUT, &self.path_of(object), Some(("application/json", object))).await
    }

    /// Deletes an object without a grace period.
    pub async fn delete(&self, object: &Value) -> Response {
        let path = format!("{}?gracePeriodSeconds=0", self.path_of(object));
        self.send(Method::DELETE, &path, None).await
    }

    /// Server-side apply.
    pub async fn server_side_apply(&self, object: &Value) -> Response {
        let mut object = object.clone();
        object["metadata"]["namespace"] = Value::String(self.namespace.clone());
        let path = format!("{}?fieldManager=owner", self.path_of(&object));
        self.send(Method::PATCH, &path, Some(("application/apply-patch+yaml", &object))).await
    }

    /// Server-side apply at a path of the API server with a query.
    pub async fn apply_at(&self, path: &str, object: &Value) -> Response {
        self.send(Method::PATCH, path, Some(("application/apply-patch+yaml", object))).await
    }

    /// A dry run of server-side apply, in the namespace that the object names, if any.
    pub async fn apply_dry(&self, object: &Value) -> Response {
        let query = "dryRun=All&fieldValidation=Strict&fieldManager=owner&force=true";
        let path = format!("{}?{query}", own_path(object));
        self.send(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    /// Replaces the object at a path of the API server.
    pub async fn put(&self, path: &str, body: &Value) -> Response {
        self.send(Method::PUT, path, Some(("application/json", body))).await
    }

    /// Patches the object at a path of the API server, by JSON merge patch.
    pub async fn patch_at(&self, path: &str, change: &Value) -> Response {
        self.send(Method::PATCH, path, Some(("application/merge-patch+json", change))).await
    }

    /// Deletes the object at a path of the API server.
    pub async fn remove(&self, path: &str) -> Response {
        self.send(Method::DELETE, path, None).await
    }

    /// Posts a body to a path of the API server.
    pub async fn post(&self, path: &str, body: &Value) -> Response {
        self.send(Method::POST, path, Some(("application/json", body))).await
    }

    /// Posts a text unchanged.
    pub async fn post_text(&self, path: &str, text: &str) -> Response {
        self.send_bytes(Method::POST, path, "application/json", text.as_bytes().to_vec()).await
    }

    /// Gets a path of the API server.
    pub async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None).await
    }

    /// Patches the user's Namespace.
    pub async fn patch_namespace(&self, patch: &Value) -> Response {
        self.patch_at(&format!("/api/v1/namespaces/{}", self.namespace), patch).await
    }

    /// The path of an object in the user's namespace.
    pub fn path_of(&self, object: &Value) -> String {
        format!("{}/{}", path(object, &self.namespace), object["metadata"]["name"].as_str().unwrap())
    }

    /// Sends a body of this media type.
    async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Response {
        let content_type = body.map_or("application/json", |(content_type, _)| content_type);
        let body = body.map(|(_, body)| serde_json::to_vec(body).unwrap()).unwrap_or_default();
        self.send_bytes(method, path, content_type, body).await
    }

    async fn send_bytes(&self, method: Method, path: &str, content_type: &str, body: Vec<u8>) -> Response {
        let mut request = Request::builder().method(method).uri(path).header("content-type", content_type);
        if let Some(user) = &self.impersonated {
            request = request.header("impersonate-user", user).header("impersonate-group", "system:masters");
        }
        if let Some(group) = &self.group {
            request = request.header("impersonate-group", group);
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.client.send(request).await.unwrap();
        let warnings =
            response.headers().get_all("warning").iter().map(|value| warning(value.to_str().unwrap())).collect();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Response {
            status,
            body: serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned())),
            warnings,
        }
    }
}

impl Response {
    /// The object. Fails if it was not stored.
    pub fn stored(self) -> Value {
        assert!(self.status < 300, "not stored: {} {}", self.status, self.body);
        self.body
    }

    /// The message of the denial. Fails if the webhook did not deny the object, or if the denial does not name exactly
    /// `rules`, in this order.
    pub fn denied(self, rules: &[&str]) -> String {
        let message = self.body["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((self.status, self.body["reason"].as_str()), (403, Some("Forbidden")), "{}", self.body);
        let named: Vec<&str> = message
            .lines()
            .filter_map(|line| line.strip_prefix("  ")?.split_once(" at "))
            .map(|(rule, _)| rule)
            .collect();
        assert_eq!(named, rules, "{message}");
        message
    }
}

/// How long a test waits for what happens sooner or later. It is long because a busy machine is slow; only a failed test
/// waits that long.
pub const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Waits until `done` returns a value, for at most [`LONGEST_WAIT`].
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut done: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = done().await {
            return value;
        }
        assert!(start.elapsed() < LONGEST_WAIT, "no success within {LONGEST_WAIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The objects of a YAML stream.
pub fn documents(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// The path of an object's resource in a namespace.
pub fn path(object: &Value, namespace: &str) -> String {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{namespace}/{}s", kind.to_lowercase())
}

/// The path of an object in the namespace that it names, or of a cluster-scoped object.
fn own_path(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let version = text("/apiVersion").unwrap();
    let root = if version.contains('/') { "apis" } else { "api" };
    let namespace = text("/metadata/namespace").map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    let kind = text("/kind").unwrap().to_lowercase();
    let resource = kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("/{root}/{version}{namespace}/{resource}/{}", text("/metadata/name").unwrap())
}

/// The text of a `Warning` header such as `299 - "text"`.
fn warning(header: &str) -> String {
    let text = header.split_once('"').map_or(header, |(_, text)| text);
    text.trim_end_matches('"').replace("\\\"", "\"").replace("\\\\", "\\")
}

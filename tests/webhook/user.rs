//! A user of the API server, one HTTP request a call.

use axum::http::{Method, Request};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A user at work in one namespace.
pub(crate) struct User {
    client: Client,
    /// The namespace.
    pub(crate) namespace: String,
    /// Whom the user claims to be, where that is somebody else.
    impersonated: Option<String>,
}

/// What comes back of a call.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// The object, or a Status.
    pub(crate) body: Value,
    /// The texts of the `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

impl User {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), impersonated: None }
    }

    /// The same under another name, as `kubectl --as` does it.
    pub(crate) fn impersonating(&self, user: &str) -> Self {
        Self { client: self.client.clone(), namespace: self.namespace.clone(), impersonated: Some(user.to_owned()) }
    }

    /// Creates an object in the user's namespace, whatever namespace it names itself.
    pub(crate) async fn apply(&self, object: &Value) -> Answer {
        self.apply_with(object, "").await
    }

    /// The same with a query, `?dryRun=All` say.
    pub(crate) async fn apply_with(&self, object: &Value, query: &str) -> Answer {
        let mut object = object.clone();
        object["metadata"]["namespace"] = Value::String(self.namespace.clone());
        self.post(&format!("{}{query}", path(&object, &self.namespace)), &object).await
    }

    /// Creates every object of a YAML stream, in order.
    pub(crate) async fn apply_all(&self, objects: &[Value]) -> Vec<Answer> {
        let mut answers = Vec::new();
        for object in objects {
            answers.push(self.apply(object).await);
        }
        answers
    }

    /// The stored form of an object of the user's namespace.
    pub(crate) async fn read(&self, object: &Value) -> Answer {
        self.send(Method::GET, &self.path_of(object), None).await
    }

    /// Lists a resource of the user's namespace by its path: `/api/v1/namespaces/…/pods`.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let list = self.send(Method::GET, path, None).await.stored();
        list["items"].as_array().cloned().unwrap_or_default()
    }

    /// Patches an object, or a subresource of it (`/scale`), by JSON merge patch.
    pub(crate) async fn patch(&self, object: &Value, sub_resource: &str, patch: &Value) -> Answer {
        self.patch_at(&format!("{}{sub_resource}", self.path_of(object)), patch).await
    }

    /// The same with a patch of this media type.
    pub(crate) async fn patch_with(&self, object: &Value, media_type: &str, patch: &Value) -> Answer {
        // only server-side apply may be forced
        let query = if media_type.contains("apply") { "?fieldManager=owner&force=true" } else { "" };
        self.send(Method::PATCH, &format!("{}{query}", self.path_of(object)), Some((media_type, patch))).await
    }

    /// Puts an object in the place of the one of its name.
    pub(crate) async fn replace(&self, object: &Value) -> Answer {
        self.send(Method::PUT, &self.path_of(object), Some(("application/json", object))).await
    }

    /// Deletes an object at once.
    pub(crate) async fn delete(&self, object: &Value) -> Answer {
        let path = format!("{}?gracePeriodSeconds=0", self.path_of(object));
        self.send(Method::DELETE, &path, None).await
    }

    /// Server-side apply.
    pub(crate) async fn server_side_apply(&self, object: &Value) -> Answer {
        let mut object = object.clone();
        object["metadata"]["namespace"] = Value::String(self.namespace.clone());
        let path = format!("{}?fieldManager=owner", self.path_of(&object));
        self.send(Method::PATCH, &path, Some(("application/apply-patch+yaml", &object))).await
    }

    /// Server-side apply that stores nothing, of an object in the namespace that it names itself, if any.
    pub(crate) async fn apply_dry(&self, object: &Value) -> Answer {
        let query = "dryRun=All&fieldValidation=Strict&fieldManager=owner&force=true";
        let path = format!("{}?{query}", own_path(object));
        self.send(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    /// Replaces what stands at a path of the API server.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(("application/json", body))).await
    }

    /// Patches what stands at a path of the API server, by JSON merge patch.
    pub(crate) async fn patch_at(&self, path: &str, change: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(("application/merge-patch+json", change))).await
    }

    /// Deletes what stands at a path of the API server.
    pub(crate) async fn remove(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Posts a body to a path of the API server.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(("application/json", body))).await
    }

    /// Posts a text as it is.
    pub(crate) async fn post_text(&self, path: &str, text: &str) -> Answer {
        self.send_bytes(Method::POST, path, ("application/json", text.as_bytes().to_vec())).await
    }

    /// What stands at a path of the API server.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Patches the user's namespace itself.
    pub(crate) async fn patch_namespace(&self, patch: &Value) -> Answer {
        self.patch_at(&format!("/api/v1/namespaces/{}", self.namespace), patch).await
    }

    pub(crate) fn path_of(&self, object: &Value) -> String {
        format!("{}/{}", path(object, &self.namespace), object["metadata"]["name"].as_str().unwrap())
    }

    /// Sends a body of this media type.
    async fn send(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Answer {
        let content_type = body.map_or("application/json", |(content_type, _)| content_type);
        let body = body.map(|(_, body)| serde_json::to_vec(body).unwrap()).unwrap_or_default();
        self.send_bytes(method, path, (content_type, body)).await
    }

    async fn send_bytes(&self, method: Method, path: &str, (content_type, body): (&str, Vec<u8>)) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", content_type);
        if let Some(user) = &self.impersonated {
            request = request.header("impersonate-user", user).header("impersonate-group", "system:masters");
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.client.send(request).await.unwrap();
        let warnings =
            response.headers().get_all("warning").iter().map(|value| warning(value.to_str().unwrap())).collect();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            status,
            body: serde_json::from_slice(&body)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned())),
            warnings,
        }
    }
}

impl Answer {
    /// The object, which must have been stored.
    pub(crate) fn stored(self) -> Value {
        assert!(self.status < 300, "refused: {} {}", self.status, self.body);
        self.body
    }

    /// The message of a refusal of ours, which must name each of `rules` and no other.
    pub(crate) fn refused(self, rules: &[&str]) -> String {
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

/// Waits until `done` gives something.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut done: impl FnMut() -> F) -> T {
    let start = Instant::now();
    loop {
        if let Some(it) = done().await {
            return it;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "it never came: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// The objects of a YAML stream.
pub(crate) fn documents(yaml: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    documents.into_iter().filter(|document| !document.is_null()).collect()
}

/// The path of an object's resource in a namespace.
pub(crate) fn path(object: &Value, namespace: &str) -> String {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let root = if version.contains('/') { "apis" } else { "api" };
    format!("/{root}/{version}/namespaces/{namespace}/{}s", kind.to_lowercase())
}

/// The path of an object in the namespace that it names, or in none.
fn own_path(object: &Value) -> String {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let version = text("/apiVersion").unwrap();
    let root = if version.contains('/') { "apis" } else { "api" };
    let namespace = text("/metadata/namespace").map(|name| format!("/namespaces/{name}")).unwrap_or_default();
    let kind = text("/kind").unwrap().to_lowercase();
    let resource = kind.strip_suffix('y').map_or(format!("{kind}s"), |kind| format!("{kind}ies"));
    format!("/{root}/{version}{namespace}/{resource}/{}", text("/metadata/name").unwrap())
}

/// The text of a header like `299 - "text"`.
fn warning(header: &str) -> String {
    let text = header.split_once('"').map_or(header, |(_, text)| text);
    text.trim_end_matches('"').replace("\\\"", "\"").replace("\\\\", "\\")
}

//! Installs a webhook under test and registers it as in production: with a Service in front of it.

use super::user::{User, documents, eventually};
use serde_json::{Value, json};

/// The namespace of an installation, and the name of its cluster-scoped objects, as in `deploy/install.yaml`.
const PRODUCTION: &str = "apim-keyless";

/// The label of the namespaces for which a webhook is registered that shares its control plane with others.
const LABEL: &str = "test-webhook";

/// The paths of the webhook configurations of a webhook that is alone in its control plane.
pub const CONFIGURATIONS: [&str; 2] = [
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/apim-keyless",
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/apim-keyless",
];

/// Where a webhook is installed, and for which namespaces it is registered.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    /// Its namespace, and the name of its cluster-scoped objects.
    name: String,
    /// Is it registered only for the namespaces with its own label?
    is_limited: bool,
}

impl Registration {
    /// The only webhook of its control plane, installed exactly as in production.
    pub(super) fn alone() -> Self {
        Self { name: PRODUCTION.to_owned(), is_limited: false }
    }

    /// The webhook that most tests use.
    pub(super) fn shared() -> Self {
        Self { name: PRODUCTION.to_owned(), is_limited: true }
    }

    /// A webhook of one test, in a control plane with others.
    pub(super) fn of_test(test: &str) -> Self {
        Self { name: format!("webhook-{test}"), is_limited: true }
    }

    /// Its namespace, and the name of its cluster-scoped objects.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The paths of its webhook configurations.
    pub(super) fn configurations(&self) -> [String; 2] {
        CONFIGURATIONS.map(|path| path.replace(PRODUCTION, &self.name))
    }

    /// The labels of a namespace for which it is registered, with this mode (`None`: without the label of the mode).
    pub(super) fn labels(&self, mode: Option<&str>) -> Value {
        let mut labels = mode.map_or(json!({}), |mode| json!({"apim-keyless.dev/mode": mode}));
        if self.is_limited {
            labels[LABEL] = json!(self.name);
        }
        labels
    }

    /// The objects of a rendering of the chart, for the namespace of this installation.
    pub(super) fn objects(&self, rendering: &str) -> Vec<Value> {
        let mut objects = documents(rendering);
        for object in &mut objects {
            self.rename(object);
        }
        objects
    }

    fn rename(&self, object: &mut Value) {
        let place = if object["metadata"]["namespace"].is_null() { "name" } else { "namespace" };
        object["metadata"][place] = json!(self.name);
        if object["roleRef"]["kind"] == "ClusterRole" {
            object["roleRef"]["name"] = json!(self.name);
        }
        for subject in items(&mut object["subjects"]) {
            subject["namespace"] = json!(self.name);
        }
        for resource in items(&mut object["rules"]).flat_map(|rule| items(&mut rule["resourceNames"])) {
            self.rename_text(resource);
        }
        for webhook in items(&mut object["webhooks"]) {
            self.rename_text(&mut webhook["clientConfig"]["service"]["namespace"]);
            let selector = &mut webhook["namespaceSelector"];
            let terms = items(&mut selector["matchExpressions"]);
            terms.flat_map(|term| items(&mut term["values"])).for_each(|value| self.rename_text(value));
            if self.is_limited {
                selector["matchLabels"] = json!({LABEL: self.name});
            }
        }
    }

    fn rename_text(&self, text: &mut Value) {
        if *text == PRODUCTION {
            *text = json!(self.name);
        }
    }

    /// Creates the Service, registers the configurations of `deploy/install.yaml`, and waits until the API server calls
    /// both webhooks.
    pub(super) async fn register(&self, user: &User, port: u16) {
        let service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "apim-keyless"},
            // the API server connects to this machine as in production: through a Service, whose name it verifies in TLS
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 443}]},
        });
        user.apply(&service).await.stored();
        let metadata = json!({"name": self.awaited(), "labels": self.labels(Some("enforce"))});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
        user.post("/api/v1/namespaces", &namespace).await.stored();
        self.create(user, include_str!("../../../../deploy/install.yaml"), port).await;
    }

    /// Replaces the registered configurations with those of another rendering.
    pub(super) async fn register_instead(&self, user: &User, rendering: &str, port: u16) {
        self.unregister(user).await;
        self.create(user, rendering, port).await;
    }

    async fn create(&self, user: &User, rendering: &str, port: u16) {
        let mut configurations = self.objects(rendering);
        configurations.retain(|object| object["apiVersion"] == "admissionregistration.k8s.io/v1");
        for mut configuration in configurations {
            for webhook in items(&mut configuration["webhooks"]) {
                webhook["clientConfig"]["service"]["port"] = json!(port);
            }
            user.post(&collection(&configuration), &configuration).await.stored();
        }
        self.wait_until_called(user).await;
    }

    /// Deletes the configurations if they exist.
    pub(super) async fn unregister(&self, user: &User) {
        for path in self.configurations() {
            let response = user.remove(&path).await;
            assert!([200, 404].contains(&response.status), "{path}: {}", response.body);
        }
    }

    /// The enforced namespace in which dry runs show whether the API server calls the webhooks.
    fn awaited(&self) -> String {
        if self.is_limited { format!("awaited-{}", self.name) } else { "awaited".to_owned() }
    }

    /// Waits until the API server calls both webhooks. It notices each configuration and each caBundle at a different
    /// time, and until then it ignores failed calls of the mutating webhook (`failurePolicy: Ignore`).
    async fn wait_until_called(&self, user: &User) {
        let path = format!("/api/v1/namespaces/{}/configmaps?dryRun=All", self.awaited());
        let config_map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "awaited"}, "data": data});
        let denied = config_map(json!({"config.service.auth": "key"}));
        let mutated = config_map(
            json!({"config.service.endpoint": "https://contoso.configuration.azure-api.net", "gateway.name": "orders"}),
        );
        eventually("calls of both webhooks", || async {
            let denial = user.post(&path, &denied).await;
            let mutation = user.post(&path, &mutated).await;
            let method = mutation.body.pointer("/data/config.service.auth").and_then(Value::as_str);
            (denial.status == 403 && method == Some("workloadIdentity")).then_some(())
        })
        .await;
    }
}

/// The elements of a list; none if there is no list.
fn items(list: &mut Value) -> impl Iterator<Item = &mut Value> {
    list.as_array_mut().into_iter().flatten()
}

fn collection(configuration: &Value) -> String {
    let kind = configuration["kind"].as_str().unwrap().to_lowercase();
    format!("/apis/admissionregistration.k8s.io/v1/{kind}s")
}

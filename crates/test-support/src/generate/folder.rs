//! A folder of manifests as a repository of a platform team has them, for the measurement of `check`.
//!
//! The shapes are those of `tests/manifests`, of Microsoft's chart, of `kubectl get -o yaml` and of other applications.
//! The same number of files always has the same bytes.

use crate::project;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Files in a subfolder.
const FILES_PER_FOLDER: usize = 100;
/// Namespaces over which the objects are spread.
const NAMESPACES: usize = 200;

/// Writes `count` files into `folder`. Returns their bytes.
pub fn write(folder: &Path, count: usize) -> u64 {
    let shapes = shapes();
    let mut bytes = 0;
    for number in 0..count {
        let (extension, shape) = &shapes[number % shapes.len()];
        let text = shape.replace("NUMBER", &number.to_string()).replace("NAMESPACE", &namespace(number));
        let subfolder = folder.join(format!("{:03}", number / FILES_PER_FOLDER));
        fs::create_dir_all(&subfolder).unwrap();
        fs::write(subfolder.join(format!("{number:05}.{extension}")), &text).unwrap();
        bytes += text.len() as u64;
    }
    bytes
}

/// One line of JSON: a list with `count` gateways, as `kubectl get -o json | jq -c` prints it.
pub fn one_line(count: usize) -> String {
    let items: Vec<Value> = (0..count).map(gateway_of_cluster).collect();
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn namespace(number: usize) -> String {
    format!("team-{}", number % NAMESPACES)
}

/// The texts of the files and their extensions.
fn shapes() -> Vec<(&'static str, String)> {
    let folder = Path::new(project::FOLDER).join("tests/manifests");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let of_gateways = files.iter().map(|path| {
        let text = fs::read_to_string(path).unwrap();
        ("yaml", text.replace("namespace: apim\n", "namespace: NAMESPACE\n"))
    });
    let mut shapes: Vec<_> = of_gateways.filter(|(_, text)| text.len() < 12_000).collect();
    // other applications are the most of a repository
    let others = shapes.len();
    for index in 0..others {
        shapes.push(("yaml", application(index)));
        shapes.push(("yaml", application_of_cluster(index)));
        shapes.push(match index % 4 {
            0 => ("json", format!("{:#}", gateway_of_cluster(index))),
            1 => ("yaml", script(index)),
            2 => ("yaml", roles()),
            _ => ("yaml", definition(index)),
        });
    }
    shapes
}

const APPLICATION: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-NUMBER
  namespace: NAMESPACE
  labels: &labels
    app.kubernetes.io/name: app-NUMBER
    app.kubernetes.io/part-of: shop
spec:
  replicas: 3
  selector: {matchLabels: *labels}
  template:
    metadata:
      labels: *labels
      annotations: {prometheus.io/scrape: \"true\", prometheus.io/port: \"9090\"}
    spec:
      serviceAccountName: app-NUMBER
      securityContext: {runAsNonRoot: true, fsGroup: 2000}
      containers:
      - name: app
        image: registry.example/shop/app-NUMBER:1.NUMBER.0
        ports: [{name: http, containerPort: 8080}, {name: metrics, containerPort: 9090}]
        env:
        - name: DATABASE_URL
          valueFrom: {secretKeyRef: {name: app-NUMBER, key: url}}
        - {name: LOG_LEVEL, value: info}
        envFrom:
        - configMapRef: {name: app-NUMBER}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        readinessProbe: {httpGet: {path: /ready, port: http}, periodSeconds: 5}
        volumeMounts: [{name: cache, mountPath: /cache}]
      volumes: [{name: cache, emptyDir: {}}]
---
apiVersion: v1
kind: Service
metadata: {name: app-NUMBER, namespace: NAMESPACE}
spec:
  selector: {app.kubernetes.io/name: app-NUMBER}
  ports: [{port: 80, targetPort: http}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: app-NUMBER, namespace: NAMESPACE}
data:
";

fn application(index: usize) -> String {
    let mut text = APPLICATION.to_owned();
    for setting in 0..25 + index % 20 {
        writeln!(text, "  feature.{setting}.enabled: \"{}\"", setting % 2 == 0).unwrap();
    }
    text
}

/// A Deployment as the API server returns it, with managed fields and a status.
fn application_of_cluster(index: usize) -> String {
    let mut text = APPLICATION.split("\n---\n").next().unwrap().replace(
        "  namespace: NAMESPACE\n",
        "  namespace: NAMESPACE\n  resourceVersion: \"NUMBER\"\n  uid: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10\n  managedFields:\n  - manager: kubectl\n    operation: Apply\n    fieldsType: FieldsV1\n    fieldsV1:\n      f:spec:\n        f:replicas: {}\n        f:template:\n          f:spec:\n            f:containers:\n              k:{\"name\":\"app\"}:\n                .: {}\n                f:image: {}\n                f:env: {}\n",
    );
    text += "\nstatus:\n  availableReplicas: 3\n  observedGeneration: 4\n  conditions:\n";
    for condition in 0..2 + index % 3 {
        write!(
            text,
            "  - type: Condition{condition}\n    status: \"True\"\n    reason: MinimumReplicasAvailable\n    message: Deployment has minimum availability.\n    lastUpdateTime: \"2026-11-28T10:00:00Z\"\n"
        )
        .unwrap();
    }
    text
}

/// A ConfigMap with a script.
fn script(index: usize) -> String {
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: script-NUMBER\n  namespace: NAMESPACE\ndata:\n  run.sh: |\n    #!/bin/sh\n    set -eu\n".to_owned();
    for step in 0..90 + index {
        writeln!(text, "    echo \"step {step} of NUMBER\" && curl --fail --silent https://app-{step}.example/health")
            .unwrap();
    }
    text
}

fn roles() -> String {
    let mut text = String::new();
    for kind in ["Role", "ClusterRole"] {
        write!(
            text,
            "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: app-NUMBER\nrules:\n"
        )
        .unwrap();
        for resource in ["pods", "services", "configmaps", "secrets", "events"] {
            writeln!(text, "- apiGroups: [\"\"]\n  resources: [{resource}]\n  verbs: [get, list, watch]").unwrap();
        }
    }
    text
}

/// A custom resource definition with a schema.
fn definition(index: usize) -> String {
    let mut text = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: widgets-NUMBER.example.com\nspec:\n  group: example.com\n  scope: Namespaced\n  names: {kind: Widget, plural: widgets-NUMBER}\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n        properties:\n".to_owned();
    for property in 0..70 + index {
        writeln!(
            text,
            "          property{property}:\n            description: Property {property} of a widget, which a controller reads.\n            type: string"
        )
        .unwrap();
    }
    text
}

/// A gateway as the API server returns it, with findings.
fn gateway_of_cluster(number: usize) -> Value {
    let name = format!("gateway-{number}");
    let fields: Value = (0..12).map(|field| (format!("f:field-{field}"), json!({"f:a": {}, "f:b": {}}))).collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": namespace(number), "resourceVersion": "1", "labels": {"app": name},
            "managedFields": [{"manager": "kubectl", "operation": "Apply", "fieldsV1": fields}],
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "gateway",
                    "image": "mcr.microsoft.com/azure-api-management/gateway:2.9.0",
                    "ports": [{"name": "http", "containerPort": 8080}, {"name": "https", "containerPort": 8081}],
                    "env": [{"name": "config.service.auth",
                        "valueFrom": {"secretKeyRef": {"name": name, "key": "value"}}}],
                    "envFrom": [{"configMapRef": {"name": name}}],
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                }]},
            },
        },
        "status": {"replicas": 2, "conditions": [{"type": "Available", "status": "True"}]},
    })
}

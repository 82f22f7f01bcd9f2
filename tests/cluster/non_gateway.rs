//! Creates, changes and deletes objects of many kinds that belong to no gateway.

use serde_json::{Value, json};
use test_support::webhook::User;

/// The path of a resource (`NAMESPACE` stands for the user's namespace), and an object of it.
const OBJECTS: &[(&str, &str)] = &[
    ("api/v1/namespaces/NAMESPACE/configmaps", "{data: {LOG_LEVEL: info}}"),
    ("api/v1/namespaces/NAMESPACE/limitranges", "{spec: {limits: [{type: Pod, max: {cpu: '64'}}]}}"),
    (
        "api/v1/namespaces/NAMESPACE/persistentvolumeclaims",
        "{spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}",
    ),
    ("api/v1/namespaces/NAMESPACE/pods", "{spec: {containers: [{name: other, image: 'registry.example/other:1'}]}}"),
    ("api/v1/namespaces/NAMESPACE/resourcequotas", "{spec: {hard: {services: '1000'}}}"),
    ("api/v1/namespaces/NAMESPACE/secrets", "{stringData: {key: value}}"),
    ("api/v1/namespaces/NAMESPACE/services", "{spec: {selector: {app: other}, ports: [{port: 80}]}}"),
    (
        "apis/apps/v1/namespaces/NAMESPACE/deployments",
        "{spec: {selector: {matchLabels: {app: other}}, template: {metadata: {labels: {app: other}}, spec: {containers: [{name: other, image: 'registry.example/gateway:1', env: [{name: CONFIG, value: a}]}]}}}}",
    ),
    (
        "apis/apps/v1/namespaces/NAMESPACE/statefulsets",
        "{spec: {serviceName: other, selector: {matchLabels: {app: set}}, template: {metadata: {labels: {app: set}}, spec: {containers: [{name: other, image: 'registry.example/other:1'}]}}}}",
    ),
    (
        "apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers",
        "{spec: {maxReplicas: 2, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: other}}}",
    ),
    (
        "apis/batch/v1/namespaces/NAMESPACE/cronjobs",
        "{spec: {schedule: '0 2 * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: other, image: 'registry.example/other:1'}]}}}}}}",
    ),
    (
        "apis/batch/v1/namespaces/NAMESPACE/jobs",
        "{spec: {template: {spec: {restartPolicy: Never, containers: [{name: other, image: 'registry.example/other:1'}]}}}}",
    ),
    ("apis/coordination.k8s.io/v1/namespaces/NAMESPACE/leases", "{spec: {holderIdentity: other}}"),
    (
        "apis/discovery.k8s.io/v1/namespaces/NAMESPACE/endpointslices",
        "{addressType: IPv4, endpoints: [{addresses: [10.1.2.3]}]}",
    ),
    (
        "apis/networking.k8s.io/v1/namespaces/NAMESPACE/ingresses",
        "{spec: {defaultBackend: {service: {name: other, port: {number: 80}}}}}",
    ),
    ("apis/networking.k8s.io/v1/namespaces/NAMESPACE/networkpolicies", "{spec: {podSelector: {}}}"),
    (
        "apis/policy/v1/namespaces/NAMESPACE/poddisruptionbudgets",
        "{spec: {minAvailable: 1, selector: {matchLabels: {app: other}}}}",
    ),
    ("apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/roles", "{rules: []}"),
    (
        "apis/rbac.authorization.k8s.io/v1/namespaces/NAMESPACE/rolebindings",
        "{roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}",
    ),
    ("apis/rbac.authorization.k8s.io/v1/clusterroles", "{rules: []}"),
    ("apis/scheduling.k8s.io/v1/priorityclasses", "{value: 1}"),
    ("apis/storage.k8s.io/v1/storageclasses", "{provisioner: registry.example/other}"),
];

/// The API server's counters of failed webhook calls and of rejections by webhooks.
const FAILURES: [&str; 2] =
    ["apiserver_admission_webhook_fail_open_count", "apiserver_admission_webhook_rejection_count"];

/// Creates, changes and deletes an object of every resource, and returns the number of operations. Fails if the API
/// server rejects one, or if a webhook call fails.
pub(crate) async fn write_all(user: &User) -> usize {
    let before = failures(user).await;
    for (collection, object) in OBJECTS {
        let collection = format!("/{}", collection.replace("NAMESPACE", &user.namespace));
        let mut object: Value = serde_saphyr::from_str(object).unwrap();
        object["metadata"] = json!({"name": "non-gateway"});
        user.post(&collection, &object).await.stored();
        let path = format!("{collection}/non-gateway");
        user.patch_at(&path, &json!({"metadata": {"labels": {"changed": "true"}}})).await.stored();
        user.remove(&path).await.stored();
    }
    assert_eq!(failures(user).await, before, "the API server called a webhook of apim-keyless");
    3 * OBJECTS.len()
}

/// The current values of these counters.
pub(crate) async fn failures(user: &User) -> Vec<String> {
    let metrics = user.get("/metrics").await.body;
    let lines = metrics.as_str().unwrap().lines();
    lines.filter(|line| FAILURES.iter().any(|name| line.starts_with(name))).map(str::to_owned).collect()
}

//! Values for the chart: combinations that it must render, and values that it must reject.

/// Valid combinations: a name, and the values in the syntax of `helm --set-json`.
pub(crate) const MATRIX: &[(&str, &[&str])] = &[
    ("the defaults", &[]),
    ("no enforcement", &["enforcement=false"]),
    ("a whole cluster, audited", &["scope=\"cluster\""]),
    ("a whole cluster, enforced", &["scope=\"cluster\"", "defaultMode=\"enforce\""]),
    ("a whole cluster, no enforcement", &["scope=\"cluster\"", "enforcement=false"]),
    ("further namespaces excluded", &["excludedNamespaces=[\"monitoring\",\"kube-system\"]"]),
    ("swapped failure policies", &["failurePolicies={\"mutate\":\"Fail\",\"enforce\":\"Ignore\"}"]),
    ("a policy with every field", &[POLICY]),
    ("a whole cluster and a policy with every field", &["scope=\"cluster\"", POLICY]),
    ("further kinds", &[EXTRA_RESOURCES]),
    ("a whole cluster, further kinds and a policy", &["scope=\"cluster\"", EXTRA_RESOURCES, POLICY]),
    ("an image by its digest", &[DIGEST, "image.pullSecrets=[\"registry\"]", "image.pullPolicy=\"Always\""]),
    ("one replica without a drain", &["replicas=1", "drainSeconds=0"]),
    ("a long drain", &["drainSeconds=60"]),
    ("other resources", &["resources={\"requests\":{\"cpu\":\"1\",\"memory\":\"1Gi\"},\"limits\":null}"]),
    ("no class, selector or network policy", &["priorityClassName=\"\"", "nodeSelector=null", NO_NETWORK_POLICY]),
    ("other ports", &["ports={\"https\":9443,\"health\":9080}", "monitoring.serviceMonitor.enabled=true"]),
    ("a port", &["ports.https=10443"]),
    ("the network of the nodes", HOST_NETWORK),
    ("tolerations", &["tolerations=[{\"key\":\"system\",\"operator\":\"Exists\",\"effect\":\"NoSchedule\"}]"]),
    ("extra arguments", &["extraArguments=[\"--cache-mib=64\",\"--log-format=text\"]"]),
    ("traces", &["tracing.otlpEndpoint=\"http://collector.monitoring.svc:4317\""]),
    ("traces to the default port", &["tracing.otlpEndpoint=\"http://collector/otlp\""]),
    ("a narrow network policy", &["networkPolicy.apiServerPorts=[16443]", METRICS_FROM]),
    ("a certificate from files", &["certificates={\"source\":\"files\",\"secretName\":\"tls\"}", ANNOTATION]),
    ("cert-manager", &[CERT_MANAGER]),
    (
        "cert-manager with an issuer",
        &[CERT_MANAGER, "certificates.issuerRef={\"kind\":\"ClusterIssuer\",\"name\":\"a\"}"],
    ),
    ("its own namespace", &["createNamespace=true"]),
    ("an audit", &["audit.interval=\"1h\"", "excludedNamespaces=[\"monitoring\"]"]),
    ("an audit and a certificate from files", &["audit.interval=\"90m\"", "certificates.source=\"files\""]),
    ("no audit", &["audit.interval=0"]),
    ("an audit, alerts and the dashboard", &["audit.interval=\"90m\"", ALERTS, DASHBOARD]),
    ("monitoring", &["monitoring.serviceMonitor={\"enabled\":true,\"labels\":{\"release\":\"a\"}}", ALERTS]),
];

/// Values for a cluster whose API servers reach nodes but not Pods.
pub(crate) const HOST_NETWORK: &[&str] =
    &["hostNetwork=true", "dnsPolicy=\"ClusterFirstWithHostNet\"", "ports={\"https\":9443,\"health\":9080}"];

const POLICY: &str = r#"policy={
  "defaults": {"clientId": "00000000-0000-0000-0000-000000000003", "tenantId": "00000000-0000-0000-0000-00000000000A",
    "serviceAccount": "apim-gateway", "configMap": "apim-gateway-env", "minimumVersion": "2.12.0"},
  "namespaces": {"team-a": {"clientId": ["00000000-0000-0000-0000-000000000001"], "allowedSecrets": ["tracing"],
    "gatewayName": "orders", "minimumVersion": "2.100.0"}},
  "images": ["registry.example/apim/gateway", "registry.example:5000/a.b/gateway", "docker.io/apim/gateway"],
  "digests": {"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa": "2.11.1"},
  "rules": {"rolling-version": "enforce", "preview-version": "off", "retired-endpoint": false},
  "controlledPods": "enforce", "namespaceAnnotations": "ignore",
  "exceptions": [{"rule": "*", "namespace": "team-a", "name": "orders-*", "reason": "not a gateway", "expires": "2027-01-31"}]}"#;
const EXTRA_RESOURCES: &str = r#"extraResources=[
  {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"], "controllers": ["rollouts"]},
  {"apiGroups": ["apps.kruise.io", "argoproj.io"], "apiVersions": ["v1alpha1", "v1beta1"],
    "resources": ["clonesets", "statefulsets"], "controllers": ["kruise", "system:serviceaccount:kruise-system:kruise"]},
  {"apiGroups": ["serving.knative.dev"], "apiVersions": ["v1"], "resources": ["services"]}]"#;
const DIGEST: &str = "image.digest=\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"";
const NO_NETWORK_POLICY: &str = "networkPolicy.enabled=false";
const METRICS_FROM: &str =
    "networkPolicy.metricsFrom=[{\"namespaceSelector\":{\"matchLabels\":{\"kubernetes.io/metadata.name\":\"a\"}}}]";
const ANNOTATION: &str = "webhookAnnotations={\"injector.example/from\":\"tls\"}";
const CERT_MANAGER: &str = "certificates.source=\"cert-manager\"";
const DASHBOARD: &str = "monitoring.grafanaDashboard={\"enabled\":true,\"annotations\":{\"folder\":\"a\"}}";
const ALERTS: &str = "monitoring.prometheusRule={\"enabled\":true,\"labels\":{\"release\":\"a\"}}";

/// Invalid values, and a part of the error message.
pub(crate) const INVALID: &[(&str, &str)] = &[
    ("scope=\"optin\"", "'/scope': value must be one of 'opt-in', 'cluster'"),
    ("scoped=\"cluster\"", "additional properties 'scoped' not allowed"),
    ("defaultMode=\"off\"", "'/defaultMode': value must be one of 'audit', 'enforce'"),
    ("replicas=0", "'/replicas': minimum: got 0, want 1"),
    ("excludedNamespaces=\"a\"", "'/excludedNamespaces': got string, want array"),
    ("failurePolicies.audit=\"Fail\"", "'/failurePolicies': additional properties 'audit' not allowed"),
    ("policy.defaults.clientID=\"a\"", "'/policy/defaults': additional properties 'clientID' not allowed"),
    ("policy.defaults.minimumVersion=2.11", "'/policy/defaults/minimumVersion': got number, want string"),
    ("policy.defaults.minimumVersion=\"2.10.0\"", "'/policy/defaults/minimumVersion': '2.10.0' does not match"),
    ("policy.defaults.gatewayName=\"orders\"", "'/policy/defaults': additional properties 'gatewayName' not allowed"),
    ("policy.defaults.serviceAccount=[]", "minItems: got 0, want 1"),
    ("policy.namespaces={\"Team\":{}}", "invalid propertyName 'Team'"),
    ("policy.namespaceAnnotations=\"off\"", "'/policy/namespaceAnnotations': value must be one of 'honor', 'ignore'"),
    (
        "policy.exceptions=[{\"rule\":\"*\"}]",
        "'/policy/exceptions/0': missing properties 'namespace', 'name', 'reason'",
    ),
    ("policy.rules={\"rolling-versions\":\"off\"}", "'/policy/rules': additional properties 'rolling-versions' not"),
    ("policy.rules={\"rolling-version\":\"no\"}", "'/policy/rules/rolling-version': value must be one of 'off'"),
    ("policy.images=[\"registry.example/gateway:1\"]", "'/policy/images/0': 'registry.example/gateway:1' does not"),
    ("policy.images=[\"gateway\"]", "'/policy/images/0': 'gateway' does not match"),
    ("policy.images=[\"registry.example/a'||true\"]", "'/policy/images/0'"),
    ("policy.controlledPods=\"off\"", "'/policy/controlledPods': value must be one of 'audit', 'enforce'"),
    ("policy.controllers={\"argoproj.io\":\"a\"}", "'/policy': additional properties 'controllers' not allowed"),
    (
        "extraResources=[{\"resources\":[\"rollouts\"]}]",
        "'/extraResources/0': missing properties 'apiGroups', 'apiVersions'",
    ),
    ("extraResources[0].apiGroups=[\"apps\"]", "'/extraResources/0/apiGroups/0': 'apps' does not match pattern"),
    ("extraResources[0].apiVersions=[\"*\"]", "'/extraResources/0/apiVersions/0': '*' does not match pattern"),
    (
        "extraResources[0].resources=[\"rollouts/status\"]",
        "'/extraResources/0/resources/0': 'rollouts/status' does not",
    ),
    ("extraResources[0].controllers=[\"a'||true\"]", "'/extraResources/0/controllers/0'"),
    ("certificates.source=\"secret\"", "'/certificates/source': value must be one of 'self-managed'"),
    ("certificates.caBundle=\"a\"", "'/certificates': additional properties 'caBundle' not allowed"),
    ("image.digest=\"sha256:a\"", "'/image/digest': 'sha256:a' does not match"),
    ("hostNetwork=\"yes\"", "'/hostNetwork': got string, want boolean"),
    ("dnsPolicy=\"None\"", "'/dnsPolicy': value must be one of '', 'ClusterFirst'"),
    ("ports.https=443", "'/ports/https': minimum: got 443, want 1,024"),
    ("ports.health=70000", "'/ports/health': maximum: got 70,000, want 65,535"),
    ("ports.metrics=9090", "'/ports': additional properties 'metrics' not allowed"),
    ("audit.interval=60", "'/audit/interval': maximum: got 60, want 0"),
    ("audit.interval=\"hourly\"", "'/audit/interval': 'hourly' does not match"),
    ("audit.interval=\"0h\"", "'/audit/interval': '0h' does not match"),
    ("audit.every=\"1h\"", "'/audit': additional properties 'every' not allowed"),
    ("tracing.otlpEndpoint=\"https://collector\"", "'/tracing/otlpEndpoint': 'https://collector' does not match"),
    ("drainSeconds=-1", "'/drainSeconds': minimum: got -1, want 0"),
    ("extraArguments=[\"cache-mib=64\"]", "'/extraArguments/0': 'cache-mib=64' does not match"),
    ("extraArguments=[\"--room=64\"]", "extraArguments: write --cache-mib in place of --room (docs/upgrade.md)"),
    ("extraArguments=[\"--trust-hold=1m\"]", "extraArguments: write --propagation-delay in place of --trust-hold"),
];

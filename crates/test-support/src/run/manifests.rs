//! Manifests of a gateway `orders` in the namespace `shop`, one for each possible result of `check`.

/// It has no finding.
pub const KEYLESS: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  template:
    metadata:
      labels: {azure.workload.identity/use: "true"}
    spec:
      serviceAccountName: orders-identity
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - configMapRef: {name: orders-env}
"#;

/// It has one fixable finding: the label is missing.
pub const UNLABELED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  template:
    spec:
      serviceAccountName: orders-identity
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.11.1
        envFrom:
        - configMapRef: {name: orders-env}
";

/// It has one error: the version is too old.
pub const OUTDATED: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  template:
    metadata:
      labels: {azure.workload.identity/use: "true"}
    spec:
      serviceAccountName: orders-identity
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:2.9.0
        envFrom:
        - configMapRef: {name: orders-env}
"#;

/// It has one warning: the image tag is rolling.
pub const ROLLING: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata: {name: orders, namespace: shop}
spec:
  template:
    metadata:
      labels: {azure.workload.identity/use: "true"}
    spec:
      serviceAccountName: orders-identity
      containers:
      - name: gateway
        image: mcr.microsoft.com/azure-api-management/gateway:v2
        envFrom:
        - configMapRef: {name: orders-env}
"#;

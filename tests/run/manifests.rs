//! Manifests of a gateway `orders` in the namespace `shop`, one for each thing that can become of it.

/// Nothing is wrong with it.
pub(crate) const KEYLESS: &str = r#"apiVersion: apps/v1
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

/// One thing is missing that the webhook puts in: the label.
pub(crate) const UNLABELLED: &str = "apiVersion: apps/v1
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

/// One thing is refused: the version.
pub(crate) const OUTDATED: &str = r#"apiVersion: apps/v1
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

/// One thing is only remarked on: the version rolls.
pub(crate) const ROLLING: &str = r#"apiVersion: apps/v1
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

//! The policy document of the webhook under test.

/// The expectations for the gateways of the tests.
pub const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
kind: GatewayPolicy
metadata: {name: tests}
spec:
  defaults:
    clientId: 7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10
    serviceAccount: apim-gateway-workload-identity
    configMap: apim-gateway-env
  namespaces:
    chart-enforced:
      clientId: [00000000-0000-0000-0000-00000000000c, 11111111-2222-3333-4444-555555555555]
      serviceAccount: [identity-azure-api-management-gateway, azure-api-management-gateway]
  images: [registry.example/apim/gateway]
  exceptions:
  - {rule: auth-key-reference, namespace: exceptions, name: moving-*, reason: it moves, expires: 9999-12-31}
  - {rule: '*', namespace: exceptions, name: dashboard, reason: it is no gateway, expires: 9999-12-31}
  - {rule: '*', namespace: exceptions, name: expired-*, reason: it moved, expires: 2020-01-31}
  controllers:
    argoproj.io: ['system:serviceaccount:argo-rollouts:argo-rollouts']
    apps.kruise.io: ['system:serviceaccount:kruise-system:kruise-manager']
";

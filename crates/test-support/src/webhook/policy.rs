//! The policy document of the webhook under test.

/// The expectations for the gateways of the tests.
pub(super) const POLICY: &str = "apiVersion: apim-keyless.dev/v1alpha1
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
";

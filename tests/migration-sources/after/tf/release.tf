resource "helm_release" "orders" {
  name       = "orders"
  namespace  = "gateways"
  repository = "https://azure.github.io/api-management-self-hosted-gateway/helm-charts/"
  chart      = "azure-api-management-gateway"
  version    = "1.15.1"

  values = [
    yamlencode({
      gateway = {
        configuration = { uri = var.configuration_endpoint }
        auth = {
          azureAd = {
            app = {
              id = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"
            }
          }
          type = "WorkloadIdentity"
        }
        name = "orders"
      }
      secret = {
        createSecret = false
      }
    })
  ]

}

resource "helm_release" "orders" {
  name       = "orders"
  namespace  = "gateways"
  repository = "https://azure.github.io/api-management-self-hosted-gateway/helm-charts/"
  chart      = "azure-api-management-gateway"
  version    = "1.12.0"

  values = [
    yamlencode({
      gateway = {
        configuration = { uri = var.configuration_endpoint }
      }
    })
  ]

  set_sensitive {
    name  = "gateway.auth.key"
    value = var.gateway_token
  }
}

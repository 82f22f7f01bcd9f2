# the shop gateway
resource "kubernetes_secret" "token" {
  metadata {
    name      = "shop-token"
    namespace = "shop"
  }
  data = {
    value = "GatewayKey shop&202701010000&c2VjcmV0c2VjcmV0"
  }
}

resource "kubernetes_config_map" "shop" {
  metadata {
    name      = "shop-env"
    namespace = "shop"
  }
  data = {
    "config.service.endpoint" = var.configuration_endpoint # version 2
    "gateway.name"            = "shop"
    "config.service.auth"     = "workloadIdentity"
  }
}

resource "kubernetes_deployment" "shop" {
  metadata {
    name      = "shop"
    namespace = "shop"
  }

  spec {
    selector {
      match_labels = { app = "shop" }
    }
    template {
      metadata {
        labels = {
          app                           = "shop"
          "azure.workload.identity/use" = "true"
        }
      }
      spec {
        service_account_name = kubernetes_service_account_v1.shop_identity.metadata[0].name
        container {
          name  = "shop"
          image = "mcr.microsoft.com/azure-api-management/gateway:2.11.2" # moves

          env_from {
            config_map_ref {
              name = kubernetes_config_map.shop.metadata[0].name
            }
          }
        }
      }
    }
  }
}

resource "kubernetes_service_account_v1" "shop_identity" {
  metadata {
    name      = "apim-gateway-workload-identity"
    namespace = "shop"
    labels = {
      "azure.workload.identity/use" = "true"
    }
    annotations = {
      "azure.workload.identity/client-id" = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"
    }
  }
}

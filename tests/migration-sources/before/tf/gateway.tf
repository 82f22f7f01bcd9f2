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
        labels = { app = "shop" }
      }
      spec {
        container {
          name  = "shop"
          image = "mcr.microsoft.com/azure-api-management/gateway:v2" # moves

          env {
            name = "config.service.auth"
            value_from {
              secret_key_ref {
                name = kubernetes_secret.token.metadata[0].name
                key  = "value"
              }
            }
          }
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

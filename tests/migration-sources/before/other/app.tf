resource "kubernetes_config_map" "a" {
  data = {
    X__AccessToken = "SharedAccessSignature x&y&z"
  }
}

#!/bin/sh
set -e
kubectl create secret generic orders-token --namespace gateways --from-literal=value="GatewayKey orders&202701010000&c2VjcmV0c2VjcmV0"
helm upgrade --install apim azure-apim-gateway/azure-api-management-gateway \
  --namespace gateways --version 1.15.1 \
  --set gateway.name=apim \
  --set gateway.configuration.uri="$URI" \
  --set gateway.auth.azureAd.app.id=7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10 \
  --set gateway.auth.type=WorkloadIdentity \
  --set secret.createSecret=false

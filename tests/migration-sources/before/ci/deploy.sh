#!/bin/sh
set -e
kubectl create secret generic orders-token --namespace gateways --from-literal=value="GatewayKey orders&202701010000&c2VjcmV0c2VjcmV0"
helm upgrade --install apim azure-apim-gateway/azure-api-management-gateway \
  --namespace gateways --version 1.12.0 \
  --set gateway.name=='apim' \
  --set gateway.configuration.uri="$URI" \
  --set gateway.auth.key="$TOKEN"

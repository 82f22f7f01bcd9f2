// Modules with the CustomResourceDefinitions of kinds that the chart renders or that run gateways. Only their files are used; nothing is built.
module apim-keyless.dev/tests/helm/definitions

go 1.26

require (
	github.com/argoproj/argo-rollouts v1.10.1
	github.com/cert-manager/cert-manager v1.21.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

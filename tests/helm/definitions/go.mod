// Modules that hold the definitions of what the chart makes beyond Kubernetes' own kinds. Nothing of them is built.
module apim-keyless.dev/tests/helm/definitions

go 1.26

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

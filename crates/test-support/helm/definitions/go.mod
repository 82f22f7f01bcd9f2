// Modules with the CustomResourceDefinitions of kinds that the chart renders. Only their files are used; nothing is built.
module apim-keyless.dev/tests/helm/definitions

go 1.26

require (
	github.com/cert-manager/cert-manager v1.21.2
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

// Modules with the CustomResourceDefinitions of kinds that the chart renders, that run gateways or that the audit writes. Only their files are used; nothing is built.
module apim-keyless.dev/tests/helm/definitions

go 1.26

require (
	github.com/argoproj/argo-rollouts v1.10.1
	github.com/cert-manager/cert-manager v1.21.2
	github.com/kyverno/kyverno v1.19.1
	github.com/openreports/reports-api v0.2.1
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

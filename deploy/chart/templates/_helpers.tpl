{{/*
All objects have the fixed name apim-keyless: a cluster has one installation, and the API server calls webhooks in the
order of the names of their configurations, where ours must come before azure-wi-webhook-….
*/}}
{{- define "apim-keyless.selector" -}}
app.kubernetes.io/name: apim-keyless
{{- end }}

{{- define "apim-keyless.labels" -}}
{{ include "apim-keyless.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "apim-keyless.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Whether the webhook manages its own CA. If not, it needs no right to write certificates or caBundles. */}}
{{- define "apim-keyless.isSelfManaged" -}}
{{- if eq .Values.certificates.source "self-managed" }}true{{ end }}
{{- end }}

{{/* The DNS name by which the API server calls the webhook. */}}
{{- define "apim-keyless.host" -}}
apim-keyless.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Whether the webhook audits the cluster. If not, it needs no right for that. */}}
{{- define "apim-keyless.isAudited" -}}
{{- if not (has (.Values.audit.interval | toString) (list "" "0")) }}true{{ end }}
{{- end }}

{{/* The namespaces that are never evaluated, separated by commas: Kubernetes' own, ours, and those of the values. */}}
{{- define "apim-keyless.excludedNamespaces" -}}
{{- concat (list "kube-system" "kube-public" "kube-node-lease" .Release.Namespace) .Values.excludedNamespaces | uniq | join "," -}}
{{- end }}

{{/* The interval of the audit in seconds: a number and s, m, h or d. */}}
{{- define "apim-keyless.auditSeconds" -}}
{{- $interval := .Values.audit.interval | toString -}}
{{- $unit := dict "s" 1 "m" 60 "h" 3600 "d" 86400 | dig (regexFind "[smhd]$" $interval) 1 -}}
{{- mul (regexFind "^[0-9]+" $interval | int64) ($unit | int64) -}}
{{- end }}

{{/* The earlier names of flags, so that a flag that a replica does not know fails here and not in every Pod. */}}
{{- define "apim-keyless.renamedFlags" -}}
"--answer-timeout": --response-timeout
"--authority-secret": --ca-secret
"--authority-validity": --ca-validity
"--leaf-validity": --certificate-validity
"--retirement-margin": --ca-overlap
"--room": --cache-mib
"--trust-hold": --propagation-delay
{{- end }}

{{/*
The name of the CA that the chart lets cert-manager make. Where an earlier release has made one, its name stays: with
another CA, reviews fail at the next renewal, until every Pod has the new certificate.
*/}}
{{- define "apim-keyless.certManagerCa" -}}
{{- $earlier := "apim-keyless-authority" -}}
{{- ternary $earlier "apim-keyless-cert-manager-ca" (not (empty (lookup "v1" "Secret" .Release.Namespace $earlier))) -}}
{{- end }}

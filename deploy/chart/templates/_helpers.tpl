{{/*
The name of everything. It is fixed: a cluster has one apim-keyless, and webhooks are called in the order of the names
of their configurations, where it has to stand before azure-wi-webhook-….
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

{{/* Does the webhook look after its own CA? Else it needs to write nothing at all. */}}
{{- define "apim-keyless.isSelfManaged" -}}
{{- if eq .Values.certificates.source "self-managed" }}true{{ end }}
{{- end }}

{{/* One of the names that the API server knows the webhook by. */}}
{{- define "apim-keyless.host" -}}
apim-keyless.{{ .Release.Namespace }}.svc
{{- end }}

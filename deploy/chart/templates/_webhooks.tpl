{{/* Metadata of the webhook configurations. admissions.enforcer/disabled keeps AKS from rewriting the selectors. */}}
{{- define "apim-keyless.webhook.metadata" -}}
name: apim-keyless
labels:
  {{- include "apim-keyless.labels" . | nindent 2 }}
  admissions.enforcer/disabled: "true"
annotations:
  admissions.enforcer/disabled: "true"
  {{- if eq .Values.certificates.source "cert-manager" }}
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/apim-keyless
  {{- end }}
  {{- with .Values.webhookAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The endpoint of a webhook entry: a path of the Service. Whoever manages the CA writes the caBundle. */}}
{{- define "apim-keyless.webhook.client" -}}
admissionReviewVersions: [v1]
sideEffects: None
matchPolicy: Equivalent
clientConfig:
  service: {namespace: {{ .context.Release.Namespace }}, name: apim-keyless, port: 443, path: {{ .path }}}
{{- end }}

{{/*
Selects the namespaces of a mode. Kubernetes' own namespaces and ours are excluded by a label that nobody can change.
There is no objectSelector: a user who may label an object must not be able to exclude it from the webhook.
*/}}
{{- define "apim-keyless.webhook.namespaces" -}}
namespaceSelector:
  matchExpressions:
  - {{ include "apim-keyless.webhook.mode" . }}
  - {key: kubernetes.io/metadata.name, operator: NotIn, values: [{{ include "apim-keyless.excludedNamespaces" .context | replace "," ", " }}]}
{{- end }}

{{- define "apim-keyless.webhook.mode" -}}
{{- $values := .context.Values -}}
{{- $isDefault := and (eq $values.scope "cluster") (or (eq $values.defaultMode .mode) (not $values.enforcement)) -}}
{{- $other := ternary "audit" "enforce" (eq .mode "enforce") -}}
{{- if and $isDefault $values.enforcement -}}
{key: apim-keyless.dev/mode, operator: NotIn, values: [{{ $other }}, "off"]}
{{- else if $isDefault -}}
{key: apim-keyless.dev/mode, operator: NotIn, values: ["off"]}
{{- else if $values.enforcement -}}
{key: apim-keyless.dev/mode, operator: In, values: [{{ .mode }}]}
{{- else -}}
{key: apim-keyless.dev/mode, operator: In, values: [audit, enforce]}
{{- end -}}
{{- end }}

{{/*
The kinds that are evaluated. The validating webhooks also get the subresource of a Pod that can add a container;
pods/resize changes only resources, which no rule reads.
*/}}
{{- define "apim-keyless.webhook.rules" -}}
{{- $core := list "pods" -}}
{{- if eq .webhook "validate" }}{{ $core = append $core "pods/ephemeralcontainers" }}{{ end -}}
{{- $core = concat $core (list "podtemplates" "replicationcontrollers" "serviceaccounts" "configmaps") -}}
rules:
- {apiGroups: [""], apiVersions: [v1], resources: [{{ join ", " $core }}], operations: [CREATE, UPDATE], scope: Namespaced}
- {apiGroups: [apps], apiVersions: [v1], resources: [daemonsets, deployments, replicasets, statefulsets], operations: [CREATE, UPDATE], scope: Namespaced}
- {apiGroups: [batch], apiVersions: [v1], resources: [cronjobs, jobs], operations: [CREATE, UPDATE], scope: Namespaced}
{{- range .context.Values.extraResources }}
- {apiGroups: [{{ join ", " .apiGroups }}], apiVersions: [{{ join ", " .apiVersions }}], resources: [{{ join ", " .resources }}], operations: [CREATE, UPDATE], scope: Namespaced}
{{- end }}
{{- end }}

{{/* The conditions of all webhook entries for enforced namespaces. */}}
{{- define "apim-keyless.webhook.conditions" -}}
- name: changes-evaluated-part
  expression: |-
    {{- include "apim-keyless.condition.changesEvaluatedPart" . | nindent 4 }}
{{- if ne (.Values.policy.controlledPods | default "audit") "enforce" }}
- name: not-made-by-its-controller
  expression: |-
    {{- include "apim-keyless.condition.notMadeByItsController" . | nindent 4 }}
{{- end }}
{{- end }}

{{- define "apim-keyless.webhook.mightBeGateway" -}}
- name: might-be-gateway
  expression: |-
    {{- include "apim-keyless.condition.mightBeGateway" . | nindent 4 }}
{{- end }}

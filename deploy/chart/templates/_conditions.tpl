{{/*
The CEL expressions of the webhooks, each once. They only spare calls: the policy alone, sent everything, decides the
same. All are total, since under failurePolicy Fail an expression that errs refuses the write.
*/}}

{{/* Everything that may hold a Pod's spec: the object, and the template of whatever kind. */}}
{{- define "apim-keyless.condition.templates" -}}
[object, object.?template.orValue({}), object.?spec.?template.orValue({}), object.?spec.?jobTemplate.?spec.?template.orValue({})]
{{- end }}

{{- define "apim-keyless.condition.containers" -}}
[t.?spec.?containers.orValue([]), t.?spec.?initContainers.orValue([]), t.?spec.?ephemeralContainers.orValue([])]
{{- end }}

{{- define "apim-keyless.condition.showsItselfAGateway" -}}
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  t.?metadata.?labels[?'app.kubernetes.io/component'].orValue('') == 'self-hosted-gateway' ||
  t.?metadata.?labels[?'apim-keyless.dev/gateway'].orValue('') == 'true' ||
  {{ include "apim-keyless.condition.containers" . }}.exists(list, list.exists(c,
    c.?image.orValue('').matches('{{ include "apim-keyless.condition.images" . }}') ||
    c.?env.orValue([]).exists(e, e.name.matches('(?i)^config([.]|:|__)service([.]|:|__)')) ||
    c.?envFrom.orValue([]).exists(e, e.?prefix.orValue('') != '')))) ||
(request.kind.kind == 'ConfigMap' && object.?data.orValue({}).exists(k, k.matches('(?i)^config([.]|:|__)service([.]|:|__)'))) ||
(request.kind.kind == 'ServiceAccount' && (
  object.?metadata.?labels.orValue({}).exists(k, k.startsWith('azure.workload.identity/')) ||
  object.?metadata.?annotations.orValue({}).exists(k, k.startsWith('azure.workload.identity/'))))
{{- end }}

{{- define "apim-keyless.condition.showsItselfNoGateway" -}}
!(
{{ include "apim-keyless.condition.showsItselfAGateway" . }}
)
{{- end }}

{{/*
The repositories that hold the gateway, of the policy document as well. As in the policy, port 443 is as good as none,
and docker.io need not be written.
*/}}
{{- define "apim-keyless.condition.images" -}}
(?i)(^|/)azure-api-management/gateway([:@].*)?$
{{- range .Values.policy.images -}}
{{- $parts := splitn "/" 2 . -}}
{{- $path := $parts._1 | replace "." "[.]" -}}
{{- if eq $parts._0 "docker.io" -}}
|^((index[.])?docker[.]io(:443)?/)?{{ $path }}([:@].*)?$
{{- else -}}
|^{{ trimSuffix ":443" $parts._0 | replace "." "[.]" }}(:443)?/{{ $path }}([:@].*)?$
{{- end -}}
{{- end -}}
{{- end }}

{{/*
For a whole cluster, so that other teams' writes don't travel in vain: what shows itself no gateway can be one only by
what it takes from elsewhere, and a ServiceAccount by who runs under it.
*/}}
{{- define "apim-keyless.condition.mightBeOne" -}}
{{ include "apim-keyless.condition.showsItselfAGateway" . }} ||
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  {{ include "apim-keyless.condition.containers" . }}.exists(list, list.exists(c, c.?envFrom.orValue([]).size() > 0))) ||
(request.kind.kind == 'ConfigMap' && object.?data.orValue({}).exists(k, k.matches('(?i)^gateway([.]|:|__)name$'))) ||
(request.kind.kind == 'ServiceAccount' && object.metadata.name != 'default')
{{- end }}

{{- define "apim-keyless.condition.changesWhatIsJudged" -}}
request.operation != 'UPDATE' || request.?subResource.orValue('') != '' ||
{{- range list "metadata.?labels" "metadata.?annotations" "data" "binaryData" "template" "spec.?template" "spec.?jobTemplate" }}
object.?{{ . }}.orValue({}) != oldObject.?{{ . }}.orValue({}) ||
{{- end }}
object.?spec.?containers.orValue([]) != oldObject.?spec.?containers.orValue([]) ||
object.?spec.?initContainers.orValue([]) != oldObject.?spec.?initContainers.orValue([])
{{- end }}

{{/* The controller that makes something for an owner of this kind. */}}
{{- define "apim-keyless.condition.controllers" -}}
{'CronJob': 'cronjob', 'DaemonSet': 'daemon-set', 'Deployment': 'deployment', 'Job': 'job',
   'ReplicaSet': 'replicaset', 'ReplicationController': 'replication', 'StatefulSet': 'statefulset'}
{{- end }}

{{- define "apim-keyless.condition.notMadeByItsController" -}}
!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && o.kind in
  {{ include "apim-keyless.condition.controllers" . }} &&
  request.userInfo.username in ['system:kube-controller-manager', 'system:serviceaccount:kube-system:' +
  {{ include "apim-keyless.condition.controllers" . }}[o.kind] + '-controller'])
{{- end }}

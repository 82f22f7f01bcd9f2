{{/*
The CEL expressions of the matchConditions, each defined once. They only save calls: if every object were sent, the
policy would decide the same. Every expression is total, because under failurePolicy Fail an expression with an error
denies the write.
*/}}

{{/* All places that can hold a Pod's metadata and spec: the object itself, and the pod template of every kind. */}}
{{- define "apim-keyless.condition.templates" -}}
[object, object.?template.orValue({}), object.?spec.?template.orValue({}), object.?spec.?jobTemplate.?spec.?template.orValue({})]
{{- end }}

{{- define "apim-keyless.condition.containers" -}}
[t.?spec.?containers.orValue([]), t.?spec.?initContainers.orValue([]), t.?spec.?ephemeralContainers.orValue([])]
{{- end }}

{{/*
True for an object that can be recognized as a gateway's from the object alone, without related objects. A prefix of
envFrom counts, because it can make the name of any setting.
*/}}
{{- define "apim-keyless.condition.isRecognizableGateway" -}}
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  t.?metadata.?labels[?'app.kubernetes.io/component'].orValue('') == 'self-hosted-gateway' ||
  t.?metadata.?labels[?'apim-keyless.dev/gateway'].orValue('') == 'true' ||
  t.?spec.?volumes.orValue([]).exists(v, v.?image.?reference.orValue('').matches('{{ include "apim-keyless.condition.images" . }}')) ||
  {{ include "apim-keyless.condition.containers" . }}.exists(list, list.exists(c,
    c.?image.orValue('').matches('{{ include "apim-keyless.condition.images" . }}') ||
    c.?env.orValue([]).exists(e, e.name.matches('(?i)^((dotnet|aspnetcore)_)?config([.]|:|__)service([.]|:|__)')) ||
    c.?envFrom.orValue([]).exists(e, e.?prefix.orValue('') != '')))) ||
(request.kind.kind == 'ConfigMap' && object.?data.orValue({}).exists(k, k.matches('(?i)^((dotnet|aspnetcore)_)?config([.]|:|__)service([.]|:|__)'))) ||
(request.kind.kind == 'ServiceAccount' && (
  object.?metadata.?labels.orValue({}).exists(k, k.startsWith('azure.workload.identity/')) ||
  object.?metadata.?annotations.orValue({}).exists(k, k.startsWith('azure.workload.identity/'))))
{{- end }}

{{- define "apim-keyless.condition.isNotRecognizableGateway" -}}
!(
{{ include "apim-keyless.condition.isRecognizableGateway" . }}
)
{{- end }}

{{/*
A regular expression for the image repositories of the gateway, including `images` of the policy document. As in the
policy, port 443 equals no port, and docker.io may be omitted.
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
In scope cluster, this saves the calls for objects of other teams. An object that is not recognizable as a gateway's can
still be one: a workload by a ConfigMap or Secret that it references, a ServiceAccount by the workload that uses it.
*/}}
{{- define "apim-keyless.condition.mightBeGateway" -}}
{{ include "apim-keyless.condition.isRecognizableGateway" . }} ||
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  {{ include "apim-keyless.condition.containers" . }}.exists(list, list.exists(c, c.?envFrom.orValue([]).size() > 0))) ||
(request.kind.kind == 'ConfigMap' && object.?data.orValue({}).exists(k, k.matches('(?i)^((dotnet|aspnetcore)_)?gateway([.]|:|__)name$'))) ||
(request.kind.kind == 'ServiceAccount' && object.metadata.name != 'default')
{{- end }}

{{/* Of an update, only a change of an evaluated part is sent. Subresources are always sent. */}}
{{- define "apim-keyless.condition.changesEvaluatedPart" -}}
request.operation != 'UPDATE' || request.?subResource.orValue('') != '' ||
{{- range list "metadata.?labels" "metadata.?annotations" "data" "binaryData" "template" "spec.?template" "spec.?jobTemplate" }}
object.?{{ . }}.orValue({}) != oldObject.?{{ . }}.orValue({}) ||
{{- end }}
object.?spec.?containers.orValue([]) != oldObject.?spec.?containers.orValue([]) ||
object.?spec.?initContainers.orValue([]) != oldObject.?spec.?initContainers.orValue([])
{{- end }}

{{/* The controller that creates objects for an owner of this kind. */}}
{{- define "apim-keyless.condition.controllers" -}}
{'CronJob': 'cronjob', 'DaemonSet': 'daemon-set', 'Deployment': 'deployment', 'Job': 'job',
   'ReplicaSet': 'replicaset', 'ReplicationController': 'replication', 'StatefulSet': 'statefulset'}
{{- end }}

{{/* False for an object whose controlling owner has such a kind and whose requester is that kind's controller. */}}
{{- define "apim-keyless.condition.notMadeByItsController" -}}
!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && o.kind in
  {{ include "apim-keyless.condition.controllers" . }} &&
  request.userInfo.username in ['system:kube-controller-manager', 'system:serviceaccount:kube-system:' +
  {{ include "apim-keyless.condition.controllers" . }}[o.kind] + '-controller'])
{{- end }}

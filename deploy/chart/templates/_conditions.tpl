{{/*
The CEL expressions of the matchConditions, each defined once. They only save calls: if every object were sent, the
policy would decide the same.

Every expression is total and bounded. If an expression fails, or costs more than the API server allows (1,000,000 for
one, 2,500,000 for all of an entry), the API server denies the write under failurePolicy Fail, and skips the call under
Ignore. So an object beyond the bounds counts as recognizable as a gateway's, and the costliest object within all bounds
costs less than half of what is allowed: tests/cluster/large_objects.rs tries it.
*/}}

{{/*
The bounds, far above real objects. docs/security.md lists them. The elements of all containers of a pod template count
together, because their sum is what costs. The names of settings need no bound: their length excludes long names.
*/}}
{{- define "apim-keyless.condition.bounds" -}}
containers: 100
env: 2000
envFrom: 200
prefixLength: 64
volumes: 128
imageLength: 512
configMapKeys: 4000
serviceAccountKeys: 1000
ownerReferences: 100
{{- end }}

{{/* All places that can hold a Pod's metadata and spec: the object itself, and the pod template of every kind. */}}
{{- define "apim-keyless.condition.templates" -}}
[object, object.?template.orValue({}), object.?spec.?template.orValue({}), object.?spec.?jobTemplate.?spec.?template.orValue({})]
{{- end }}

{{- define "apim-keyless.condition.containers" -}}
t.?spec.?containers.orValue([]) + t.?spec.?initContainers.orValue([]) + t.?spec.?ephemeralContainers.orValue([])
{{- end }}

{{/*
True for an object that can be recognized as a gateway's from the object alone, without related objects, and for one
beyond the bounds.
*/}}
{{- define "apim-keyless.condition.isRecognizableGateway" -}}
{{- $bounds := include "apim-keyless.condition.bounds" . | fromYaml -}}
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  t.?metadata.?labels[?'app.kubernetes.io/component'].orValue('') == 'self-hosted-gateway' ||
  t.?metadata.?labels[?'apim-keyless.dev/gateway'].orValue('') == 'true' ||
  t.?spec.?volumes.orValue([]).size() > {{ $bounds.volumes }} ||
  t.?spec.?volumes.orValue([]).exists(v, {{ include "apim-keyless.condition.isImage" (dict "context" . "bounds" $bounds "image" "v.?image.?reference.orValue('')") | indent 4 | trim }}) ||
  [{{ include "apim-keyless.condition.containers" . }}].exists(list,
    list.size() > {{ $bounds.containers }} ||
    list.map(c, c.?env.orValue([]).size()).sum() > {{ $bounds.env }} ||
    list.map(c, c.?envFrom.orValue([]).size()).sum() > {{ $bounds.envFrom }} ||
    list.exists(c,
      {{ include "apim-keyless.condition.isImage" (dict "context" . "bounds" $bounds "image" "c.?image.orValue('')") | indent 6 | trim }} ||
      c.?env.orValue([]).exists(e, {{ include "apim-keyless.condition.isSetting" (dict "name" "e.?name.orValue('')") | indent 8 | trim }}) ||
      c.?envFrom.orValue([]).exists(e, {{ include "apim-keyless.condition.isPrefix" (dict "bounds" $bounds "prefix" "e.?prefix.orValue('')") | indent 8 | trim }})))) ||
(request.kind.kind == 'ConfigMap' && (
  object.?data.orValue({}).size() > {{ $bounds.configMapKeys }} ||
  object.?data.orValue({}).exists(k, {{ include "apim-keyless.condition.isSetting" (dict "name" "k") | indent 4 | trim }}))) ||
(request.kind.kind == 'ServiceAccount' && (
  object.?metadata.?labels.orValue({}).size() + object.?metadata.?annotations.orValue({}).size() > {{ $bounds.serviceAccountKeys }} ||
  object.?metadata.?labels.orValue({}).exists(k, k.startsWith('azure.workload.identity/')) ||
  object.?metadata.?annotations.orValue({}).exists(k, k.startsWith('azure.workload.identity/'))))
{{- end }}

{{/* True for every object that the entry with failurePolicy Fail does not get. */}}
{{- define "apim-keyless.condition.isNotRecognizableGateway" -}}
!(
{{ include "apim-keyless.condition.isRecognizableGateway" . }}
) ||
({{ include "apim-keyless.condition.isWorkloadBeingDeleted" . }})
{{- end }}

{{/*
True for an image of the gateway, from Microsoft's repository in any registry or from `images` of the policy document,
and for a name that is too long for a registry. As in the policy, port 443 equals no port, and docker.io may be omitted.
`images` are compared in a list, because the cost of a regular expression grows with its length. On Kubernetes 1.30
lastIndexOf fails for an empty text.
*/}}
{{- define "apim-keyless.condition.isImage" -}}
{{ .image }}.size() > {{ .bounds.imageLength }} ||
{{ .image }}.matches('(?i)(^|/)azure-api-management/gateway([:@][^/]*)?$')
{{- with .context.Values.policy.images }} ||
[{{ $.image }}.lowerAscii().split('@')[0]].exists(i, i != '' &&
  (i.lastIndexOf(':') > i.lastIndexOf('/') ? i.substring(0, i.lastIndexOf(':')) : i).replace(':443/', '/') in [
    {{- range $index, $image := . }}{{ if $index }}, {{ end }}{{ include "apim-keyless.condition.repositories" $image }}{{ end }}])
{{- end }}
{{- end }}

{{/* The ways to write an image repository, in lower case and without port 443. */}}
{{- define "apim-keyless.condition.repositories" -}}
{{- $parts := splitn "/" 2 (lower .) -}}
{{- if has $parts._0 (list "docker.io" "index.docker.io") -}}
{{- $paths := list $parts._1 (trimPrefix "library/" $parts._1) | uniq -}}
{{- $all := list -}}
{{- range $paths }}{{ $all = concat $all (list . (printf "docker.io/%s" .) (printf "index.docker.io/%s" .)) }}{{ end -}}
'{{ join "', '" $all }}'
{{- else -}}
'{{ trimSuffix ":443" $parts._0 }}/{{ $parts._1 }}'
{{- end -}}
{{- end }}

{{/*
True for the name of a documented setting with which a gateway finds its configuration API and authenticates to it, in
every spelling that .NET accepts. The length excludes most names at a small cost, and all long ones.
*/}}
{{- define "apim-keyless.condition.isSetting" -}}
{{ .name }}.size() >= {{ len "config.service.auth" }} && {{ .name }}.size() <= {{ len "aspnetcore_config__service__auth__azuread__certificatepath" }} &&
[{{ .name }}.lowerAscii().replace('__', '.').replace(':', '.').split('config.service.')].exists(p,
  p.size() == 2 && p[0] in ['', 'dotnet_', 'aspnetcore_'] && p[1] in ['endpoint', 'auth', 'auth.key', 'auth.tokenaudience',
    'auth.azuread.authority', 'auth.azuread.certificatepath', 'auth.azuread.clientid', 'auth.azuread.clientsecret', 'auth.azuread.tenantid'])
{{- end }}

{{/*
True for a prefix of envFrom that is the beginning of such a setting: some key can complete it. A last underscore can
form the separator `__` with the first one of the key. The ConfigMap alone does not show such a key.
*/}}
{{- define "apim-keyless.condition.isPrefix" -}}
{{ .prefix }} != '' && ({{ .prefix }}.size() > {{ .bounds.prefixLength }} ||
['', '_'].exists(end, [({{ .prefix }} + end).lowerAscii().replace('__', '.').replace(':', '.')].exists(p,
  ['config.service.', 'dotnet_config.service.', 'aspnetcore_config.service.'].exists(s, s.startsWith(p) || p.startsWith(s)))))
{{- end }}

{{/*
This saves the calls for objects of other teams. An object that is not recognizable as a gateway's can still be one: a
workload by a ConfigMap that it references, a ConfigMap or ServiceAccount because it is expected.
Not sent is a ConfigMap that only an annotation of the Namespace names and that has none of the settings: a gateway that
takes it is denied for lack of an endpoint.
*/}}
{{- define "apim-keyless.condition.mightBeGateway" -}}
{{- $expected := list "apim-gateway-env" -}}
{{- range concat (list (.Values.policy.defaults | default dict)) (values (.Values.policy.namespaces | default dict)) -}}
{{- with .configMap }}{{ $expected = concat $expected (kindIs "slice" . | ternary . (list .)) }}{{ end -}}
{{- end -}}
{{ include "apim-keyless.condition.isRecognizableGateway" . }} ||
{{ include "apim-keyless.condition.templates" . }}.exists(t,
  ({{ include "apim-keyless.condition.containers" . }}).exists(c, c.?envFrom.orValue([]).size() > 0)) ||
(request.kind.kind == 'ConfigMap' && (
  object.?metadata.?name.orValue('') in ['{{ join "', '" ($expected | uniq | sortAlpha) }}'] ||
  (request.operation == 'UPDATE' ? [object, oldObject] : [object]).exists(o,
    o.?data.orValue({}).size() > 64 ||
    o.?data.orValue({}).exists(k, k.matches('(?i)^((dotnet|aspnetcore)_)?gateway([.]|:|__)name$') ||
      {{ include "apim-keyless.condition.isSetting" (dict "name" "k") | indent 6 | trim }})))) ||
request.kind.kind == 'ServiceAccount'
{{- end }}

{{/*
False for an object to which the mutating webhook adds nothing, whatever the related objects and the policy are: it has
everything that a rule can set. It is true beyond the bounds, for an expression that costs too much skips the call.
*/}}
{{- define "apim-keyless.condition.lacksSomething" -}}
{{- $bounds := include "apim-keyless.condition.bounds" . | fromYaml -}}
request.kind.kind == 'ServiceAccount' ? (
  !object.?metadata.?labels[?'azure.workload.identity/use'].hasValue() ||
  object.?metadata.?annotations[?'azure.workload.identity/client-id'].orValue('') == '') :
request.kind.kind == 'ConfigMap' ? (
  !object.?data[?'config.service.auth'].hasValue() || object.?data[?'gateway.name'].orValue('') == '') :
{{ include "apim-keyless.condition.templates" . }}.exists(t, t.?spec.?containers.orValue([]).size() > 0 && (
  !t.?metadata.?labels[?'azure.workload.identity/use'].hasValue() ||
  t.?spec.?serviceAccountName.orValue('') in ['', 'default'] ||
  t.spec.containers.size() > {{ $bounds.containers }} ||
  t.spec.containers.map(c, c.?envFrom.orValue([]).size()).sum() > {{ $bounds.envFrom }} ||
  t.spec.containers.exists(c, !c.?envFrom.orValue([]).exists(e,
    e.?prefix.orValue('') == '' && e.?configMapRef.?name.orValue('') != ''))))
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

{{/*
False for an object whose controlling owner has such a kind and whose requester is that kind's controller. For an owner
in an API group of extraResources, the requester is one of the controllers there.
*/}}
{{- define "apim-keyless.condition.notMadeByItsController" -}}
{{- $bounds := include "apim-keyless.condition.bounds" . | fromYaml -}}
object.?metadata.?ownerReferences.orValue([]).size() > {{ $bounds.ownerReferences }} ||
!object.?metadata.?ownerReferences.orValue([]).exists(o, o.?controller.orValue(false) && (o.kind in
  {{ include "apim-keyless.condition.controllers" . }} &&
  request.userInfo.username in ['system:kube-controller-manager', 'system:serviceaccount:kube-system:' +
  {{ include "apim-keyless.condition.controllers" . }}[o.kind] + '-controller']
{{- range $resource := .Values.extraResources }}{{ range $group := .apiGroups }}{{ with $resource.controllers }} ||
  o.apiVersion.startsWith('{{ $group }}/') && request.userInfo.username in ['{{ join "', '" . }}']
{{- end }}{{ end }}{{ end }}))
{{- end }}

{{/*
True for an update of a workload that is being deleted. Its controller creates nothing for it any more, so an outage of
ours must not keep its finalizers, and with them its namespace.
*/}}
{{- define "apim-keyless.condition.isWorkloadBeingDeleted" -}}
request.operation == 'UPDATE' && oldObject.?metadata.?deletionTimestamp.orValue('') != '' && request.kind.kind in
  {{ include "apim-keyless.condition.controllers" . }}
{{- end }}

{{/* True for a Namespace with a label or annotation whose prefix is ours or a misspelled one. */}}
{{- define "apim-keyless.condition.hasOurKeys" -}}
[object.metadata.?labels.orValue({}), object.metadata.?annotations.orValue({})].exists(keys, keys.exists(k,
  k.matches('(?i)^apim[^a-z0-9/]*keyless[^/]*/')))
{{- end }}

{{/* Prefix of all names: the release's, shortened so that KServe's suffixes still fit a DNS label. */}}
{{- define "segue.fullname" -}}
{{- .Values.fullnameOverride | default (include "segue.fullnameOf" .Release.Name) -}}
{{- end -}}

{{/* The same for another release by its name. */}}
{{- define "segue.fullnameOf" -}}
{{- if contains "segue" . -}}
{{- . | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-segue" (. | trunc 34 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of one component of one release. Call with (list . "gateway"). */}}
{{- define "segue.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: segue
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object or pod: the selector's and what may change between versions. */}}
{{- define "segue.labels" -}}
{{- $root := index . 0 -}}
{{ include "segue.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: segue
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Reference of an image: (list . "gateway"). */}}
{{- define "segue.image" -}}
{{- $root := index . 0 -}}
{{- $images := $root.Values.images -}}
{{- $name := index $images (index . 1) -}}
{{- with $images.registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- if regexMatch "[:@][^/]*$" $name -}}
{{- $name -}}
{{- else -}}
{{- printf "%s:%s" $name ($images.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{/* Address of the channel that is served. */}}
{{- define "segue.channel" -}}
{{- printf "%s/channels/%s" (required "store.url is needed: s3://bucket/prefix, where the pipeline publishes bundles" .Values.store.url) .Values.store.channel -}}
{{- end -}}

{{/* What experiment and recurring run are called. One installation of Kubeflow Pipelines may serve several
namespaces, and no namespace has a dot in its name. */}}
{{- define "segue.runName" -}}
{{- $name := include "segue.fullname" . -}}
{{- if ne .Release.Namespace $name }}{{ .Release.Namespace }}.{{ end }}{{ $name }}
{{- end -}}

{{/* How Kubeflow Pipelines is reached, as flags of `python -m pipelines`. */}}
{{- define "segue.pipelinesFlags" -}}
{{- $pipelines := .Values.training.pipelines -}}
- --host={{ $pipelines.host }}
- --experiment={{ include "segue.runName" . }}
{{- with $pipelines.namespace }}
- --namespace={{ . }}
{{- end }}
{{- end -}}

{{/* What a run is given; store and catalogue first, where kustomize replaces them. The sample brings its own
playlists. */}}
{{- define "segue.runFlags" -}}
{{- $sample := eq .Values.catalog.source "sample" -}}
- --store={{ .Values.store.url }}
- --catalog={{ ternary "sample://20000" .Values.catalog.source $sample }}
{{- with ternary "sample://20000/playlists" .Values.catalog.interactions $sample }}
- --interactions={{ . }}
{{- end }}
- --set=channel={{ .Values.store.channel }}
{{- range $name, $value := .Values.training.settings }}
- {{ printf "--set=%s=%s" $name (kindIs "map" $value | ternary (toJson $value) (toString $value)) | quote }}
{{- end }}
{{- with .Values.training.pipelines.serviceAccount }}
- --service-account={{ . }}
{{- end }}
{{- end -}}

{{/* Where kfp's client and `pipelines.trigger` look for the token that Kubeflow Pipelines knows the pod by. */}}
{{- define "segue.tokenVolume" -}}
- name: pipelines-token
  projected:
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ . }}
          expirationSeconds: 7200
{{- end -}}
{{- define "segue.tokenMount" -}}
- {name: pipelines-token, mountPath: /var/run/secrets/kubeflow/pipelines, readOnly: true}
{{- end -}}

{{/* Spec of the job that does one thing with the pipeline:
(dict "root" . "name" "first-run" "command" "submit" "flags" list "trains" true). */}}
{{- define "segue.trainingJob" -}}
{{- $root := .root -}}
# an hour for Kubeflow Pipelines to come up; tries are five minutes apart in the end
backoffLimit: 20
activeDeadlineSeconds: 3600
template:
  metadata:
    labels:
      {{- include "segue.selector" (list $root "training") | nindent 6 }}
  spec:
    {{- include "segue.podSpec" (list $root "training" (dict)) | nindent 4 }}
    restartPolicy: OnFailure
    containers:
      - name: {{ .name }}
        {{- include "segue.container" (list $root "pipeline") | nindent 8 }}
        command: [python, -m, pipelines]
        args:
          - {{ .command }}
          {{- if .trains }}
          {{- include "segue.runFlags" $root | nindent 10 }}
          {{- end }}
          {{- include "segue.pipelinesFlags" $root | nindent 10 }}
          {{- range .flags }}
          - {{ . | quote }}
          {{- end }}
        env:
          # steps run in this image, read the secrets of these names, and ask for this much
          - {name: SEGUE_IMAGE, value: {{ include "segue.image" (list $root "pipeline") | quote }}}
          - {name: SEGUE_STORE_SECRET, value: {{ $root.Values.store.existingSecret }}}
          - {name: SEGUE_TRACKING_SECRET, value: {{ $root.Values.training.trackingSecret }}}
          - {name: SEGUE_STEP_RESOURCES, value: {{ $root.Values.training.steps | default dict | toJson | quote }}}
          - {name: HOME, value: /tmp}
          {{- include "segue.storeEnv" $root | trim | nindent 10 }}
        resources:
          {{- toYaml $root.Values.training.resources | nindent 10 }}
        volumeMounts:
          - {name: tmp, mountPath: /tmp}
          - {name: cache, mountPath: /cache}
          {{- with $root.Values.training.pipelines.audience }}
          {{- include "segue.tokenMount" . | nindent 10 }}
          {{- end }}
    volumes:
      {{- include "segue.scratch" $root | nindent 6 }}
      {{- with $root.Values.training.pipelines.audience }}
      {{- include "segue.tokenVolume" . | nindent 6 }}
      {{- end }}
{{- end -}}

{{/* Bounds of a component of the InferenceService, and what KServe makes an HPA or a ScaledObject of. */}}
{{- define "segue.scaling" -}}
{{- $root := index . 0 -}}{{- $component := index . 1 -}}
{{- $values := index $root.Values $component -}}{{- $scaling := $root.Values.autoscaling -}}
minReplicas: {{ $values.replicas }}
maxReplicas: {{ ternary $values.replicas $values.maxReplicas (eq $scaling.class "none") }}
{{- if eq $scaling.class "hpa" }}
scaleMetric: cpu
scaleTarget: {{ $scaling.targetCPU }}
{{- else if eq $scaling.class "keda" }}
autoScaling:
  metrics:
    - type: Resource
      resource:
        name: cpu
        target: {type: Utilization, averageUtilization: {{ $scaling.targetCPU }}}
    {{- if eq $component "transformer" }}
    - type: External
      external:
        metric:
          backend: prometheus
          serverAddress: {{ $scaling.prometheus }}
          query: {{ include "segue.inflight" (list $root $component) | quote }}
        target: {type: AverageValue, averageValue: {{ $scaling.targetInflight | quote }}}
    {{- end }}
{{- end }}
{{- end -}}

{{/* Work in flight in a component's pods: the PodMonitor gives every series these labels. */}}
{{- define "segue.inflight" -}}
{{- $root := index . 0 -}}
sum(segue_inflight_instances{namespace={{ $root.Release.Namespace | squote | replace "'" "\"" }},release={{ $root.Release.Name | squote | replace "'" "\"" }},component="{{ index . 1 }}"})
{{- end -}}

{{/* Way out to ports of services whose addresses the chart does not know. */}}
{{- define "segue.portsRule" -}}
- ports:
    {{- range uniq . }}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
{{- end -}}

{{/* Prometheus's way in: (list . port). */}}
{{- define "segue.metricsRule" -}}
- from:
    {{- toYaml (index . 0).Values.networkPolicy.metricsFrom | nindent 4 }}
  ports: [{port: {{ index . 1 }}, protocol: TCP}]
{{- end -}}

{{/* Way in for those listed, for the page, and for Prometheus; for anyone where none are: (list . name peers port). */}}
{{- define "segue.openRule" -}}
{{- $root := index . 0 -}}{{- $peers := index . 2 -}}
- ports: [{port: {{ index . 3 }}, protocol: TCP}]
  {{- if $peers }}
  from:
    {{- toYaml $peers | nindent 4 }}
    {{- if eq (index . 1) "gateway" }}
    - podSelector:
        matchLabels:
          {{- include "segue.selector" (list $root "ui") | nindent 10 }}
    {{- toYaml $root.Values.networkPolicy.metricsFrom | nindent 4 }}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* How metrics are read, and the labels that dashboards, rules and KEDA's query tell releases apart by. */}}
{{- define "segue.scrape" -}}
{{- $root := index . 0 -}}
path: /metrics
interval: {{ $root.Values.monitoring.interval }}
relabelings:
  - {targetLabel: release, replacement: {{ $root.Release.Name }}}
  - {targetLabel: channel, replacement: {{ $root.Values.store.channel }}}
  - {targetLabel: component, replacement: {{ index . 1 }}}
{{- end -}}

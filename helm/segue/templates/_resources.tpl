{{/* A quantity as Kubernetes writes it, such as 500m, 1.5 or 2Gi, as a number: (list "ui.resources.limits.cpu" "500m"). */}}
{{- define "segue.quantity" -}}
{{- $text := index . 1 | toString -}}
{{- if not (regexMatch "^([0-9]+\\.?[0-9]*|\\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?$" $text) -}}
{{- fail (printf "%s is %q: expected a quantity such as 500m, 2 or 3Gi" (index . 0) $text) -}}
{{- end -}}
{{- $scales := dict "" 1 "n" 1e-9 "u" 1e-6 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 0x1p10 "Mi" 0x1p20 "Gi" 0x1p30 "Ti" 0x1p40 "Pi" 0x1p50 "Ei" 0x1p60 -}}
{{- $suffix := regexFind "[A-Za-z]+$" $text -}}
{{- mulf (trimSuffix $suffix $text | float64) (get $scales $suffix) -}}
{{- end -}}

{{/*
Stop the render where requests and limits leave out what is needed, can't be read, or contradict each other:
(dict "path" "ui.resources" "resources" map "needed" map). `needed` says, by a name such as limits.cpu, what
would happen without it; a name that it leaves out is optional.
*/}}
{{- define "segue.checkResources" -}}
{{- $path := .path -}}{{- $needed := .needed -}}{{- $resources := .resources | default dict -}}
{{- range $resource := list "cpu" "memory" -}}
{{- $numbers := dict -}}
{{- range $bound := list "requests" "limits" -}}
{{- $name := printf "%s.%s" $bound $resource -}}
{{- $amounts := index $resources $bound | default dict -}}
{{- if not (kindIs "map" $amounts) -}}
{{- fail (printf "%s.%s is %v: expected cpu and memory" $path $bound $amounts) -}}
{{- end -}}
{{- $amount := index $amounts $resource -}}
{{- /* a value that --set takes away is null, or gone */ -}}
{{- if not (kindIs "invalid" $amount) -}}
{{- $_ := set $numbers $bound (include "segue.quantity" (list (printf "%s.%s" $path $name) $amount) | float64) -}}
{{- else if hasKey $needed $name -}}
{{- fail (printf "%s.%s is needed: %s" $path $name (get $needed $name)) -}}
{{- end -}}
{{- end -}}
{{- if and (hasKey $numbers "limits") (hasKey $numbers "requests") (gt $numbers.requests $numbers.limits) -}}
{{- fail (printf "%s.requests.%s is %v, more than %s.limits.%s, %v: raise the limit, or ask for less" $path $resource (index $resources "requests" $resource) $path $resource (index $resources "limits" $resource)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

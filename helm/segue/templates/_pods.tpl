{{/* The restricted pod security standard. */}}
{{- define "segue.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "segue.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* How the object store is reached: variables of segue.settings.S3Settings, all by reference. */}}
{{- define "segue.storeEnv" -}}
{{- $store := .Values.store -}}
{{- range $key := list "endpoint" "access_key" "secret_key" "region" "secure" "role" }}
- name: SEGUE_S3_{{ upper $key }}
  valueFrom:
    secretKeyRef:
      name: {{ $store.existingSecret }}
      key: {{ $key }}
      optional: {{ or (not $store.secretRequired) (has $key (list "region" "secure" "role")) }}
{{- end }}
- name: SEGUE_CACHE_DIR
  value: /cache
{{- end -}}

{{/* What all pods of a component share: (list . "gateway" .Values.gateway). */}}
{{- define "segue.podSpec" -}}
{{- $root := index . 0 -}}{{- $component := index . 1 -}}{{- $values := index . 2 -}}
serviceAccountName: {{ include "segue.fullname" $root }}-{{ $component }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 40
securityContext:
  {{- include "segue.podSecurity" $root | nindent 2 }}
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "segue.selector" (list $root $component) | nindent 8 }}
  {{- end }}
{{- end -}}

{{/* Image and guard of a container: (list . "gateway"). */}}
{{- define "segue.container" -}}
image: {{ include "segue.image" . }}
imagePullPolicy: {{ (index . 0).Values.images.pullPolicy }}
securityContext:
  {{- include "segue.containerSecurity" (index . 0) | nindent 2 }}
{{- end -}}

{{/* The three probes: (dict "port" "http" "live" "/healthz" "ready" "/readyz"). */}}
{{- define "segue.probes" -}}
startupProbe:
  httpGet: {path: {{ .live }}, port: {{ .port }}}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: {{ .live }}, port: {{ .port }}}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: {{ .ready }}, port: {{ .port }}}
  periodSeconds: 3
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{/* Endpoints learn of a pod's end with a delay: the pod keeps answering for this long. */}}
{{- define "segue.preStop" -}}
lifecycle:
  preStop:
    sleep: {seconds: 5}
{{- end -}}

{{/* Settings as variables: (dict "settings" map "own" list), `own` being those that the chart decides. */}}
{{- define "segue.settingsEnv" -}}
{{- $own := .own -}}
{{- range $name, $value := .settings }}
- name: SEGUE_{{ upper $name }}
  value: {{ $value | toString | quote }}
{{- end }}
{{- end -}}

{{/* A setting as a flag; a boolean flag stands alone or not at all: (list "strict" true). */}}
{{- define "segue.flag" -}}
{{- $value := index . 1 -}}
{{- if kindIs "bool" $value -}}
{{- if $value }}- --{{ index . 0 }}{{ end -}}
{{- else -}}
- {{ printf "--%s=%v" (index . 0) $value | quote }}
{{- end -}}
{{- end -}}

{{/* The two writable places of a pod that follows a channel. */}}
{{- define "segue.scratch" -}}
- name: cache
  emptyDir:
    sizeLimit: {{ .Values.store.cacheSize }}
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- end -}}

{{/* Where the log and the keys are. */}}
{{- define "segue.databaseEnv" -}}
- name: SEGUE_DATABASE_URL
  {{- if .Values.database.existingSecret }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: url
  {{- else }}
  value: sqlite:////state/segue.sqlite
  {{- end }}
{{- end -}}

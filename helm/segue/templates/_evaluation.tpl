{{/*
One pod with one volume and its service, for evaluation only:
(dict "root" . "name" "minio" "port" 9000 "user" 10001 "size" "20Gi" "container" yaml).
*/}}
{{- define "segue.evaluation" -}}
{{- $root := .root -}}{{- $full := printf "%s-%s" (include "segue.fullname" $root) .name -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ $full }}
  labels:
    {{- include "segue.labels" (list $root .name) | nindent 4 }}
spec:
  selector:
    {{- include "segue.selector" (list $root .name) | nindent 4 }}
  ports:
    - {name: tcp-{{ .name }}, port: {{ .port }}, targetPort: {{ .port }}, protocol: TCP}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: {{ $full }}
  labels:
    {{- include "segue.labels" (list $root .name) | nindent 4 }}
spec:
  serviceName: {{ $full }}
  replicas: 1
  selector:
    matchLabels:
      {{- include "segue.selector" (list $root .name) | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "segue.labels" (list $root .name) | nindent 8 }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      securityContext:
        runAsNonRoot: true
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        seccompProfile: {type: RuntimeDefault}
      {{- with $root.Values.images.pullSecrets }}
      imagePullSecrets:
        {{- range . }}
        - name: {{ . }}
        {{- end }}
      {{- end }}
      containers:
        - name: {{ .name }}
          imagePullPolicy: {{ $root.Values.images.pullPolicy }}
          securityContext:
            {{- include "segue.containerSecurity" $root | nindent 12 }}
          {{- .container | nindent 10 }}
          ports:
            - {name: tcp-{{ .name }}, containerPort: {{ .port }}, protocol: TCP}
          resources:
            requests: {cpu: 100m, memory: 256Mi}
            limits: {cpu: 2, memory: 2Gi}
          volumeMounts:
            - {name: data, mountPath: /data}
            - {name: tmp, mountPath: /tmp}
            {{- if eq .name "postgresql" }}
            - {name: tmp, mountPath: /var/run/postgresql, subPath: run}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 1Gi}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests: {storage: {{ .size }}}
{{- if $root.Values.networkPolicy.enabled }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ $full }}
  labels:
    {{- include "segue.labels" (list $root .name) | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "segue.selector" (list $root .name) | nindent 6 }}
  policyTypes: [Ingress, Egress]
  # the pipeline's steps run in another namespace
  ingress:
    - ports: [{port: {{ .port }}, protocol: TCP}]
  {{- if eq .name "mlflow" }}
  egress:
    {{- include "segue.portsRule" $root.Values.networkPolicy.storePorts | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{- define "segue.tcpProbes" -}}
startupProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 3
  failureThreshold: 40
livenessProbe:
  tcpSocket: {port: {{ . }}}
  periodSeconds: 10
{{- end -}}

{{- define "segue.minio" -}}
{{- $secret := .Values.store.existingSecret -}}
image: {{ .Values.evaluation.minio.image }}
# a folder at the top is a bucket
command:
  - sh
  - -ec
  - mkdir -p /data/{{ regexFind "[^/]+" (trimPrefix "s3://" .Values.store.url) }} && exec minio server /data --address :9000
env:
  - {name: HOME, value: /tmp}
  - name: MINIO_ROOT_USER
    valueFrom: {secretKeyRef: {name: {{ $secret }}, key: access_key}}
  - name: MINIO_ROOT_PASSWORD
    valueFrom: {secretKeyRef: {name: {{ $secret }}, key: secret_key}}
{{ include "segue.tcpProbes" 9000 }}
readinessProbe:
  httpGet: {path: /minio/health/ready, port: 9000}
  periodSeconds: 5
{{- end -}}

{{- define "segue.postgresql" -}}
image: {{ .Values.evaluation.postgresql.image }}
env:
  - {name: POSTGRES_USER, value: segue}
  - {name: POSTGRES_DB, value: segue}
  - {name: PGDATA, value: /data/pgdata}
  - name: POSTGRES_PASSWORD
    valueFrom: {secretKeyRef: {name: {{ .Values.database.existingSecret }}, key: password}}
{{ include "segue.tcpProbes" 5432 }}
readinessProbe:
  exec: {command: [pg_isready, --username=segue, --dbname=segue, --host=127.0.0.1]}
  periodSeconds: 5
{{- end -}}

{{- define "segue.mlflow" -}}
{{- $secret := .Values.store.existingSecret -}}
image: {{ include "segue.image" (list . "pipeline") }}
command: [mlflow, server]
args:
  - --host=0.0.0.0
  - --port=5000
  - --workers=1
  - --backend-store-uri=sqlite:////data/mlflow.db
  - --artifacts-destination={{ .Values.store.url }}/mlflow
  # names that clients in the cluster call it by; MLflow refuses others
  - --allowed-hosts={{ include "segue.fullname" . }}-mlflow*,localhost:*,127.0.0.1:*
env:
  - {name: HOME, value: /tmp}
  - name: MLFLOW_S3_ENDPOINT_URL
    value: {{ printf "http://%s-minio:9000" (include "segue.fullname" .) }}
  - name: AWS_ACCESS_KEY_ID
    valueFrom: {secretKeyRef: {name: {{ $secret }}, key: access_key}}
  - name: AWS_SECRET_ACCESS_KEY
    valueFrom: {secretKeyRef: {name: {{ $secret }}, key: secret_key}}
{{ include "segue.tcpProbes" 5000 }}
readinessProbe:
  httpGet:
    path: /health
    port: 5000
    httpHeaders: [{name: Host, value: "localhost:5000"}]
  periodSeconds: 5
{{- end -}}

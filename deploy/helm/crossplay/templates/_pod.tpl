{{- define "crossplay.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "crossplay.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where and how every pod runs, hooks too. */}}
{{- define "crossplay.podBase" -}}
automountServiceAccountToken: false
# Without this a Service named `crossplay` would set CROSSPLAY_PORT to its own address.
enableServiceLinks: false
securityContext:
  {{- include "crossplay.podSecurity" . | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: 64Mi
{{- end }}

{{- define "crossplay.containerBase" -}}
image: {{ include "crossplay.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "crossplay.containerSecurity" . | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end }}

{{/* The probes of both roles: /healthz asks the process alone, so a store that is away restarts nobody. */}}
{{- define "crossplay.probes" -}}
startupProbe:
  httpGet:
    path: /healthz
    port: metrics
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet:
    path: /healthz
    port: metrics
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: metrics
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end }}

{{- define "crossplay.placement" -}}
{{- $root := first . }}
{{- $role := index . 1 }}
{{- $values := last . }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
{{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
{{- else }}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "crossplay.role" (list $root $role) | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{/* The pod of a role. Call with (dict "root" $ "role" "worker" "graceSeconds" 40 "worker" …). */}}
{{- define "crossplay.pod" -}}
{{- $root := .root }}
{{- $values := get $root.Values .role }}
metadata:
  labels:
    {{- include "crossplay.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- if and .worker .worker.group }}
    crossplay/group: {{ .worker.group }}
    {{- end }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # A change of settings is a new rollout. A Secret of yours is not seen here: restart by hand.
    checksum/config: {{ include "crossplay.environment" $root | sha256sum }}
    {{- if not $root.Values.secret.existing }}
    checksum/secret: {{ include "crossplay.secretData" $root | sha256sum }}
    {{- end }}
    {{- with $values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "crossplay.serviceAccountName" $root }}
  terminationGracePeriodSeconds: {{ .graceSeconds }}
  {{- include "crossplay.podBase" $root | nindent 2 }}
  {{- include "crossplay.placement" (list $root .role $values) | nindent 2 }}
  containers:
    - name: {{ .role }}
      {{- include "crossplay.containerBase" $root | nindent 6 }}
      args: [{{ .role }}]
      envFrom:
        - configMapRef:
            name: {{ include "crossplay.fullname" $root }}
      env:
        - name: POD_NAME
          valueFrom:
            fieldRef:
              fieldPath: metadata.name
        - name: OTEL_RESOURCE_ATTRIBUTES
          value: k8s.pod.name=$(POD_NAME),k8s.namespace.name={{ $root.Release.Namespace }}{{ with $root.Values.telemetry.env.OTEL_RESOURCE_ATTRIBUTES }},{{ . }}{{ end }}
        {{- include "crossplay.secretEnvironment" (list $root (include "crossplay.secretName" $root)) | nindent 8 }}
        {{- if and .worker .worker.group }}
        - name: CROSSPLAY_WORKER_PLATFORMS
          value: {{ join "," .worker.platforms }}
        {{- end }}
        {{- with $root.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        {{- if eq .role "gateway" }}
        - name: http
          containerPort: {{ include "crossplay.setting" (list $root "port") }}
        {{- end }}
        - name: metrics
          containerPort: {{ $root.Values.metrics.port }}
      {{- include "crossplay.probes" $root | nindent 6 }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
{{- end }}

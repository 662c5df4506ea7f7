{{- define "crossplay.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The longest suffix is "-dashboard-…"; names stay below Kubernetes' 63 signs. */}}
{{- define "crossplay.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "crossplay.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "crossplay.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* What selectors may hold: nothing that a later release changes, for a Deployment's are immutable. */}}
{{- define "crossplay.instance" -}}
app.kubernetes.io/name: {{ include "crossplay.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crossplay.labels" -}}
{{ include "crossplay.instance" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: crossplay
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* One role's selector. Call with (list $ "gateway"). */}}
{{- define "crossplay.role" -}}
{{- include "crossplay.instance" (first .) }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{/* The selector of one Deployment of workers. Call with (list $ worker). */}}
{{- define "crossplay.workerSelector" -}}
{{- include "crossplay.role" (list (first .) "worker") }}
{{- with (last .).group }}
crossplay/group: {{ . }}
{{- end }}
{{- end }}

{{- define "crossplay.secretName" -}}
{{- default (include "crossplay.fullname" .) .Values.secret.existing }}
{{- end }}

{{- define "crossplay.serviceAccountName" -}}
{{- $made := ternary (include "crossplay.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $made .Values.serviceAccount.name }}
{{- end }}

{{- define "crossplay.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{/* What the chart knows of the program: written from its code, see files/facts.json. */}}
{{- define "crossplay.facts" -}}
{{ .Files.Get "files/facts.json" }}
{{- end }}

{{/* A setting as it will be: the operator's, else the program's default. Call with (list $ "drain_s"). */}}
{{- define "crossplay.setting" -}}
{{- $facts := include "crossplay.facts" (first .) | fromJson }}
{{- $config := (first .).Values.config }}
{{- ternary $config $facts.defaults (hasKey $config (last .)) | dig (last .) nil | toJson }}
{{- end }}

{{- define "crossplay.publicUrl" -}}
{{- if .Values.config.public_url }}
{{- .Values.config.public_url }}
{{- else if .Values.ingress.enabled }}
{{- printf "%s://%s" (ternary "https" "http" (ne .Values.ingress.tlsSecret "")) .Values.ingress.host }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames }}
{{- printf "https://%s" (first .Values.httpRoute.hostnames) }}
{{- end }}
{{- end }}

{{/* All variables that are no secret, as YAML. Numbers go by JSON: Helm's own way writes a million as 1e+06. */}}
{{- define "crossplay.environment" -}}
CROSSPLAY_HOST: {{ .Values.listen | quote }}
CROSSPLAY_PORT: {{ include "crossplay.setting" (list . "port") | quote }}
CROSSPLAY_METRICS_HOST: {{ .Values.listen | quote }}
CROSSPLAY_METRICS_PORT: {{ .Values.metrics.port | quote }}
{{- with include "crossplay.publicUrl" . }}
CROSSPLAY_PUBLIC_URL: {{ . | quote }}
{{- end }}
{{- range $name, $value := omit .Values.config "public_url" }}
CROSSPLAY_{{ upper $name }}: {{ ternary $value (toJson $value) (kindIs "string" $value) | quote }}
{{- end }}
{{- with .Values.telemetry.otlpEndpoint }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- range $name, $value := .Values.telemetry.env }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* The variables that come from a Secret: one by one, so that what else it holds stays out of the pods. */}}
{{- define "crossplay.secretEnvironment" -}}
{{- $facts := include "crossplay.facts" (first .) | fromJson }}
{{- $name := last . }}
{{- range $setting := $facts.secrets }}
- name: CROSSPLAY_{{ upper $setting }}
  valueFrom:
    secretKeyRef:
      name: {{ $name }}
      key: CROSSPLAY_{{ upper $setting }}
      optional: {{ not (has $setting $facts.required_secrets) }}
{{- end }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef:
      name: {{ $name }}
      key: OTEL_EXPORTER_OTLP_HEADERS
      optional: true
{{- end }}

{{/* A Secret's content from `secret.values`: settings by their name, anything in capitals as it stands. */}}
{{- define "crossplay.secretData" -}}
{{- $facts := include "crossplay.facts" . | fromJson }}
{{- range $name, $value := .Values.secret.values }}
{{ ternary (printf "CROSSPLAY_%s" (upper $name)) $name (has $name $facts.secrets) }}: {{ $value | quote }}
{{- end }}
{{- end }}

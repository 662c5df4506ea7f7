{{/* One rule: (dict "peers" … "side" "to" "ports" (list 53) "protocols" (list "UDP" "TCP")); no peers: any. */}}
{{- define "crossplay.networkRule" }}
- ports:
    {{- range $port := .ports }}
    {{- range $protocol := default (list "TCP") $.protocols }}
    - port: {{ $port }}
      protocol: {{ $protocol }}
    {{- end }}
    {{- end }}
  {{- with .peers }}
  {{ $.side }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/* Who may call. The kubelet's probes come from the node, which policies let pass. */}}
{{- define "crossplay.ingressRules" -}}
{{- $policy := (first .).Values.networkPolicy }}
{{- if eq (last .) "migrate" }}
[]
{{- else }}
{{- if eq (last .) "gateway" }}
{{- include "crossplay.networkRule" (dict "side" "from" "peers" $policy.gatewayFrom "ports" (list "http")) }}
{{- end }}
{{- include "crossplay.networkRule" (dict "side" "from" "peers" $policy.metricsFrom "ports" (list "metrics")) }}
{{- end }}
{{- end }}

{{/* Who may be called: names, stores, the collector; platforms and webhooks by https, but no network inside. */}}
{{- define "crossplay.egressRules" -}}
{{- $root := first . }}
{{- $policy := $root.Values.networkPolicy }}
{{- include "crossplay.networkRule" (dict "side" "to" "peers" $policy.dnsTo "ports" (list 53) "protocols" (list "UDP" "TCP")) }}
{{- range $store := list $policy.postgres $policy.redis }}
{{- include "crossplay.networkRule" (dict "side" "to" "peers" $store.to "ports" (list $store.port)) }}
{{- end }}
{{- if ne (last .) "migrate" }}
{{- with $root.Values.telemetry.otlpEndpoint }}
{{- $url := urlParse . }}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) | int }}
{{- include "crossplay.networkRule" (dict "side" "to" "peers" $policy.otlpTo "ports" (list $port)) }}
{{- end }}
{{- include "crossplay.networkRule" (dict "side" "to" "peers" (include "crossplay.internet" $policy | fromYamlArray) "ports" (list 443)) }}
{{- $networks := list $root.Values.config.subsonic_allowed_networks }}
{{- if eq (last .) "worker" }}
{{- $networks = prepend $networks $root.Values.config.webhook_allowed_networks }}
{{- end }}
{{- range $listed := compact $networks }}
- to:
    {{- range $network := splitList "," $listed }}
    {{- with trim $network }}
    - ipBlock:
        cidr: {{ . | quote }}
    {{- end }}
    {{- end }}
{{- end }}
{{- with $policy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{- define "crossplay.internet" -}}
{{- $policy := . }}
{{- range $all := list "0.0.0.0/0" "::/0" }}
- ipBlock:
    cidr: {{ $all | quote }}
    except:
      {{- range $policy.internetExcept }}
      {{- if eq (contains ":" .) (contains ":" $all) }}
      - {{ . | quote }}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}

{{/* What a schema cannot say. Each fault is told with its cure; nothing is installed with one. */}}
{{- define "crossplay.rules" -}}
{{- $facts := include "crossplay.facts" . | fromJson }}
{{- $scaling := .Values.worker.autoscaling }}
{{- if and .Values.secret.existing .Values.secret.values }}
{{- fail "secret: give either `secret.existing` or `secret.values`, not both." }}
{{- end }}
{{- if not .Values.secret.existing }}
{{- range $name := $facts.required_secrets }}
{{- if not (get $.Values.secret.values $name) }}
{{- fail (printf "secret: set `secret.existing` to the name of a Secret with the key CROSSPLAY_%s, or give `secret.values.%s`. The chart never makes a key ring: a new one at an upgrade would lock all tokens." (upper $name) $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- if eq $scaling.kind "keda" }}
{{- if not $scaling.keda.redis.addresses }}
{{- fail "worker.autoscaling.keda.redis.addresses is missing: KEDA asks Redis itself and cannot take the address from CROSSPLAY_REDIS_URL." }}
{{- end }}
{{- if and (eq $scaling.keda.redis.kind "sentinel") (not $scaling.keda.redis.sentinelMaster) }}
{{- fail "worker.autoscaling.keda.redis.sentinelMaster is missing: the name under which the sentinels know the master." }}
{{- end }}
{{- if and (eq $scaling.keda.redis.kind "cluster") $scaling.keda.redis.databaseIndex }}
{{- fail "worker.autoscaling.keda.redis.databaseIndex: a Redis Cluster has the database 0 alone." }}
{{- end }}
{{- end }}
{{- if $.Values.worker.groups }}
{{- range $platform, $_ := $facts.platforms }}
{{- $served := false }}
{{- range $.Values.worker.groups }}
{{- $served = or $served (has $platform .platforms) }}
{{- end }}
{{- if not $served }}
{{- fail (printf "worker.groups: no group serves %s, whose transfers would wait for ever." $platform) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and $scaling.maxReplicas (lt ($scaling.maxReplicas | int) ($scaling.minReplicas | int)) }}
{{- fail "worker.autoscaling: `maxReplicas` is smaller than `minReplicas`." }}
{{- end }}
{{- if lt (.Values.gateway.autoscaling.maxReplicas | int) (.Values.gateway.autoscaling.minReplicas | int) }}
{{- fail "gateway.autoscaling: `maxReplicas` is smaller than `minReplicas`." }}
{{- end }}
{{- if and .Values.migrations.post (ge (.Values.migrations.postWaitSeconds | int) (.Values.migrations.deadlineSeconds | int)) }}
{{- fail "migrations: `postWaitSeconds` must be smaller than `deadlineSeconds`, which ends the run that waits." }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) }}
{{- fail "ingress.host is missing: without it the Ingress would answer for every host." }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs is missing: the Gateways that the route belongs to." }}
{{- end }}
{{- end }}

{{/* The Deployments of workers: one for all platforms, or one for each of `worker.groups`. */}}
{{- define "crossplay.workers" -}}
{{- $facts := include "crossplay.facts" . | fromJson }}
{{- range $name, $group := .Values.worker.groups }}
- name: {{ include "crossplay.fullname" $ }}-worker-{{ $name }}
  group: {{ $name | quote }}
  platforms: {{ toJson $group.platforms }}
  replicas: {{ default 1 $group.replicas }}
{{- else }}
- name: {{ include "crossplay.fullname" . }}-worker
  group: ""
  platforms: {{ keys $facts.platforms | sortAlpha | toJson }}
  replicas: {{ .Values.worker.replicas }}
{{- end }}
{{- end }}

{{/* How many workers the limits of their platforms can feed: the largest need, and the spare ones. Call with
     (list $ platforms). */}}
{{- define "crossplay.maxWorkers" -}}
{{- $root := first . }}
{{- $scaling := $root.Values.worker.autoscaling }}
{{- if $scaling.maxReplicas }}
{{- $scaling.maxReplicas | int }}
{{- else }}
{{- $facts := include "crossplay.facts" $root | fromJson }}
{{- $fed := 1.0 }}
{{- range $platform := last . }}
{{- $pace := default (get $facts.platforms $platform).requests_per_s (get $root.Values.config (printf "%s_requests_per_s" $platform)) }}
{{- $fed = maxf $fed (ceil (divf $pace $scaling.requestsPerWorker)) }}
{{- end }}
{{- max (add (int $fed) ($scaling.spareReplicas | int)) ($scaling.minReplicas | int) }}
{{- end }}
{{- end }}

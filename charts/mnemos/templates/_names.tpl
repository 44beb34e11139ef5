{{/* Names are fixed: one release in a cluster, and other parts (the webhook's trust, the workers) know them. */}}

{{- define "mnemos.labels" -}}
app.kubernetes.io/name: mnemos
app.kubernetes.io/part-of: mnemos
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "mnemos.selector" -}}
app.kubernetes.io/name: mnemos
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* An image by digest, else by tag, else by the version of the chart. */}}
{{- define "mnemos.image" -}}
{{- $registry := .image.registry | default .root.Values.global.imageRegistry -}}
{{- with $registry }}{{ . }}/{{ end }}{{ .image.repository }}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "mnemos.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "mnemos.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Which stores the server uses: its own Redis and S3 for trying out count as external ones. */}}
{{- define "mnemos.hasS3" -}}{{ if or .Values.stores.s3.bucket .Values.tryOut.s3.enabled }}true{{ end }}{{- end }}
{{- define "mnemos.hasRedis" -}}{{ if or .Values.stores.redis.url .Values.tryOut.redis.enabled }}true{{ end }}{{- end }}
{{- define "mnemos.isShared" -}}{{ if and (include "mnemos.hasS3" .) (include "mnemos.hasRedis" .) }}true{{ end }}{{- end }}
{{- define "mnemos.tryOutSecret" -}}{{ .Values.tryOut.existingSecret | default "mnemos-try-out" }}{{- end }}

{{/* How Redis is reached, as a list of environment variables: empty without one. */}}
{{- define "mnemos.redisEnv" -}}
{{- $env := list }}
{{- if include "mnemos.hasRedis" . }}
{{- $redis := .Values.stores.redis }}
{{- $env = append $env (dict "name" "MNEMOS_REDIS_URL" "value" ($redis.url | default (printf "redis://mnemos-redis.%s.svc:6379" .Release.Namespace))) }}
{{- with $redis.username }}{{- $env = append $env (dict "name" "MNEMOS_REDIS_USERNAME" "value" .) }}{{- end }}
{{- $secret := ternary $redis.existingSecret (include "mnemos.tryOutSecret" .) (ne $redis.url "") }}
{{- $key := ternary $redis.passwordKey "redisPassword" (ne $redis.url "") }}
{{- if $secret }}
{{- $env = append $env (dict "name" "MNEMOS_REDIS_PASSWORD" "valueFrom" (dict "secretKeyRef" (dict "name" $secret "key" $key))) }}
{{- end }}
{{- end }}
{{- toYaml $env }}
{{- end }}

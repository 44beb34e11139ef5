{{/*
One process of the control plane: ServiceAccount, Deployment, PodDisruptionBudget.
Takes root, name (operator), component, values, args, env (list), ports (dict of names to numbers), health {port, scheme}, and, if needed,
replicas, resources, strategy, volumes, mounts, graceSeconds, hostNetwork.
*/}}
{{- define "mnemos.workload" -}}
{{- $labels := dict "root" .root "component" .component }}
{{- $full := printf "mnemos-%s" .name }}
{{- $replicas := int (.replicas | default .values.replicas) }}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ $full }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
automountServiceAccountToken: false
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ $full }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
spec:
  replicas: {{ $replicas }}
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{- include "mnemos.selector" $labels | nindent 6 }}
  strategy: {{- toYaml (.strategy | default (dict "type" "RollingUpdate" "rollingUpdate" (dict "maxUnavailable" 0 "maxSurge" 1))) | nindent 4 }}
  template:
    metadata:
      labels:
        {{- include "mnemos.labels" $labels | nindent 8 }}
        {{- with .values.podLabels }}{{ toYaml . | nindent 8 }}{{- end }}
      {{- with .values.podAnnotations }}
      annotations: {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ $full }}
      # Here, where it is used, and not in the ServiceAccount, where any pod could ask for it.
      automountServiceAccountToken: true
      # Services of ours would turn up as variables that look like our settings (MNEMOS_DISPATCH_PORT=tcp://…).
      enableServiceLinks: false
      {{- with .root.Values.global.imagePullSecrets }}
      imagePullSecrets: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.priorityClassName }}
      priorityClassName: {{ . }}
      {{- end }}
      {{- if .hostNetwork }}
      hostNetwork: true
      dnsPolicy: ClusterFirstWithHostNet
      {{- end }}
      terminationGracePeriodSeconds: {{ .graceSeconds | default 30 }}
      securityContext: {{- include "mnemos.podSecurity" . | nindent 8 }}
      containers:
        - name: {{ .name }}
          image: {{ include "mnemos.image" (dict "root" .root "image" .root.Values.image) }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          # The end of its log says why it ended, where `kubectl describe` and `mnemos up` look.
          terminationMessagePolicy: FallbackToLogsOnError
          args: {{- toYaml .args | nindent 12 }}
          env:
            - name: MNEMOS_SYSTEM_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: MNEMOS_LOG_LEVEL
              value: {{ .values.logLevel }}
            {{- toYaml .env | nindent 12 }}
            {{- with .values.extraEnv }}{{ toYaml . | nindent 12 }}{{- end }}
          ports:
            {{- range $name, $port := .ports }}
            - name: {{ $name }}
              containerPort: {{ $port }}
            {{- end }}
          startupProbe:
            httpGet: {path: /healthz, port: {{ .health.port }}, scheme: {{ .health.scheme | default "HTTP" }}}
            periodSeconds: 1
            failureThreshold: 60
          readinessProbe:
            httpGet: {path: /readyz, port: {{ .health.port }}, scheme: {{ .health.scheme | default "HTTP" }}}
            periodSeconds: 2
            timeoutSeconds: 5
          livenessProbe:
            httpGet: {path: /healthz, port: {{ .health.port }}, scheme: {{ .health.scheme | default "HTTP" }}}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          resources: {{- toYaml (.resources | default .values.resources) | nindent 12 }}
          securityContext: {{- include "mnemos.containerSecurity" . | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- with .mounts }}{{ toYaml . | nindent 12 }}{{- end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 64Mi}
        {{- with .volumes }}{{ toYaml . | nindent 8 }}{{- end }}
      {{- with .values.nodeSelector }}
      nodeSelector: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.tolerations }}
      tolerations: {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .values.affinity }}
      affinity: {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ $key }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "mnemos.selector" $labels | nindent 14 }}
        {{- end }}
{{- if and .values.podDisruptionBudget.enabled (gt $replicas 1) }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ $full }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "mnemos.selector" $labels | nindent 6 }}
{{- end }}
{{- end }}

{{/* Roles and bindings of one process, from generated/rbac.yaml. Takes root, name, component and, if needed, more (rules of the system's Role). */}}
{{- define "mnemos.rbac" -}}
{{- $labels := dict "root" .root "component" .component }}
{{- $rules := index (.root.Files.Get "generated/rbac.yaml" | fromYaml) .name }}
{{- $full := printf "mnemos-%s" .name }}
{{- $subject := list (dict "kind" "ServiceAccount" "name" $full "namespace" .root.Release.Namespace) }}
{{- if $rules.cluster }}
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ $full }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
rules: {{- toYaml $rules.cluster | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ $full }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ $full }}}
subjects: {{- toYaml $subject | nindent 2 }}
---
{{- end }}
{{- with concat (default list $rules.system) (default list .more) }}
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ $full }}
  namespace: {{ $.root.Release.Namespace }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
rules: {{- toYaml . | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ $full }}
  namespace: {{ $.root.Release.Namespace }}
  labels: {{- include "mnemos.labels" $labels | nindent 4 }}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: {{ $full }}}
subjects: {{- toYaml $subject | nindent 2 }}
{{- end }}
{{- end }}

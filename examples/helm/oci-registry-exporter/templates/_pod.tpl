{{/* The pod of both forms, by the restricted pod security standard. */}}
{{- define "exporter.pod" -}}
metadata:
  labels:
    {{- include "exporter.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "exporter.serviceAccount" . }}
  automountServiceAccountToken: false
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with .Values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  # Running cycles have ten seconds to end and to cancel what they opened.
  terminationGracePeriodSeconds: 30
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: exporter
      image: {{ include "exporter.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --config.file=/etc/oci-registry-exporter/config.yml
        - --config.enable-auto-reload
        - --log.format={{ .Values.log.format }}
        - --log.level={{ .Values.log.level }}
        {{- if gt (int .Values.shards) 1 }}
        - --shard=$(POD_INDEX)/{{ int .Values.shards }}
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - --web.config.file=/etc/web-config/web-config.yml
        {{- end }}
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- if or (gt (int .Values.shards) 1) .Values.extraEnv }}
      env:
        {{- if gt (int .Values.shards) 1 }}
        - name: POD_INDEX
          valueFrom:
            fieldRef: {fieldPath: "metadata.labels['apps.kubernetes.io/pod-index']"}
        {{- end }}
        {{- with .Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      ports:
        - {name: metrics, containerPort: 9968}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      livenessProbe:
        {{- if .Values.webConfig.existingSecret }}
        tcpSocket: {port: metrics}
        {{- else }}
        httpGet: {path: /-/healthy, port: metrics}
        {{- end }}
        periodSeconds: 30
      readinessProbe:
        {{- if .Values.webConfig.existingSecret }}
        tcpSocket: {port: metrics}
        {{- else }}
        httpGet: {path: /-/ready, port: metrics}
        {{- end }}
      volumeMounts:
        - {name: configuration, mountPath: /etc/oci-registry-exporter, readOnly: true}
        {{- range $index, $entry := .Values.credentials }}
        - {name: credential-{{ $index }}, mountPath: {{ printf "/etc/registry-secrets/%s" $entry.name | quote }}, readOnly: true}
        {{- end }}
        {{- if .Values.webConfig.existingSecret }}
        - {name: web-config, mountPath: /etc/web-config, readOnly: true}
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: configuration
      configMap:
        name: {{ default (include "exporter.fullname" .) .Values.existingConfigMap }}
    {{- range $index, $entry := .Values.credentials }}
    - name: credential-{{ $index }}
      projected:
        # For the group of the container alone.
        defaultMode: 0440
        sources:
          - secret:
              name: {{ include "exporter.secret" (dict "root" $ "entry" $entry) }}
              {{- with $entry.items }}
              items:
                {{- toYaml . | nindent 16 }}
              {{- end }}
              {{- if $entry.optional }}
              optional: true
              {{- end }}
    {{- end }}
    {{- if .Values.webConfig.existingSecret }}
    - name: web-config
      secret:
        secretName: {{ .Values.webConfig.existingSecret }}
        defaultMode: 0440
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{/*
config.yml: `config` and the credential sets that are mounted. A set with `hosts` is named in
`credentials`; one without is a directory that says them itself.
*/}}
{{- define "exporter.configuration" -}}
{{- $config := deepCopy .Values.config }}
{{- $sets := dict }}
{{- $dirs := list }}
{{- range .Values.credentials }}
{{- $dir := printf "/etc/registry-secrets/%s" .name }}
{{- if .hosts }}
{{- $_ := set $sets .name (dict "dir" $dir "hosts" .hosts) }}
{{- else }}
{{- $dirs = append $dirs $dir }}
{{- end }}
{{- end }}
{{- if $sets }}
{{- $_ := set $config "credentials" (merge (default dict $config.credentials) $sets) }}
{{- end }}
{{- if $dirs }}
{{- $_ := set $config "credential_dirs" (concat (default list $config.credential_dirs) $dirs) }}
{{- end }}
{{- $text := toYaml $config }}
{{- if regexMatch "(?mi)^[ -]*\"?(password|token)\"?:" $text }}
{{- fail "config: a password or token must not stand in a ConfigMap; put it into a Secret and name that under `credentials`" }}
{{- end }}
{{- $text }}
{{- end }}

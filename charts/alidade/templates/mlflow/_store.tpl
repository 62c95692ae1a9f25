{{/* Where the volume is mounted. */}}
{{- define "alidade.dataPath" -}}/data{{- end }}

{{/* "true" if the database or the artifacts are files, which need the volume. */}}
{{- define "alidade.storesFiles" -}}
{{- with .Values.mlflow -}}
{{- $database := and (not .backendStore.existingSecret.name) (regexMatch "^($|sqlite)" .backendStore.uri) -}}
{{- $artifacts := regexMatch "^($|/|file:)" .artifacts.destination -}}
{{- if or $database $artifacts }}true{{ end -}}
{{- end -}}
{{- end }}

{{/* Name of the volume's claim. */}}
{{- define "alidade.claimName" -}}
{{- default (include "alidade.name" (list . "mlflow")) .Values.mlflow.persistence.existingClaim -}}
{{- end }}

{{/* Host headers that the server answers to, with commas: it knows no other names than these. */}}
{{- define "alidade.allowedHosts" -}}
{{- $service := include "alidade.name" (list . "mlflow") -}}
{{- $qualified := printf "%s.%s" $service .Release.Namespace -}}
{{- $names := list $service $qualified (printf "%s.svc" $qualified) (printf "%s.svc.%s" $qualified .Values.clusterDomain) -}}
{{- $hosts := list -}}
{{- range $name := $names -}}
{{- $hosts = concat $hosts (list $name (printf "%s:%d" $name (int $.Values.mlflow.service.port))) -}}
{{- end -}}
{{- /* By port-forward, whose port the user chooses. */ -}}
{{- $hosts = concat $hosts (list "localhost" "localhost:*" "127.0.0.1" "127.0.0.1:*" "[::1]" "[[]::1]:*") -}}
{{- concat $hosts .Values.mlflow.allowedHosts | join "," -}}
{{- end }}

{{/* Variables that say where the database is; not an argument, which anyone on the node could read. */}}
{{- define "alidade.storeEnv" -}}
- name: MLFLOW_BACKEND_STORE_URI
  {{- with .Values.mlflow.backendStore }}
  {{- if .existingSecret.name }}
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret.name }}
      key: {{ .existingSecret.key }}
  {{- else }}
  value: {{ default (printf "sqlite:///%s/mlflow.db" (include "alidade.dataPath" $)) .uri | quote }}
  {{- end }}
  {{- end }}
{{- end }}

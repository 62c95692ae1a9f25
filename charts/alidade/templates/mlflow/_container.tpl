{{/* Environment of the server, and of the upgrade of its database. */}}
{{- define "alidade.mlflowEnvironment" -}}
env:
{{ include "alidade.storeEnv" . }}
# Processes for a feature that is not used here.
- name: MLFLOW_SERVER_ENABLE_JOB_EXECUTION
  value: "false"
- name: MLFLOW_DISABLE_TELEMETRY
  value: "true"
- name: HOME
  value: /tmp
{{- with .Values.mlflow.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- with .Values.mlflow.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Volume mounts of both. */}}
{{- define "alidade.mlflowVolumeMounts" -}}
volumeMounts:
- name: tmp
  mountPath: /tmp
{{- if include "alidade.storesFiles" . }}
- name: data
  mountPath: {{ include "alidade.dataPath" . }}
{{- end }}
{{- with .Values.mlflow.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

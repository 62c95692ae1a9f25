{{/* Name of the release's objects: the release's own if it has the chart's in it. */}}
{{- define "alidade.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- default $full .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{/* Name of a component's objects; takes (list $ "operator"). */}}
{{- define "alidade.name" -}}
{{- printf "%s-%s" (include "alidade.fullname" (first .)) (last .) -}}
{{- end }}

{{/* Labels that select a component's pods, and never change; takes (list $ "operator"). */}}
{{- define "alidade.selectorLabels" -}}
app.kubernetes.io/name: {{ default (first .).Chart.Name (first .).Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ (first .).Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{/* Labels of a component's objects; takes (list $ "operator"). */}}
{{- define "alidade.labels" -}}
{{ include "alidade.selectorLabels" . }}
app.kubernetes.io/version: {{ (first .).Chart.AppVersion | quote }}
app.kubernetes.io/part-of: alidade
app.kubernetes.io/managed-by: {{ (first .).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (first .).Chart.Name (first .).Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Metadata of a component's pods; takes (list $ "operator"). */}}
{{- define "alidade.podMetadata" -}}
labels:
  {{- include "alidade.selectorLabels" . | nindent 2 }}
  {{- with (first .).Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict ((get (first .).Values (last .)).podAnnotations | default dict) (first .).Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the pods of all components have in common; takes (list $ "operator"). */}}
{{- define "alidade.podSpec" -}}
{{- $root := first . -}}
{{- $values := get $root.Values (last .) -}}
serviceAccountName: {{ include "alidade.serviceAccountName" . }}
# Variables for every Service of the namespace could be taken for settings.
enableServiceLinks: false
{{- with $root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- range $field := list "nodeSelector" "tolerations" "affinity" }}
{{- with get $values $field }}
{{ $field }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{/* What the containers of all components have in common; takes (list $ "operator"). */}}
{{- define "alidade.container" -}}
{{- $images := (first .).Values.images -}}
image: {{ printf "%s/alidade-%s:%s" $images.registry (last .) $images.tag }}
imagePullPolicy: {{ $images.pullPolicy }}
{{- with (first .).Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Name of a component's account; takes (list $ "operator"). */}}
{{- define "alidade.serviceAccountName" -}}
{{- $account := (get (first .).Values (last .)).serviceAccount -}}
{{- default ($account.create | ternary (include "alidade.name" .) "default") $account.name -}}
{{- end }}

{{/* URL of the tracking server as the operator reaches it. */}}
{{- define "alidade.trackingUri" -}}
{{- if .Values.mlflow.enabled -}}
{{- printf "http://%s.%s.svc:%d" (include "alidade.name" (list . "mlflow")) .Release.Namespace (int .Values.mlflow.service.port) -}}
{{- else -}}
{{- .Values.tracking.uri -}}
{{- end -}}
{{- end }}

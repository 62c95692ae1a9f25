{{/* What the operator may do where it serves: each verb is one that it uses. */}}
{{- define "alidade.operatorRules" -}}
- apiGroups: [alidade.dev]
  resources: [experiments, queues]
  verbs: [list, watch]
- apiGroups: [alidade.dev]
  resources: [jobs]
  verbs: [get, list, watch, delete]
- apiGroups: [alidade.dev]
  resources: [experiments/status, queues/status, jobs/status]
  verbs: [patch]
# For blockOwnerDeletion, where the API server runs OwnerReferencesPermissionEnforcement.
- apiGroups: [alidade.dev]
  resources: [jobs/finalizers]
  verbs: [update]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- if .Values.operator.logTailLines }}
- apiGroups: [""]
  resources: [pods/log]
  verbs: [get]
{{- end }}
# Whether a batch/v1 Job was deleted with its namespace, or by somebody.
- apiGroups: [""]
  resources: [namespaces]
  verbs: [get]
# For jobs with replicas, whose pods meet under the name of a headless Service.
- apiGroups: [""]
  resources: [services]
  verbs: [get, create]
# Why Kueue lets a job wait that was handed over to it.
- apiGroups: [kueue.x-k8s.io]
  resources: [workloads]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, list]
{{- end }}

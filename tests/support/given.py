"""Objects as an API server of 1.34 gives them, less managedFields."""

BATCH_JOB = """
apiVersion: batch/v1
kind: Job
metadata:
  annotations: {alidade.dev/template-hash: 9f2c11ab34de5678}
  creationTimestamp: "2026-03-01T11:58:02Z"
  generation: 2
  labels: {alidade.dev/job: train, alidade.dev/queue: cpu, app.kubernetes.io/managed-by: alidade}
  name: train
  namespace: lab
  ownerReferences:
  - {apiVersion: example.com/v1, kind: Other, name: other, uid: 11111111-aaaa}
  - {apiVersion: alidade.dev/v1alpha1, blockOwnerDeletion: true, controller: true, kind: Job,
     name: train, uid: 3c2b1a00-5d1f-4b53-9c9c-0f0e7a3f5a11}
  resourceVersion: "90417"
  uid: 77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10
spec:
  backoffLimit: 1
  completionMode: NonIndexed
  completions: 1
  manualSelector: false
  parallelism: 1
  podReplacementPolicy: Failed
  selector: {matchLabels: {batch.kubernetes.io/controller-uid: 77aa0c6e}}
  suspend: false
  template:
    metadata:
      annotations: {alidade.dev/parameters: '{"eps": "0.3"}', alidade.dev/mlflow-run-id: r1}
      labels: {alidade.dev/job: train, batch.kubernetes.io/job-name: train}
    spec: {containers: [{name: worker, image: workflow}], restartPolicy: Never}
status:
  completionTime: "2026-03-01T12:03:00Z"
  conditions:
  - {lastProbeTime: "2026-03-01T11:59:00Z", lastTransitionTime: "2026-03-01T11:59:00Z",
     message: Job resumed, reason: JobResumed, status: "False", type: Suspended}
  - {lastTransitionTime: "2026-03-01T12:03:00Z", message: Reached expected number of succeeded pods,
     reason: CompletionsReached, status: "True", type: SuccessCriteriaMet}
  - {lastTransitionTime: "2026-03-01T12:03:00Z", message: Reached expected number of succeeded pods,
     reason: CompletionsReached, status: "True", type: Complete}
  completedIndexes: 0,2-4,7-,x,9-99999999999
  failed: 1
  ready: 0
  startTime: "2026-03-01T11:59:00Z"
  succeeded: 1
  terminating: 0
  uncountedTerminatedPods: {}
"""

POD = """
apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: "2026-03-01T11:59:01Z"
  finalizers: [batch.kubernetes.io/job-tracking]
  generateName: train-
  labels: {alidade.dev/job: train, batch.kubernetes.io/job-name: train, job-name: train}
  name: train-x7k2p
  namespace: lab
  ownerReferences:
  - {apiVersion: batch/v1, blockOwnerDeletion: true, controller: true, kind: Job, name: train,
     uid: 77aa0c6e-1a52-4b39-8f5a-7d4b8a2f9c10}
  resourceVersion: "90410"
  uid: e1e1e1e1-0000-4000-8000-000000000001
spec: {nodeName: alidade-worker2, restartPolicy: Never, containers: [{name: worker}]}
status:
  conditions:
  - {lastTransitionTime: "2026-03-01T12:02:58Z", status: "False", type: PodReadyToStartContainers}
  - {lastTransitionTime: "2026-03-01T11:59:01Z", reason: PodFailed, status: "True",
     type: Initialized}
  - {lastTransitionTime: "2026-03-01T12:02:56Z", reason: PodFailed, status: "False", type: Ready}
  - {lastTransitionTime: "2026-03-01T11:59:01Z", status: "True", type: PodScheduled}
  containerStatuses:
  - image: envoy
    lastState: {}
    name: proxy
    ready: false
    restartCount: 0
    state: {terminated: {exitCode: 0, reason: Completed, startedAt: "2026-03-01T11:59:02Z"}}
  - image: workflow
    lastState: {}
    name: worker
    ready: false
    restartCount: 0
    started: false
    state:
      terminated: {containerID: containerd://b, exitCode: 137, finishedAt: "2026-03-01T12:02:55Z",
        reason: OOMKilled, startedAt: "2026-03-01T11:59:03Z", message: Killed}
  phase: Failed
  podIP: 10.244.1.7
  qosClass: Burstable
  startTime: "2026-03-01T11:59:01Z"
"""

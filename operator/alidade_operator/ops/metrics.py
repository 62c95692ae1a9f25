"""What Prometheus can read of the operator."""

from prometheus_client import Counter, Gauge, Histogram

RECONCILES = Counter("alidade_reconciles_total", "Reconciliations.", ["kind", "result"])
RECONCILE_SECONDS = Histogram(
    "alidade_reconcile_duration_seconds",
    "Time of a reconciliation.",
    ["kind"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
QUEUE_DEPTH = Gauge("alidade_workqueue_depth", "Keys that wait to be reconciled.")
TRACKING_FAILURES = Counter("alidade_tracking_failures_total", "Requests that MLflow failed.")
JOBS_ENDED = Counter("alidade_jobs_ended_total", "Jobs that came to an end.", ["state", "reason"])
CRASHES = Counter("alidade_crashes_total", "Faults that the operator lived through.", ["where"])
UNREADABLE = Counter(
    "alidade_unreadable_objects_total",
    "Versions of objects that were left out.",
    ["kind"],
)
EVENTS = Counter("alidade_events_total", "Events by what became of them.", ["result"])

"""The only place that knows kopf: events in, nothing else."""

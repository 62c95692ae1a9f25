"""What the operator's memory is made for, in bytes; docs/installation.md tells it."""

IDLE = 120_000_000
FOR_EACH_WAITING_JOB = 10_000
WAITING_JOBS = 50_000

"""When a job has ended: its run, its logs, its time to live."""

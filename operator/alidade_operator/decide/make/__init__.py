"""What is made for a job: its batch/v1 Job, its pods, its Service."""

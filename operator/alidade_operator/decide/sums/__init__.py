"""What experiments and queues say of their jobs."""

"""What follows from jobs as they are: pure functions, without a cluster."""

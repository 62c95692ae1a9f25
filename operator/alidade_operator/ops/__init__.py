"""What whoever runs the operator sees of it: settings, logs, metrics, its HTTP port."""

"""MLflow as the operator uses it."""

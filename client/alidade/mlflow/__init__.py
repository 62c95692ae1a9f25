"""MLflow, as far as a client needs it: its REST API, and the way there."""

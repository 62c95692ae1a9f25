"""Before the pods of a job may run: from its dependencies to its release."""

"""The API server, by kr8s: nothing outside this package knows that."""

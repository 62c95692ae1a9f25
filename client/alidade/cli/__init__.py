"""`kubectl alidade`: the client for a terminal. What takes long to import comes late."""

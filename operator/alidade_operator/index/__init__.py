"""What the operator knows of the cluster, by what it asks: mutable, without I/O or a clock."""

"""What is read of the objects of the cluster: small views of them, whatever anybody stored."""

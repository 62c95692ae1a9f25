"""What is done, and what is asked: the only modules that wait for a client."""

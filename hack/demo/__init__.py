"""The MNIST tutorial as a demonstration: what is shown while it runs."""

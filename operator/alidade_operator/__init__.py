"""Alidade: a Kubernetes operator for adversarial-robustness experiments."""

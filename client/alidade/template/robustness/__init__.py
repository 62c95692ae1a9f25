"""How well a classifier of images withstands an attack: entry points of MLproject, and their parts.

Each entry point logs what it measures to the MLflow run of its job.
"""

"""What an Alidade worker pod executes: one entry point of a workflow's MLproject.

``python -m alidade_worker`` is the entrypoint of the worker image.
A workflow's own code needs at most :func:`alidade_worker.outputs.set_output`, and
:mod:`alidade_worker.replicas` where it trains in parallel.
"""

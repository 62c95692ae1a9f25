"""What it needs: in a checkout the core beside it, in wheels for elsewhere that of its version."""

from os import environ
from pathlib import Path

from setuptools import setup

core = Path(__file__).resolve().parent.parent / "core"
beside = core.is_dir() and "ALIDADE_WHEELS" not in environ
setup(
    install_requires=[
        f"alidade-core @ {core.as_uri()}" if beside else "alidade-core==0.1.0",
        "aiohttp>=3.9",
        "kopf>=1.45",
        "kubernetes>=37",
        "mlflow-skinny>=3.17",
        "prometheus-client>=0.22",
        "pydantic>=2.12",
        "pydantic-settings>=2.9",
        "requests>=2.31",
        "sortedcontainers>=2.4",
        "structlog>=25",
    ]
)

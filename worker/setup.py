"""What it needs: in a checkout the core beside it, in wheels for elsewhere that of its version."""

from os import environ
from pathlib import Path

from setuptools import setup

core = Path(__file__).resolve().parent.parent / "core"
beside = core.is_dir() and "ALIDADE_WHEELS" not in environ
setup(
    install_requires=[
        f"alidade-core @ {core.as_uri()}" if beside else "alidade-core==0.1.0",
        "boto3>=1.40",
        "certifi>=2024.2",
        "dulwich>=1.2",
        "mlflow-skinny>=3.17",
        "packaging>=24",
        "requests>=2.32",
        "urllib3>=2.2",
    ]
)

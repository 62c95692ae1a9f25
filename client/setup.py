"""What it needs: in a checkout the core beside it, in wheels for elsewhere that of its version."""

from os import environ
from pathlib import Path

from setuptools import setup

core = Path(__file__).resolve().parent.parent / "core"
beside = core.is_dir() and "ALIDADE_WHEELS" not in environ
setup(
    install_requires=[
        f"alidade-core @ {core.as_uri()}" if beside else "alidade-core==0.1.0",
        "httpx>=0.28",
        "kr8s>=0.20",
        "pathspec>=1.0",
        "pydantic>=2.12",
        "pyyaml>=6.0",
        "rich>=15.0",
        "typer>=0.29",
    ]
)

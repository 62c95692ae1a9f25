"""The client of Dioptra's first testbed, whose scripts and notebooks run as they are."""

from alidade.testbed.client import SecuringAIClient

__all__ = ["SecuringAIClient"]

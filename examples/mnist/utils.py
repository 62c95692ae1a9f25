"""What the tutorial's notebook imports: the testbed's client, as Alidade has it."""

from alidade.testbed import SecuringAIClient

__all__ = ["SecuringAIClient"]

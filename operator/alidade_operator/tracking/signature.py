"""Proof that a run is this installation's: whoever reaches MLflow can write any tag.

A run is created with a claim, which proves who it was made for, and is then given a seal, which
proves that of this very run: tags that were copied to another one prove nothing.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from enum import IntEnum

from alidade_operator.decide.run_owner import Owner, owner_of

SIGNATURE_TAG = "alidade.dev/signature"


class Proof(IntEnum):
    """How much is proven of a run, the most first."""

    SEALED = 0
    CLAIMED = 1


class Signer:
    """Signs whose runs are.

    Args:
        key: Known to the operator alone.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def claim(self, owner: Owner) -> str:
        """Return the signature for a run that is yet to be created."""
        return self._sign("claim", owner)

    def seal(self, owner: Owner, run_id: str) -> str:
        """Return the signature of a run."""
        return self._sign("seal", owner, run_id)

    def proof(self, run_id: str, tags: Mapping[str, str]) -> Proof | None:
        """Say what a run's tags prove, None where that is nothing."""
        owner, signature = owner_of(tags), tags.get(SIGNATURE_TAG, "").encode(errors="replace")
        if owner is None:
            return None
        if hmac.compare_digest(signature, self.seal(owner, run_id).encode()):
            return Proof.SEALED
        if hmac.compare_digest(signature, self.claim(owner).encode()):
            return Proof.CLAIMED
        return None

    def _sign(self, purpose: str, owner: Owner, run_id: str = "") -> str:
        text = json.dumps([purpose, run_id, *owner])
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

import pytest

from alidade_operator.decide.run_owner import (
    EXPERIMENT_TAG,
    INSTALLATION_TAG,
    JOB_TAG,
    NAMESPACE_TAG,
    UID_TAG,
    Owner,
)
from alidade_operator.tracking.signature import SIGNATURE_TAG, Proof, Signer

OWNER = Owner("uid-alidade", "lab", "train", "uid-train", "mnist")
TAGS = dict(
    zip((INSTALLATION_TAG, NAMESPACE_TAG, JOB_TAG, UID_TAG, EXPERIMENT_TAG), OWNER, strict=True)
)
SIGNER = Signer(b"key")
SEALED = {**TAGS, SIGNATURE_TAG: SIGNER.seal(OWNER, "r1")}


def test_a_seal_proves_one_run_and_a_claim_any() -> None:
    assert SIGNER.proof("r1", SEALED) is Proof.SEALED
    assert SIGNER.proof("r2", SEALED) is None
    claimed = {**TAGS, SIGNATURE_TAG: SIGNER.claim(OWNER)}
    assert SIGNER.proof("r1", claimed) is SIGNER.proof("r2", claimed) is Proof.CLAIMED


@pytest.mark.parametrize("tag", TAGS)
def test_tags_that_are_missing_or_altered_prove_nothing(tag: str) -> None:
    without = {key: value for key, value in SEALED.items() if key != tag}
    assert SIGNER.proof("r1", without) is None
    for odd in ("", "other", "\udcff", "\0"):
        assert SIGNER.proof("r1", {**SEALED, tag: odd}) is None


@pytest.mark.parametrize("signature", ["", "x", "\u00e9", "\ud800", "0" * 64])
def test_a_signature_that_is_none_proves_nothing(signature: str) -> None:
    assert SIGNER.proof("r1", {**TAGS, SIGNATURE_TAG: signature}) is None
    assert SIGNER.proof("r1", TAGS) is None


def test_another_key_proves_nothing() -> None:
    assert Signer(b"other").proof("r1", SEALED) is None

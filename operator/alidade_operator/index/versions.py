"""Which object something known is, and of which version."""

from typing import Any

from alidade_operator.objects.views import BatchJob, Pod


def uid_of(known: Any) -> str:
    """Return the UID of a resource of ours, or of a view of another's."""
    return str(known.uid if isinstance(known, Pod | BatchJob) else known.metadata.uid)


def version_of(known: Any) -> int:
    """Return its version; those of a kind can be compared as integers (KEP-5504)."""
    if isinstance(known, Pod | BatchJob):
        return int(known.resource_version)
    return int(known.metadata.resource_version)


def is_stale(new: Any, old: Any) -> bool:
    """Whether what is new is no newer than what is known, if anything is."""
    return old is not None and version_of(new) <= version_of(old)

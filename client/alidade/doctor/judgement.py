"""All that is wrong, in the order in which it is best mended."""

from alidade.doctor import cluster, installation, namespace, queues
from alidade.doctor.facts import Facts, Finding


def judge(facts: Facts) -> list[Finding]:
    """Return what is wrong with an installation, as far as it could be looked at."""
    parts = (cluster, installation, queues, namespace)
    return [finding for part in parts for finding in part.findings(facts)]

"""How long a request may be."""

import json
from typing import Final

from alidade_operator.kube.gateway import Body
from tests.support.simulation.rules.refusals import too_large

MAX_REQUEST: Final = 3 * 2**20


def check_length(body: Body) -> None:
    """See that a request is not too long.

    Raises:
        ApiError: It is.
    """
    if len(json.dumps(body)) > MAX_REQUEST:
        raise too_large(f"Request entity too large: limit is {MAX_REQUEST}")

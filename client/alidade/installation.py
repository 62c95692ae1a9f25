"""Which installation of Alidade is meant."""

import os
from typing import Final

INSTALLATION: Final = "ALIDADE_INSTALLATION"
"""Variable: namespace of the installation, and with a slash its name if that is not `alidade`."""

_DEFAULT: Final = "alidade"


def installation() -> tuple[str, str]:
    """Return its namespace and its name."""
    namespace, _, name = os.environ.get(INSTALLATION, "").partition("/")
    return namespace or _DEFAULT, name or _DEFAULT

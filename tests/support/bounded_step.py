"""One step of fetching or unpacking in a process of its own, which has no memory to spare yet.

Writes what was said of it, and by how many bytes the process grew meanwhile, as JSON.
"""

import json
import resource
import sys
from pathlib import Path

from alidade_worker.errors import WorkerError
from alidade_worker.source.archive import unpack
from alidade_worker.source.git import fetch_commit
from alidade_worker.source.means import Means
from alidade_worker.source.patience import Patience
from alidade_worker.source.telling import telling

_KIBIBYTE = 1024


def main(memory: str, place: str, folder: str, commit: str = "") -> None:
    """Unpack an archive, or fetch a commit, into a folder."""
    before, said = _peak(), ""
    try:
        with telling("The source", int(memory)):
            if commit:
                means = Means("", Patience(0), timeout=60)
                scratch = Path(folder, "..", "objects")
                fetch_commit(place, commit, Path(folder), scratch=scratch, means=means)
            else:
                unpack(Path(place), Path(folder))
    except WorkerError as error:
        said = str(error)
    after = resource.getrlimit(resource.RLIMIT_DATA)[0]
    bounded = after != resource.RLIM_INFINITY
    sys.stdout.write(json.dumps({"said": said, "grew": _peak() - before, "bounded": bounded}))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE


if __name__ == "__main__":
    main(*sys.argv[1:])

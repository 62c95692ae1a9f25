"""Pods by the job that they are of, which UIDs decide, and never names."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from alidade_operator.decide.pods.fate import being_stopped, was_stopped
from alidade_operator.index.graph import Key
from alidade_operator.objects.views import Pod

# Pods of a batch/v1 Job.
REMEMBERED_GONE = 64


class Pods:
    """The last known version of every pod.

    A pod is of the job that owns the batch/v1 Job that owns the pod; where that batch/v1 Job was
    never seen, of the job whose UID is in the pod's label. Labels may have been copied.
    """

    def __init__(self) -> None:
        self.by_name: dict[Key, Pod] = {}
        # Below the UID of its owner, and below that of the job in its label.
        self._under: defaultdict[str, set[Key]] = defaultdict(set)
        self._job_of_batch: dict[str, str] = {}
        self._batches_of: defaultdict[str, set[str]] = defaultdict(set)
        self._gone_batches: set[str] = set()
        self._gone: defaultdict[str, OrderedDict[str, Pod]] = defaultdict(OrderedDict)

    def of(self, job_uid: str) -> tuple[Pod, ...]:
        """Return the pods of a job, those of its earlier batch/v1 Jobs among them."""
        keys = set(self._under.get(job_uid, ()))
        for batch in self._batches_of.get(job_uid, ()):
            keys |= self._under.get(batch, set())
        found = (self.by_name[key] for key in sorted(keys))
        return tuple(pod for pod in found if self.job_of(pod) == job_uid)

    def job_of(self, pod: Pod) -> str | None:
        """Return the UID of the job that a pod is of, None where that is not known."""
        known = self._job_of_batch.get(pod.owner_uid or "")
        return pod.job_uid if known is None else known or None

    def job_of_batch(self, uid: str | None) -> str | None:
        """Return the UID of the job whose batch/v1 Job has, or had, this UID."""
        return self._job_of_batch.get(uid or "") or None

    def adopt(self, batch_uid: str, job_uid: str) -> bool:
        """Take note of whose a batch/v1 Job is, empty if nobody's, and so its pods.

        Returns:
            Whether that is news.
        """
        news = self._job_of_batch.get(batch_uid) != job_uid
        self._job_of_batch[batch_uid] = job_uid
        self._batches_of[job_uid].add(batch_uid)
        self._gone_batches.discard(batch_uid)
        return news

    def under(self, batch_uid: str) -> tuple[Pod, ...]:
        """Return the pods of a batch/v1 Job."""
        return tuple(self.by_name[key] for key in sorted(self._under.get(batch_uid, ())))

    def disown(self, batch_uid: str) -> None:
        """Take note that a batch/v1 Job is gone; its pods, as long as they stay, are still its."""
        self._gone_batches.add(batch_uid)
        self._gone.pop(batch_uid, None)
        self._forget_if_empty(batch_uid)

    def gone(self, batch_uid: str) -> tuple[Pod, ...]:
        """Return the last pods of a batch/v1 Job, which is there, that are gone, as they were."""
        return tuple(self._gone.get(batch_uid, {}).values())

    def put(self, pod: Pod) -> None:
        """Take in a version of a pod."""
        key = (pod.namespace, pod.name)
        old = self.by_name.get(key)
        if old is not None and old.uid != pod.uid:
            self.drop(key)
            old = None
        if pod.owner_uid and pod.owner_uid in self._gone:
            # It came back with the store.
            self._gone[pod.owner_uid].pop(pod.uid, None)
        self.by_name[key] = replace(pod, stopped=_stopped(pod, old))
        for uid in _uids(pod):
            self._under[uid].add(key)

    def drop(self, key: Key) -> Pod:
        """Forget a pod; return it as it last was."""
        pod = self.by_name.pop(key)
        for uid in _uids(pod):
            self._under[uid].discard(key)
            self._forget_if_empty(uid)
        if (owner := pod.owner_uid or "") in self._job_of_batch and owner not in self._gone_batches:
            self._gone[owner][pod.uid] = pod
            if len(self._gone[owner]) > REMEMBERED_GONE:
                self._gone[owner].popitem(last=False)
        return pod

    def _forget_if_empty(self, uid: str) -> None:
        if self._under.get(uid):
            return
        self._under.pop(uid, None)
        if uid in self._gone_batches:
            self._gone_batches.discard(uid)
            batches = self._batches_of[job := self._job_of_batch.pop(uid, "")]
            batches.discard(uid)
            if not batches:
                del self._batches_of[job]


def _stopped(pod: Pod, before: Pod | None) -> bool | None:
    """Say whether a pod was asked to end before it ended, None while nobody knows."""
    if not being_stopped(pod):
        # A disruption that does not come about is taken back.
        return False if pod.ended else None
    if not pod.ended:
        return True
    if before is not None and before.stopped is not None:
        return before.stopped
    # A kubelet deletes it anew, and then less can be told.
    return was_stopped(pod)


def _uids(pod: Pod) -> Iterator[str]:
    yield from filter(None, (pod.owner_uid, pod.job_uid))

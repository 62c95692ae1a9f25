"""kopf as the source of events: it lists, watches and reconnects, and keeps nothing."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import kopf

from alidade.kube.gateway import Body, Kind

Observe = Callable[[Kind, str | None, Body], None]


def _registry(
    kinds: Iterable[Kind], observe: Observe, stopping: Callable[[], object]
) -> kopf.OperatorRegistry:
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(kopf.login_via_client)

    async def clean_up(**_: Any) -> None:
        stopping()

    kopf.on.cleanup(registry=registry)(clean_up)
    for kind in kinds:

        async def tell(event: Mapping[str, Any], _kind: Kind = kind, **_: Any) -> None:
            observe(_kind, event["type"], dict(event["object"]))

        kopf.on.event(
            kind.group,
            kind.version,
            kind.plural,
            id=f"{kind.plural}.{kind.group}",
            registry=registry,
        )(tell)
    return registry


def _settings(selectors: Mapping[Kind, str]) -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.watching.chunk_size = 500
    for kind, selector in selectors.items():
        where = (kind.group, kind.version, kind.plural)
        settings.watching.label_selectors[where] = selector
    return settings


async def watch(
    kinds: Iterable[Kind],
    selectors: Mapping[Kind, str],
    namespaces: tuple[str, ...],
    observe: Observe,
    stopping: Callable[[], object],
) -> None:
    """Tell of every object of these kinds, and of every change, until cancelled.

    Args:
        kinds: What to watch.
        selectors: Label selectors by kind, for the API server to apply.
        namespaces: Where to watch; none means everywhere.
        observe: Called with kind, change and object: ADDED, MODIFIED, DELETED, or None for those
            that were there at the start.
        stopping: Called when the watches have ended; what else runs by then is waited for.
    """
    await kopf.operator(
        registry=_registry(kinds, observe, stopping),
        settings=_settings(selectors),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )

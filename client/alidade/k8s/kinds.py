"""The kinds of objects that the client asks for."""

from typing import NamedTuple

from alidade_core.api.base import GROUP, VERSION, Resource


class Kind(NamedTuple):
    """A kind of object as it stands in URLs.

    Attributes:
        version: Group and version.
        plural: Its name there.
        namespaced: Whether its objects are in namespaces.
    """

    version: str
    plural: str
    namespaced: bool = True

    @property
    def group(self) -> str:
        """The API group, empty for Kubernetes' first one."""
        return self.version.rpartition("/")[0]

    @property
    def words(self) -> str:
        """What kubectl calls it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


def kind_of(resource: type[Resource]) -> Kind:
    """Return the kind of one of Alidade's resources."""
    return Kind(f"{GROUP}/{VERSION}", resource.definition.plural)


PODS = Kind("v1", "pods")
SECRETS = Kind("v1", "secrets")
CONFIG_MAPS = Kind("v1", "configmaps")
NODES = Kind("v1", "nodes", namespaced=False)
LEASES = Kind("coordination.k8s.io/v1", "leases")
DEPLOYMENTS = Kind("apps/v1", "deployments")
DEFINITIONS = Kind("apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False)
ACCESS_REVIEWS = Kind("authorization.k8s.io/v1", "selfsubjectaccessreviews", namespaced=False)

"""The connection to the API server, by a pod's own account or a kubeconfig."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from kubernetes.aio import client, config

# Logs that are followed, or waited for, must not keep the Lease from being renewed.
CONNECTIONS = 256


async def connect() -> client.ApiClient:
    """Return a client of the cluster that this process is in, or that its kubeconfig names.

    Raises:
        kubernetes.aio.config.ConfigException: It is in none, and there is no kubeconfig.
    """
    try:
        config.load_incluster_config()
    except config.ConfigException:
        await config.load_kube_config()
    configuration = client.Configuration.get_default_copy()
    configuration.connection_pool_maxsize = CONNECTIONS
    configuration.proxy = configuration.proxy or _proxy(configuration.host)
    # Else each request asks two threads for what the environment and a netrc file say.
    configuration.client_session_kwargs = {"trust_env": False}
    return client.ApiClient(configuration)


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for a server, as HTTPS_PROXY and NO_PROXY do."""
    where = urlsplit(url)
    return None if proxy_bypass(where.netloc) else getproxies().get(where.scheme)

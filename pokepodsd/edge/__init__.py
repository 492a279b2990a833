"""All doing: input and output, one module an outside thing, and no policy.

Owns which outside packages are not imported whole. Of these far less is used than they import by
themselves: measured on Python 3.11, with byte-code, in MB of resident memory.
"""

from pokepodsd.deferral import defer

defer(
    {
        # 19: every kind of netlink there is, a database and a server, for four kinds of messages.
        "pyroute2": {},
        # 9: icmplib's asynchronous half.
        "asyncio": {},
        # 29, before release 37: a class for every kind of object, for the transport alone.
        "kubernetes": {},
        "kubernetes.client": {"ApiClient": "api_client", "Configuration": "configuration"},
        "kubernetes.client.models": {},
    }
)

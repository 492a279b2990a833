"""A Kubernetes API server for tests, demonstrations and benchmarks.

Owns: an ordinary program (`python -m tests.apiserver`) that serves pods and nodes over TLS as
kube-apiserver 1.36 does, so far as the recordings in `tests/recordings` show it, and that
misbehaves on request through a control socket.

Refuses: being a cluster. There is no scheduler, no kubelet, no Table rendering and no watch of
anything but pods; of admission, what NodeRestriction says of nodes.

kmock was looked at first: it has no TLS client certificates, no resourceVersion history, no paging
and no authorizer, which are what the daemon's reader meets in real life. Hence aiohttp directly.
"""

"""Discovery over real sockets: what the client code makes of everything that a server may do.

Runs with every supported release of the `kubernetes` package, and the tests marked ``real``
against a real kube-apiserver too.
"""

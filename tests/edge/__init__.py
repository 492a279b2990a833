"""Checks each edge against the real thing: sockets, files, processes, a TLS server, namespaces."""

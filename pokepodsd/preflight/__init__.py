"""The preflight: looks at this host and its cluster, and says what keeps pokepodsd from its work.

A module an area; each check takes the world as arguments and gives findings. Changes nothing: what
mends a fault is told as a command, and run by whoever reads it.
"""

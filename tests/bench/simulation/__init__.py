"""A whole cluster in virtual time: the daemon's own thinking, without sockets or a clock."""

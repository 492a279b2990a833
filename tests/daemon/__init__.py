"""The running daemon, in a lab, against the test API server: what its users rely on."""

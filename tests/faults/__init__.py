"""What production does to a daemon, done to the real one; after each fault, what must hold."""

"""All thinking: pure functions and values; no socket, file, clock, thread, logger or dice."""

"""Tests of the core: data and times in, values out; no socket, no clock, no sleep."""

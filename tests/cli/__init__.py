"""Checks the command line as an operator meets it: a program, its text and its exit status."""

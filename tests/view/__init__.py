"""Tests of how documents are shown."""

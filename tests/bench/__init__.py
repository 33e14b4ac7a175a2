"""Measurements: run by their own command, `python -m tests.bench`, never by the default one."""

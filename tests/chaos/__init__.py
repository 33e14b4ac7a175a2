"""Chaos: a line that breaks in every way, killed workers, blackouts and full disks, against the real command."""

"""The sync engine in simulation: the real code over a made-up kernel, bucket and clock, with everything gone wrong."""

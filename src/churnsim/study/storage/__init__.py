"""The run directory: atomic writes, locks, provenance, progress and the pool of workers."""

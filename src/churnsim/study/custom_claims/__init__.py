"""A user's own claims, read from a TOML or Python file."""

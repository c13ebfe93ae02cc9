"""From a client's export to a study that runs: which column is what, what the file holds, and a commented TOML."""

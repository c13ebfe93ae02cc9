"""Public data sets: one declaration each, and how their files are found or fetched."""

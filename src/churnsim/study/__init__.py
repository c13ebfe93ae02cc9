"""A study: one configuration in, one run directory out. The only room that writes results."""

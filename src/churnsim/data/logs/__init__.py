"""Transaction logs: reading, checking, purchase days and stable customer ids."""

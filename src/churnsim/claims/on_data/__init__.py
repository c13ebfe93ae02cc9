"""Claims measured on real customers."""

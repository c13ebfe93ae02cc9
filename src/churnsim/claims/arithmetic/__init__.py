"""Claims that follow, or do not, from figures that the texts or their studies state."""

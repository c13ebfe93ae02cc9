"""Published figures and the computations that reproduce them."""

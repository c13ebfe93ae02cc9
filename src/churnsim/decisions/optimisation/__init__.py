"""The best of a continuum of strategies: levers, search, the gap to the optimum, the marginal returns."""

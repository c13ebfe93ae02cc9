"""Market, strategy and clock: what a simulation is given."""

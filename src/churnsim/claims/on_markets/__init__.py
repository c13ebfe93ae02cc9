"""Claims that need a market: customers fitted to data, replayed under strategies."""

"""Groups of customers: clusters, factors and the gold customers."""

"""From a log to one row a customer: frequency, recency, T and spend, in memory or pushed down to a query engine."""

"""The two engines and what they share: bookkeeping, the firm, the epoch boundary, populations."""

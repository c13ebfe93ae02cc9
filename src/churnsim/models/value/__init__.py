"""Customer lifetime value from a purchase or retention model and a spend model."""

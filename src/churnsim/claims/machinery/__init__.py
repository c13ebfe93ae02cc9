"""What every claim is made of: sources, evidence, verdicts, maps, comparisons, and the test that applies them."""

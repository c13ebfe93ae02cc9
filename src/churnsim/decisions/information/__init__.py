"""What it is worth to know a number before deciding, and to measure it."""

"""Models of buying and spending, one a file, and what is made of them: fits, values, validation."""

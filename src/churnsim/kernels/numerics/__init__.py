"""Special functions, quantiles, quadrature, random numbers and the compiler settings."""

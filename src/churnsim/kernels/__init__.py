"""Compiled scalar and array kernels: numba, numpy and math only, pure, and without a view of anything above."""

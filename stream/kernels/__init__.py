"""Compiled loops over bytes and batches; NumPy and Numba only."""

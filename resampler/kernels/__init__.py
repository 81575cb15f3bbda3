"""Compiled loops over arrays: NumPy and Numba only, no validation, no allocation of what the caller can give.

Kernels return codes or write into arrays that they are given; whoever calls them has checked the input.
"""

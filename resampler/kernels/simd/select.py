"""Selection: the k-th smallest of some values.

NumPy's `partition` takes Numba five seconds to compile and its `median` one: they also check, sort and deduplicate what
they are asked for. This takes 0.2 s.

Naive: `sorted`, in tests/resampler/kernels/simd/test_select.py.

References
----------
Hoare: Algorithm 65, FIND. Communications of the ACM 4 (1961), doi:10.1145/366622.366647.
"""

from __future__ import annotations

from resampler.kernels.jit import allocating


@allocating
def select(values, k):
    """Return the k-th smallest value, counted from 0, reordering the values; none is NaN."""
    low, high = 0, values.shape[0]
    while high - low > 1:
        a, b, c = values[low], values[(low + high) // 2], values[high - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        middle = low
        for i in range(low, high):  # no branch, which would be guessed wrong every other time
            value = values[i]
            values[i] = values[middle]
            values[middle] = value
            middle += value < pivot
        if k < middle:
            high = middle
            continue
        low = middle
        for i in range(middle, high):
            value = values[i]
            values[i] = values[low]
            values[low] = value
            low += value == pivot
        if k < low:
            return pivot
    return values[low]

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
    low, high = 0, values.shape[0] - 1
    while low < high:
        a, b, c = values[low], values[(low + high) // 2], values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return values[k]

"""Between the centroids of two groups, and from there by a normal deviate of the group's spread in each column.

Base and neighbour are centroids, never rows, and `width` is the spread of the base's group: what one real row holds is
read nowhere. Half the way is the most that a method goes (`resampler.methods.harden`).

References
----------
Domingo-Ferrer, Mateo-Sanz: Practical data-oriented microaggregation for statistical disclosure control. TKDE 14 (2002),
doi:10.1109/69.979982, for centroids in place of rows.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import inline
from resampler.kernels.random import more_words, normal, one_of

BATCH_ONLY = True  # a stream's hardened rows have groups of their own, beside its buffer


@inline
def place(base, neighbor, step, w0, w1, w2, w3, seed, width, out):
    """Write the way towards the near centroid, each column moved on by a deviate times its `width`."""
    a, b, c, d = w0, w1, w2, w3
    for j in range(out.shape[0]):
        if j % 4 == 0:
            a, b, c, d = more_words(w0, w1, w2, w3, seed, j // 4)
        origin = np.float64(base[j])
        way = np.float64(neighbor[j]) - origin
        if way == way:  # NaN alone is not itself
            origin += np.float64(step) * way
        out[j] = origin + width[j] * normal(one_of(a, b, c, d, j))

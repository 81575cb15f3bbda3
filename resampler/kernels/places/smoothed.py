"""About the base, by a normal deviate of its own in each column: the smoothed bootstrap.

References
----------
Menardi, Torelli: Training and assessing classification rules with imbalanced data. DMKD 28 (2014), section 3.2,
doi:10.1007/s10618-012-0295-5.
"""

from __future__ import annotations

from resampler.kernels.jit import inline
from resampler.kernels.random import more_words, normal, one_of

BATCH_ONLY = True  # its width is a spread of all rows of the class


@inline
def place(base, _neighbor, _step, w0, w1, w2, w3, seed, width, out):
    """Write the base, each column moved by a normal deviate times its `width`; a null stays one."""
    a, b, c, d = w0, w1, w2, w3
    for j in range(out.shape[0]):
        if j % 4 == 0:
            a, b, c, d = more_words(w0, w1, w2, w3, seed, j // 4)
        out[j] = base[j] + width[j] * normal(one_of(a, b, c, d, j))

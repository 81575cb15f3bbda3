"""Anywhere in the ball around the base whose surface the neighbour lies on: distances are measured in units of `width`.

The radius is the largest of d uniform deviates, which is distributed as the d-th root of one: no power is taken, since
the C library's may differ in its last bit from one machine to the next. A column of width 0 is left as it is, and so is
one in which a parent is null: the ball lies in the columns that both have.

References
----------
Douzas, Bacao: Geometric SMOTE. Information Sciences 501 (2019), section 3.2, doi:10.1016/j.ins.2019.06.007: the
minority's selection strategy, with neither truncation nor deformation.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import inline
from resampler.kernels.random import more_words, normal


@inline
def place(base, neighbor, _step, w0, w1, w2, w3, seed, width, out):
    """Write a row in a direction and at a distance of its own: two words a column, a block of four for two columns."""
    reach = 0.0
    length = 0.0
    radius = 0.0
    for j in range(out.shape[0]):
        way = (np.float64(neighbor[j]) - np.float64(base[j])) / width[j] if width[j] != 0 else np.nan
        if np.isnan(way):
            continue
        a, b, c, d = more_words(w0, w1, w2, w3, seed, j // 2)
        deviate = normal(a if j % 2 == 0 else c)
        length += deviate * deviate
        radius = max(radius, (np.float64(b if j % 2 == 0 else d) + 0.5) * 2.0**-32)
        reach += way * way
    factor = radius * np.sqrt(reach) / np.sqrt(length) if length > 0 else 0.0
    for j in range(out.shape[0]):
        if width[j] == 0 or np.isnan(neighbor[j] - base[j]):
            out[j] = base[j]
            continue
        a, b, c, d = more_words(w0, w1, w2, w3, seed, j // 2)
        out[j] = np.float64(base[j]) + width[j] * factor * normal(a if j % 2 == 0 else c)

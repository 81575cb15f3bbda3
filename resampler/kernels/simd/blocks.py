"""Squared distances of many rows at once, by a scan over transposed blocks of rows.

Rows lie in blocks of `LANES` side by side, `blocks[b, j, lane]`, already divided by the columns' scale. The sum over
features then runs in column order for every row, whatever the vector width: vectors lie across rows, no sum is
reordered, and the same bits come out on every machine.

Distances are finite: rows lie within 1e16 units of scale, and (2e16)**2 summed over 85,000 columns fits in a float32.
"""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import inner, njit
from resampler.kernels.simd.lanes import (
    add_category,
    add_common,
    add_common_category,
    add_numeric,
    at_most,
    scale_up,
)

CHECK_COLUMNS = 16  # columns after which a scan looks whether all rows are too far away by now
DEAD = -1  # row id of a slot that holds no row


@njit(nogil=True)
def block_distances(block, query, penalty, limit, out):
    """Write the squared distances of one block's rows to `query`; stop early, and return 0, if all exceed `limit`.

    Else return the word whose bits are set for the lanes within it. `penalty[j]` is negative for a numeric column,
    else what a differing category adds.
    """
    n_features = query.shape[0]
    out[:] = 0
    within = np.uint64(0)
    for first in range(0, n_features, CHECK_COLUMNS):
        last = min(first + CHECK_COLUMNS, n_features)
        j = first
        while j < last:
            run = j
            while run < last and penalty[run] < 0:
                run += 1
            if run > j:
                add_numeric(block, query, j, run, out)
            if run < last:
                add_category(block, query, run, penalty[run], out)
            j = run + 1
        within = at_most(out, limit)
        if within == 0:
            break
    return within


@inner
def partial_distances(block, query, penalty, limit, common, out):
    """Do as `block_distances` where rows have nulls: over the columns that both rows have, scaled up to all.

    Rows without a column in common are infinitely far apart. `common` is working space, one count a lane. A sum is no
    larger scaled down than up, so that it may stop early before it is scaled.

    References
    ----------
    Dixon: Pattern Recognition with Partly Missing Data. IEEE SMC 9 (1979), doi:10.1109/TSMC.1979.4310090.
    """
    n_features = query.shape[0]
    out[:] = 0
    common[:] = 0
    for first in range(0, n_features, CHECK_COLUMNS):
        last = min(first + CHECK_COLUMNS, n_features)
        j = first
        while j < last:
            run = j
            while run < last and penalty[run] < 0:
                run += 1
            if run > j:
                add_common(block, query, j, run, common, out)
            if run < last:
                add_common_category(block, query, run, penalty[run], common, out)
            j = run + 1
        if at_most(out, limit) == 0:
            return np.uint64(0)
    scale_up(common, n_features, out)
    return at_most(out, limit)

"""Where output batches end: a function of entry IDs and row counts, never of arrival times."""

from __future__ import annotations

import numpy as np

from resampler.kernels.jit import njit


@njit(nogil=True)
def cut(ms, rows, window_ms, batch_rows, stops):
    """Write the place behind the last entry of each batch.

    A batch is a run of entries whose IDs fall in the same `window_ms` milliseconds, and that hold at most
    `batch_rows` rows together (an entry is never split). The last batch may still grow.

    Returns the number of batches.
    """
    n_batches = 0
    held = 0
    window = np.uint64(window_ms)
    for i in range(ms.shape[0]):
        if i > 0 and (ms[i] // window != ms[i - 1] // window or held + rows[i] > batch_rows):
            stops[n_batches] = i
            n_batches += 1
            held = 0
        held += rows[i]
    if ms.shape[0] > 0:
        stops[n_batches] = ms.shape[0]
        n_batches += 1
    return n_batches

"""Naive loops of `resampler.kernels.simd.blocks`."""

from __future__ import annotations

import numpy as np


def naive_block_distances(block, query, penalty):
    """Squared distance of each lane, in column order, one float32 operation at a time."""
    d, n_lanes = block.shape
    out = np.zeros(n_lanes, dtype=np.float32)
    for lane in range(n_lanes):
        for j in range(d):
            if penalty[j] < 0:
                difference = block[j, lane] - query[j]
                out[lane] += difference * difference
            elif block[j, lane] != query[j]:
                out[lane] += penalty[j]
    return out


def naive_partial_distances(block, query, penalty):
    """The same over the columns that both have, scaled up to all; infinite where there is none."""
    d, n_lanes = block.shape
    out = np.zeros(n_lanes, dtype=np.float32)
    for lane in range(n_lanes):
        common = 0
        for j in range(d):
            if np.isnan(block[j, lane]) or np.isnan(query[j]):
                continue
            common += 1
            if penalty[j] < 0:
                difference = block[j, lane] - query[j]
                out[lane] += difference * difference
            elif block[j, lane] != query[j]:
                out[lane] += penalty[j]
        out[lane] = out[lane] * (np.float32(d) / np.float32(common)) if common else np.inf
    return out

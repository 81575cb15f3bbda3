"""Naive loops of `resampler.kernels.interpolate`."""

from __future__ import annotations


def synthetic_row(rows, base, nearest, neighbor, step, penalty):
    out = rows[base].copy()
    for j in range(len(out)):
        if penalty[j] < 0:
            out[j] = rows[base][j] + step * (rows[neighbor][j] - rows[base][j])
        else:
            values = [rows[i][j] for i in nearest]
            out[j] = min(values, key=lambda v: (-values.count(v), v))
    return out

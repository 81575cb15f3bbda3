"""Naive loop of `stream.kernels.cut`: every batch is added up anew for every entry."""

from __future__ import annotations


def batches(ms, rows, window_ms, batch_rows):
    """Place behind the last entry of each batch: entries of one window, and of so many rows together."""
    found = []
    for i, (stamp, n) in enumerate(zip(ms, rows, strict=True)):
        same_window = found and stamp // window_ms == ms[found[-1][0]] // window_ms
        if same_window and sum(rows[j] for j in found[-1]) + n <= batch_rows:
            found[-1].append(i)
        else:
            found.append([i])
    return [batch[-1] + 1 for batch in found]

"""Whether kernels have to be compiled here, and whether that is of use to others."""

from __future__ import annotations

import os

import numpy as np

from resampler.kernels.online.window import encode
from resampler.online import OnlineResampler
from resampler.schema import FeatureSchema


def must_compile() -> bool:
    """Say whether kernels have to be compiled, by the smallest that every stream needs.

    Returns
    -------
    bool
        False where that was loaded from the cache, or where there is no compiler. That kernel is ready afterwards.
    """
    online = OnlineResampler(FeatureSchema.numeric(["a"]))
    online.process(np.empty((0, 1), dtype=np.float32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    stats = getattr(encode, "stats", None)  # none without the compiler
    return stats is not None and bool(stats.cache_misses)


def keeps_kernels() -> bool:
    """Say whether what is compiled here is found by other processes.

    Returns
    -------
    bool
        False where the cache's directory may not be written to.
    """
    folder = getattr(getattr(encode, "_cache", None), "cache_path", None)
    return folder is not None and os.access(folder, os.W_OK)

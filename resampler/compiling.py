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
        False where that was loaded from the cache, or is ready in this process, or where there is no compiler. That
        kernel is ready afterwards.
    """
    before = _compiled()
    online = OnlineResampler(FeatureSchema.numeric(["a"]))
    online.process(np.empty((0, 1), dtype=np.float32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return _compiled() > before


def keeps_kernels() -> bool:
    """Say whether what is compiled here is found by other processes.

    Returns
    -------
    bool
        False where the cache's directory may not be written to.
    """
    folder = getattr(getattr(encode, "_cache", None), "cache_path", None)
    return folder is not None and os.access(folder, os.W_OK)


def _compiled() -> int:
    """Count how often that kernel was compiled in this process; 0 without the compiler."""
    stats = getattr(encode, "stats", None)
    return 0 if stats is None else sum(stats.cache_misses.values())

"""Whether kernels have to be compiled here, and whether that is of use to others."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numba import typeof, types
from numba.core.event import TimingListener, install_listener

from resampler.kernels.buffer.search import find
from resampler.kernels.cache import CheckedCache
from resampler.kernels.online.window import encode
from resampler.online import OnlineResampler
from resampler.schema import FeatureSchema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resampler.kernels.buffer.ring import Ring


def must_compile() -> bool:
    """Say whether kernels have to be compiled, by the smallest that every stream needs.

    Returns
    -------
    bool
        False where that was loaded from the cache, or is ready in this process, or where there is no compiler: that
        kernel is ready then. Where the cache has nothing of it, nothing is compiled to find out.
    """
    cache = getattr(encode, "_cache", None)
    if isinstance(cache, CheckedCache) and cache.is_empty() and not encode.overloads:
        return True
    before = _compiled()
    online = OnlineResampler(FeatureSchema.numeric(["a"]))
    online.process(np.empty((0, 1), dtype=np.float32), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    return _compiled() > before


@contextmanager
def watch_compiler() -> Iterator[TimingListener]:
    """Watch whether the block compiles anything: where the cache holds some kernels, `must_compile` cannot tell.

    Yields
    ------
    numba.core.event.TimingListener
        Its `done` is true once anything was compiled, not loaded.
    """
    with install_listener("numba:compile", TimingListener()) as watch:
        yield watch


def compile_search(ring: Ring) -> None:
    """Compile the search of a buffer, the longest part of what inserts rows, and nothing that calls it.

    Parameters
    ----------
    ring : Ring
        A buffer's state, which stays as it is: kernels depend on its types alone.
    """
    if not hasattr(find, "compile"):  # without the compiler
        return
    graph = ring.graph
    number, lists = types.int64, graph.lists
    kinds = typeof(graph), typeof(graph.cells.home), types.boolean, number, number, number
    find.compile((*kinds, typeof(lists.stamps[0]), typeof(lists.d2[0])))


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

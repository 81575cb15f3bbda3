"""Whether kernels have to be compiled here, and whether that is of use to others."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numba import typeof, types
from numba.core.event import TimingListener, install_listener

from resampler.kernels.buffer.penalty import follow_spread
from resampler.kernels.buffer.ring import arrive, insert, take_slot
from resampler.kernels.buffer.search import find, measure, note_rows, scan_newcomers, update_affected
from resampler.kernels.cache import CheckedCache
from resampler.kernels.online.operations import advance
from resampler.kernels.online.window import encode
from resampler.online import OnlineResampler
from resampler.provenance import make_output
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


def compile_insertion(ring: Ring) -> None:
    """Compile what inserts a row into a buffer, its longest part, the search, first, and nothing that calls it.

    Parameters
    ----------
    ring : Ring
        A buffer's state, which stays as it is: kernels depend on its types alone.
    """
    if not hasattr(insert, "compile"):  # without the compiler
        return
    graph, number, row = ring.graph, types.int64, types.float32[::1]
    whole, home, lists = typeof(graph), typeof(graph.cells.home), graph.lists
    find.compile((whole, home, types.boolean, number, number, number, typeof(lists.stamps[0]), typeof(lists.d2[0])))
    arrive.compile((typeof(ring), home, number, number, number, types.float32))
    take_slot.compile((typeof(ring), row, number))
    insert.compile((typeof(ring), row, number))


def compile_making(ring: Ring) -> None:
    """Compile what inserts and makes rows where a buffer has cells and all bases weigh the same.

    Parameters
    ----------
    ring : Ring
        As in `compile_insertion`.

    Notes
    -----
    For a process beside one that compiles insertion: of that it takes first what the other comes to last.
    """
    if not hasattr(advance, "compile"):  # without the compiler
        return
    graph = ring.graph
    number, yes, d2, numbers = types.int64, types.boolean, types.float32, types.int64[::1]
    whole, rows, lists, cells, scratch = map(typeof, (graph, *graph))
    found = typeof(graph.lists.stamps[0]), typeof(graph.lists.d2[0])
    scan_newcomers.compile((whole, yes, number, number, number, *found))
    measure.compile((whole, yes, yes, d2, number, number, number, *found))
    update_affected.compile((whole, scratch, number, number, number, number))
    note_rows.compile((rows, cells, scratch, *[number] * 7, number, d2))
    follow_spread.compile((rows, lists, cells, typeof(graph.scratch.query)))
    keys = number, number, types.uint64, number, number, types.float64[::1]
    made = types.none, types.UniTuple(numbers, 4), number, typeof(make_output(0, 2))
    advance.compile((typeof(ring), types.none, types.float32[:, ::1], numbers, *keys, yes, *made))


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

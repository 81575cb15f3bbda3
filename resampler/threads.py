"""Kernels on threads: what they write does not depend on how many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from numba import config

from resampler.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable

CELLS_AT_ONCE = 16  # that a thread takes of a search


def in_chunks(task: Callable[[int, int], None], n: int, chunk: int, n_threads: int | None = None) -> None:
    """Run ``task(first, last)`` over 0 .. n-1 in pieces, on threads where there is more than one piece.

    Parameters
    ----------
    task : callable
        A kernel that frees the interpreter and writes to its own range only.
    n : int
        How much there is to do.
    chunk : int
        Size of a piece.
    n_threads : int, optional
        By default ``NUMBA_NUM_THREADS``, that is the machine's cores.
    """
    workers = min(n_threads or config.NUMBA_NUM_THREADS, -(-n // chunk))
    if workers <= 1:
        task(0, n)
        return
    with Crew(workers) as crew:
        crew.share(range(0, n, chunk), lambda first, _: task(first, min(n, first + chunk)))

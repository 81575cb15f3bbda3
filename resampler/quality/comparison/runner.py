"""Cells, measured on some threads, until they are done or time is up."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from resampler.notices import warn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from resampler.quality.comparison.cells import Bench, Cell
    from resampler.quality.store import Store


_OF_THREADS = "`sklearn.utils.parallel"  # said where filters of warnings, which threads share, were being changed


class LearnerWarning(UserWarning):
    """Warn of what a learner warned of."""


class Runner:
    """Measure cells.

    Parameters
    ----------
    bench : Bench
        What they share.
    store : Store
        Where they are kept.
    threads : int or None
        On how many at once; by default as many as there are cores. It changes no figure: within a cell, libraries use
        one.
    budget_s : float or None
        Seconds after which no cell is begun; None: no limit.
    progress : callable or None
        Called as ``progress(done, total)``.
    total : int
        Cells that are expected.
    """

    def __init__(
        self,
        bench: Bench,
        store: Store,
        *,
        threads: int | None,
        budget_s: float | None,
        progress: Callable[[int, int], None] | None,
        total: int,
    ) -> None:
        self.bench = bench
        self.store = store
        self.threads = threads or len(os.sched_getaffinity(0))
        self.end = None if budget_s is None else time.monotonic() + budget_s
        self.progress = progress
        self.total = total
        self.done = 0
        self.heard: set[str] = set()

    def run(self, cells: Sequence[Cell]) -> list[dict[str, Any]] | None:
        """Measure cells that stand or fall together.

        Parameters
        ----------
        cells : sequence of Cell
            Which.

        Returns
        -------
        list of dict or None
            What `Cell.measure` gave, in order; None where time was up before all were measured. Those that were are in
            the store.
        """
        keys = [cell.key(self.bench) for cell in cells]
        found = {key: kept for key in keys if (kept := self.store.get(key)) is not None}
        self._say(len(found))
        missing = {key: cell for key, cell in zip(keys, cells, strict=True) if key not in found}
        if missing and not self._is_up:
            with ThreadPoolExecutor(self.threads, initializer=_one_thread) as pool, _alone(), self._listening():
                begun = {pool.submit(self._measure, key, cell): key for key, cell in missing.items()}
                try:
                    for future in as_completed(begun):
                        measured = future.result()
                        if measured is not None:
                            found[begun[future]] = measured
                            self._say(1)
                finally:
                    pool.shutdown(cancel_futures=True)  # where the user interrupts
        return [found[key] for key in keys] if len(found) == len(set(keys)) else None

    def skip(self, n: int) -> None:
        """Say that fewer cells are needed.

        Parameters
        ----------
        n : int
            How many are not.
        """
        self._say(n)

    def report(self) -> None:
        """Warn of what learners warned of, once each: on several threads, who warned how often is not certain."""
        for line in sorted(self.heard):
            warn(f"learners that were compared warned: {line}", LearnerWarning)

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        def _hear(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
            line = str(message).strip().splitlines()[0]
            if not line.startswith(_OF_THREADS):
                self.heard.add(f"{category.__name__}: {line}")

        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = _hear
            yield

    @property
    def _is_up(self) -> bool:
        return self.end is not None and time.monotonic() >= self.end

    def _measure(self, key: str, cell: Cell) -> dict[str, Any] | None:
        if self._is_up:
            return None
        measured = cell.measure(self.bench)
        if "error" not in measured:  # what fails is soon tried again, and may have failed for want of memory
            self.store.put(key, measured)
        return measured

    def _say(self, n: int) -> None:
        self.done += n
        if self.progress is not None:
            self.progress(self.done, self.total)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let libraries compute in one thread: sums depend on how many there are."""
    import sklearn.ensemble  # noqa: F401 - a library that is not loaded yet would not be limited
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _one_thread() -> None:
    """Limit OpenMP, which goes by the thread that asks."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)

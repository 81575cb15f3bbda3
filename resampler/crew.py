"""Threads that do one short piece of work after another together: the phases of a search."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Item = TypeVar("Item")


class Crew:
    """Threads, the caller's among them, that share what there is to do.

    Each takes what is next as soon as it is free. The caller begins at once, and does not wait for a thread that has
    not begun when nothing is left: pieces of a tenth of a millisecond are worth sharing.

    Parameters
    ----------
    size : int
        How many work at most, from 1.

    Examples
    --------
    >>> squares = [0] * 4
    >>> with Crew(2) as crew:
    ...     crew.share(range(4), lambda i, worker: squares.__setitem__(i, i * i))
    >>> squares
    [0, 1, 4, 9]
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size - 1) if size > 1 else None

    def __enter__(self) -> Self:
        """Return the crew; its threads end with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for its threads to end."""
        if self._pool is not None:
            self._pool.shutdown()

    def share(
        self,
        items: Iterable[Item],
        task: Callable[[Item, int], Iterable[Item] | None],
        holds: Callable[[Item], Collection[Any]] | None = None,
    ) -> None:
        """Run ``task(item, worker)`` for each of some items, and for those that a task returns.

        Parameters
        ----------
        items : iterable
            The first are begun first.
        task : callable
            It is told which worker runs it, below `size`: no two at a time are the same. It may return more items.
        holds : callable, optional
            What an item has for itself while it is run: those that hold the same are run one after the other.

        Notes
        -----
        What a task raises is raised here, once none is running; what was not begun is left.
        """
        left = list(items)
        if self._pool is None:
            while left:
                left.extend(task(left.pop(0), 0) or ())
            return
        work = _Work(left, task, holds or _nothing)
        others: list[Future[None]] = []
        try:
            others.extend(self._pool.submit(work.run, worker) for worker in range(1, self.size))
            work.run(0)
        finally:
            work.end()  # it has ended, unless the caller was interrupted
            begun = [other for other in others if not other.cancel()]
            errors = [other.exception() for other in begun]
        for error in filter(None, errors):
            raise error


def _nothing(_: Any) -> tuple[()]:
    return ()


class _Work:
    """What is left of something shared, and what is running."""

    def __init__(self, left: list[Any], task: Callable[..., Any], holds: Callable[[Any], Collection[Any]]) -> None:
        self._left, self._task, self._holds = left, task, holds
        self._held: set[Any] = set()
        self._n_running = 0
        self._ends = False
        self._changed = threading.Condition()

    def run(self, worker: int) -> None:
        """Run what is next, until nothing is left and nothing is running that could return more."""
        while True:
            with self._changed:
                while (at := self._next()) is None:
                    if self._ends or (not self._left and self._n_running == 0):
                        return
                    self._changed.wait()
                item = self._left.pop(at)
                held = self._holds(item)
                self._held.update(held)
                self._n_running += 1
            more: Iterable[Any] = ()
            try:
                more = self._task(item, worker) or ()
            except BaseException:
                self.end()
                raise
            finally:
                with self._changed:
                    self._held.difference_update(held)
                    self._n_running -= 1
                    self._left.extend(more)
                    self._changed.notify_all()

    def end(self) -> None:
        """Begin nothing more, for anyone."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()

    def _next(self) -> int | None:
        """Return where the first item is that holds nothing of what is held."""
        if self._ends:
            return None
        return next((at for at, item in enumerate(self._left) if self._held.isdisjoint(self._holds(item))), None)

"""What takes its time says so, on a terminal."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Iterator

EVERY_S = 0.5


class Stage:
    """One step of a longer work.

    Parameters
    ----------
    name : str
        In one word, as a verb.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: int | None = None
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since it began, on the wall."""
        return time.perf_counter() - self._began

    @property
    def words(self) -> str:
        """What the terminal shows behind the elapsed time."""
        return "" if self.rows is None else f"{self.rows:,} rows, {self.rows / max(self.seconds, 1e-3):,.0f} a second"


@contextlib.contextmanager
def stage(name: str) -> Iterator[Stage]:
    """Show the time that a step takes while it runs, and the rows once they are known.

    Parameters
    ----------
    name : str
        In one word, as a verb: ``retrieving``.

    Yields
    ------
    Stage
        Whose `rows` the step sets.

    Notes
    -----
    On standard error, and only where that is a terminal. A thread keeps the clock, for the step may be one call of a
    library that says nothing.
    """
    step = Stage(name)
    with tqdm(desc=name, bar_format="{desc}: {elapsed}{postfix}", disable=None) as bar:
        done = threading.Event()

        def tick() -> None:
            while not done.wait(EVERY_S):
                bar.refresh()

        clock = threading.Thread(target=tick, daemon=True)
        if not bar.disable:
            clock.start()
        try:
            yield step
        finally:
            done.set()
            if clock.is_alive():
                clock.join()
            if not bar.disable:
                bar.set_postfix_str(step.words, refresh=True)

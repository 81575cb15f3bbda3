"""`Start`: what a worker spends until its first commit."""

from __future__ import annotations

import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)


class Start:
    """The phases of a start, said in one line once something is committed.

    Parameters
    ----------
    before_s : float
        Seconds that it has taken already.
    clock : callable
        Monotonic seconds.

    Examples
    --------
    >>> start = Start()
    >>> start.ended("connection")
    >>> start.committed()
    """

    def __init__(self, before_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = self._last = clock() - before_s
        self._phases: list[tuple[str, float]] = []
        self._first = threading.Lock()

    @classmethod
    def of_process(cls) -> Start:
        """Begin where this process began, as far as the system says so.

        Returns
        -------
        Start
            Its first phase is what has passed since: the interpreter, and imports.
        """
        try:
            began_ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
            up_s = float(Path("/proc/uptime").read_text().split()[0])
        except (OSError, ValueError, IndexError):  # no Linux
            return cls(time.process_time())
        return cls(max(0.0, up_s - began_ticks / os.sysconf("SC_CLK_TCK")))

    def ended(self, phase: str) -> None:
        """Note that a phase has ended; the next begins.

        Parameters
        ----------
        phase : str
            What it was, in words.
        """
        now = self._clock()
        self._phases.append((phase, now - self._last))
        self._last = now

    def committed(self) -> None:
        """Say what the start has taken; only the first call of any thread does."""
        if not self._first.acquire(blocking=False):
            return
        self.ended("until rows were read and committed")
        spent = ", ".join(f"{seconds:.2f} s {phase}" for phase, seconds in self._phases)
        logger.info("first commit %.2f s after the start: %s", self._last - self._began, spent)

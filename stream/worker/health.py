"""`Vitals`: whether a thread gets on with its work, and if not, why."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STALLED_S = 10.0  # without progress for so long, or with something to commit and no commit, a shard is unhealthy
BUSY_S = 300.0  # one step may compute (compile, serialise a saved state, process a batch) for so long
BUSY_SHARE = 0.01  # a thread that computes gets at least this share of a core, even on a machine that is overloaded


class Vitals:
    """What one thread shows of its progress.

    Two things show progress: a step that ended (`beat`), and processor time that the thread uses within a step. A
    thread that waits for a lock or a socket uses none; one that compiles or replays does. As an endless loop uses it
    too, processor time alone counts for `BUSY_S` at most. Apart from that a thread is in trouble from the first error
    until it has committed again or has nothing to commit: steps that only read are no success.

    Parameters
    ----------
    name : str
        What the thread is there for, for the complaint.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._cpu_clock: int | None = None
        self._running = False
        self._sampled_at = self._moved_at = self._beat_at = clock()
        self._cpu_s = 0.0
        self._trouble = ""
        self._trouble_at: float | None = None

    def attach(self) -> None:
        """Begin: the calling thread is the one that is watched."""
        if hasattr(time, "pthread_getcpuclockid"):
            self._cpu_clock = time.pthread_getcpuclockid(threading.get_ident())
        self._cpu_s = self._cpu()
        self._sampled_at = self._moved_at = self._beat_at = self._clock()
        self._running = True

    def detach(self) -> None:
        """End: nothing is expected of the thread any more."""
        self._running = False

    def beat(self) -> None:
        """Note that a step has ended."""
        self._beat_at = self._clock()

    def trouble(self, words: str) -> None:
        """Note an error; it lasts until `settled`.

        Parameters
        ----------
        words : str
            What is wrong.
        """
        self._trouble = words
        if self._trouble_at is None:
            self._trouble_at = self._clock()

    def settled(self) -> None:
        """Note that all is committed that can be."""
        self._trouble_at = None

    @property
    def trouble_s(self) -> float:
        """Seconds since the first error that is not overcome; 0 without one."""
        since = self._trouble_at
        return 0.0 if since is None else self._clock() - since

    def hangs(self) -> bool:
        """Say whether the thread neither ends its steps nor computes.

        Returns
        -------
        bool
            True once that has lasted `STALLED_S`. Ask now and then: what is computed shows between two questions.
        """
        return self._running and self._still_s() >= STALLED_S

    def complaint(self) -> str:
        """Say what is wrong.

        Returns
        -------
        str
            One line; empty if the thread is well.
        """
        if not self._running:
            return ""
        if (in_trouble_s := self.trouble_s) >= STALLED_S:
            return f"{self._name}: nothing committed for {in_trouble_s:.0f} s: {self._trouble}"
        return self.hanging()

    def hanging(self) -> str:
        """Say that the thread hangs; what only waits for a server is no better after a new start.

        Returns
        -------
        str
            One line; empty while it gets on, or waits in good order.
        """
        return f"{self._name}: no progress for {self._still_s():.0f} s" if self.hangs() else ""

    def _still_s(self) -> float:
        now, cpu_s = self._clock(), self._cpu()
        if cpu_s - self._cpu_s > BUSY_SHARE * (now - self._sampled_at):
            self._moved_at = now
        self._sampled_at, self._cpu_s = now, cpu_s
        beat_at = self._beat_at
        return now - (max(beat_at, self._moved_at) if now - beat_at < BUSY_S else beat_at)

    def _cpu(self) -> float:
        if self._cpu_clock is None:  # no clock of a single thread: that of the process has to do
            return time.process_time()
        try:
            return time.clock_gettime(self._cpu_clock)
        except OSError:  # the thread has ended
            return self._cpu_s

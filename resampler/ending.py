"""How a process ends: without a last look for cycles, and at once where threads are left that nothing can stop."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from threading import Thread

_left: list[Thread] = []


def leave(threads: Iterable[Thread]) -> None:
    """Leave threads to die with the process, such as in the compiler, which nothing interrupts.

    The interpreter's own end is no place for them: it takes down what they work with, and some end it with a crash.

    Parameters
    ----------
    threads : iterable of threading.Thread
        Daemons. Those that have ended by the end of the process count for nothing.

    Examples
    --------
    >>> leave([])
    """
    _left.extend(threads)


@contextmanager
def ending_quickly() -> Iterator[None]:
    """End the process quickly behind the block, which is all that it does.

    What there is is not looked through for cycles, 0.4 core-seconds of a worker's end. Where threads were left, the
    process ends without the interpreter's own end, by the exit code that the block has asked for.

    Yields
    ------
    None
        Nothing.
    """
    atexit.register(gc.freeze)
    try:
        yield
    except SystemExit as request:
        _end_at_once(request.code)
        raise
    _end_at_once(0)


def _end_at_once(code: object) -> None:
    running = sys._current_frames()  # `is_alive` is False of a thread whose `join` a signal has ended by an exception
    if any(thread.ident in running for thread in _left) and (code is None or isinstance(code, int)):
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # nobody reads it any more
                stream.flush()
        os._exit(code or 0)

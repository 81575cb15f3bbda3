"""Python's cycle collector where it costs most and finds nothing: imports, the compiler, the end of a process."""

from __future__ import annotations

import atexit
import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def without_collector() -> Iterator[None]:
    """Let the block run without the collector.

    Imports and the compiler make hundreds of thousands of objects that live on. Looking through them time and again
    takes a fifth of the time of the former and a tenth of that of the latter. What the block leaves is looked through
    once, by the first collection behind it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def end_quickly() -> None:
    """Have the interpreter end without looking through all that there is: 0.4 core-seconds of a worker's end."""
    atexit.register(gc.freeze)

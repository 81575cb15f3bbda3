"""`Companion`: a process that compiles beside a worker on a new machine, through the cache of kernels."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from resampler.collector import without_collector
from stream.warmup import READ, plan, read_rows, search

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stream.formats.table import InputFormat

CELLS = ("waves", "buffer")  # steps of `resampler warmup`: what rows need only later where buffers have cells
_NICE = 10  # of the rest: the worker's rows come first
_CALL = "import sys; from stream.worker import companion as c; c.end_with_worker(); c.compile_beside(*sys.argv[1:])"


class Companion:
    """A second process for the compiler, which holds the interpreter of the first.

    It compiles what inserts rows, what plans them and what reads those that wait while the worker compiles the rest of
    what resamples them, and then, beside the worker's first rows, other formats and what rows need later. It ends with
    the block, whatever it has come to, and with the worker, however that ends. What it does not get done, or where it
    cannot be started, the worker compiles itself.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._beginning = threading.Lock()
        self._ended = False

    def __enter__(self) -> Companion:
        return self

    def __exit__(self, *_: object) -> None:
        with self._beginning:
            self._ended = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()

    def begin(
        self,
        formats: Sequence[InputFormat],
        *,
        nullable: bool,
        kept: bool,
        cells: bool,
        weighed: bool,
        hardens: bool,
    ) -> None:
        """Start the process; any thread may ask, and behind the block's end nothing is started.

        Parameters
        ----------
        formats : sequence of InputFormat
            Those that rows wait in, of those that kernels read.
        nullable, kept : bool
            What `stream.warmup.rules_of` gives.
        cells, weighed, hardens : bool
            Whether buffers have cells, bases are weighed, or rows are made from groups.
        """
        said = {"nulls": nullable, "grids": kept, "small": not cells, "danger": weighed, "groups": hardens}
        words = [*formats, *(word for word, is_so in said.items() if is_so)]
        with self._beginning:
            if not self._ended:
                self._start(words)

    def _start(self, words: list[str]) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _CALL, *words],
                stdin=subprocess.PIPE,  # nothing is written: the end of the worker closes it
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError:  # no memory for a second process, say
            self._process = None
            return
        # It may be done long before the block is: unless somebody waits for it, it stays as a zombie.
        threading.Thread(target=self._process.wait, name="companion", daemon=True).start()


def compile_beside(*words: str) -> None:
    """Compile what inserts rows, plans them and reads those that wait, and then the rest.

    Parameters
    ----------
    *words : str
        The formats that rows wait in; ``nulls`` and ``grids``, where the contract has them; ``small`` where buffers
        have no cells, ``danger`` where bases are weighed, ``groups`` where rows are made from groups.
    """
    cells, nullable, kept = "small" not in words, "nulls" in words, "grids" in words
    with without_collector():
        if "groups" not in words:
            search(cells=cells, nullable=nullable, inserting=True)
        plan(nullable=nullable, kept=kept)
        read_rows([kind for kind in READ if kind in words], nullable=nullable, kept=kept)
    os.nice(_NICE)
    with without_collector():
        if "groups" not in words:
            search(cells=cells, nullable=nullable)
        read_rows(nullable=nullable, kept=kept)
    from resampler.commands.warmup import STEPS  # with all that audits import

    steps = [*CELLS] if cells else []
    if not {"nulls", "grids", "groups"} & {*words}:  # else the worker's own warm-up has done it
        steps.insert(0, " ".join(word for word in ("small", "danger") if word in words) or "online")
    for name in steps:
        with without_collector():
            STEPS[name]()


def end_with_worker() -> None:
    """End this process once the worker's end of its input is closed; nothing comes through that."""
    threading.Thread(target=lambda: os.read(0, 1) or os._exit(0), name="worker", daemon=True).start()

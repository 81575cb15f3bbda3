"""What `resampler stream pause` and `resume` do, say and keep."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from resampler.ledger import Ledger, Run, key_of, now
from stream.shard.pause import request_pause, request_resume, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import redis

    from stream.redis.keys import ShardKeys
    from stream.shard.pause import ShardPause


def pause_stream(
    name: str, shards: Sequence[tuple[redis.Redis, ShardKeys]], reason: str, wait_s: float
) -> dict[str, Any]:
    """Ask all shards of a stream to make no synthetic rows, and wait until their owners make none.

    Parameters
    ----------
    name : str
        The stream.
    shards : sequence of (redis.Redis, ShardKeys)
        All of it.
    reason : str
        Why; what `stream.shard.pause.check_reason` gave.
    wait_s : float
        How long to wait at most.

    Returns
    -------
    dict
        JSON types: stream, paused (true), reason and asked (of the request that stands), already (whether all shards
        were asked before), seconds, and shards: of each input, owner (None: nobody), done, cursor and at.

    Raises
    ------
    ResamplerError
        If the stream does not exist.
    """
    began = time.monotonic()
    stood = request_pause(shards, reason)
    already = len(stood) == len(shards)
    said = {"reason": stood[0].reason, "asked": stood[0].at} if already else {"reason": reason, "asked": now()}
    found = wait_until(shards, paused=True, wait_s=wait_s)
    seconds = time.monotonic() - began
    return {"stream": name, "paused": True, **said, "already": already, "seconds": seconds, "shards": _rows(found)}


def resume_stream(name: str, shards: Sequence[tuple[redis.Redis, ShardKeys]], wait_s: float) -> dict[str, Any]:
    """Ask all shards of a stream to make synthetic rows again, and wait until their owners do.

    Parameters
    ----------
    name : str
        The stream.
    shards : sequence of (redis.Redis, ShardKeys)
        All of it.
    wait_s : float
        How long to wait at most.

    Returns
    -------
    dict
        As `pause_stream`, without reason and asked; already: whether no shard was paused.

    Raises
    ------
    ResamplerError
        If the stream does not exist.
    """
    began = time.monotonic()
    already = not request_resume(shards)
    found = wait_until(shards, paused=False, wait_s=wait_s)
    seconds = time.monotonic() - began
    return {"stream": name, "paused": False, "already": already, "seconds": seconds, "shards": _rows(found)}


def _rows(found: Sequence[ShardPause]) -> list[dict[str, Any]]:
    return [
        {
            "input": shard.input,
            "owner": shard.owner,
            "done": shard.done,
            "cursor": shard.switch.cursor if shard.done and shard.switch else None,
            "at": shard.switch.at if shard.done and shard.switch else None,
        }
        for shard in found
    ]


def lines(report: dict[str, Any]) -> Iterator[str]:
    """Say what came of a request.

    Parameters
    ----------
    report : dict
        What `pause_stream` or `resume_stream` gave.

    Yields
    ------
    str
        A line.
    """
    paused = report["paused"]
    if report["already"] and paused:
        why = f": {report['reason']}" if report["reason"] else ""
        yield f"{report['stream']} is paused already, since {report['asked']}{why}"
    elif report["already"]:
        yield f"{report['stream']} is not paused"
    for shard in report["shards"]:
        if shard["done"] and shard["cursor"]:
            what = "no synthetic rows behind" if paused else "synthetic rows again behind"
            yield f"{shard['input']}: {what} {shard['cursor']}, since {shard['at']}"
        elif not shard["done"]:
            yield f"{shard['input']}: {_waits_for(shard, paused=paused)}"


def _waits_for(shard: dict[str, Any], *, paused: bool) -> str:
    what = "makes none" if paused else "makes synthetic rows again"
    if shard["owner"] is None:
        return f"no worker owns it now; the next one {what} from its first row on"
    return f"worker {shard['owner']} has not taken it over yet: the request is kept"


def late(report: dict[str, Any]) -> list[str]:
    """Name the shards whose owners have not done what was asked.

    Parameters
    ----------
    report : dict
        What `pause_stream` or `resume_stream` gave.

    Returns
    -------
    list of str
        Their inputs.
    """
    return [shard["input"] for shard in report["shards"] if shard["owner"] is not None and not shard["done"]]


def keep(report: dict[str, Any], directory: str) -> None:
    """Keep what came of a request in a ledger.

    Parameters
    ----------
    report : dict
        What `pause_stream` or `resume_stream` gave.
    directory : str
        The ledger: a path or a URI.

    Raises
    ------
    ResamplerError
        If nothing can be written there.
    """
    step = "pause" if report["paused"] else "resume"
    cursors = {shard["input"]: shard["cursor"] for shard in report["shards"]}
    run = Run(
        step,
        "failed" if late(report) else "pass",
        key_of(step=step, stream=report["stream"], cursors=cursors),
        f"stream {report['stream']}",
        now(),
        report["seconds"],
        report,
    )
    Ledger(directory).append(run)

"""What a stream's shards say of themselves."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import redis

from resampler.errors import InvalidInputError
from resampler.parameters import rows_needed
from resampler.quotas import weights_of
from stream.drift.stored import Stored
from stream.maintenance import StreamWindows
from stream.metrics.standing import Standing
from stream.redis.errors import code_of, explain
from stream.shard.checkpoint import Checkpoint
from stream.shard.feedplace import FeedPlace
from stream.shard.pause import read_request
from stream.shard.position import input_info
from stream.shard.refusals import refusal_of
from stream.shard.report import read_report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stream.redis.keys import ShardKeys
    from stream.shard.changes import Feedback


def shard_status(client: redis.Redis, keys: ShardKeys) -> dict[str, Any]:
    """Describe one shard.

    Parameters
    ----------
    client : redis.Redis
        Connection to the shard's server.
    keys : ShardKeys
        The shard.

    Returns
    -------
    dict
        JSON types: input, output, begun, cursor, lag (entries not committed yet), rows, synthetic, emitted, rejected,
        ratio (smallest class : largest in the output, None before there are two), synthetic_ratio, classes,
        rows_needed (of a class before synthetic ones are made of it), too_few (rows of the rare classes below that, by
        label), strategy, secret_key (fingerprint of the one that the stream was begun with; None without), parameters
        (all that it was begun with; empty before), owner (None while nobody holds the lease), last_commit (ISO 8601, by
        the server's clock; None before the first, and where an earlier release made it), refusal (reason and words,
        where the server refuses to write; None where not, and
        where this user may not write), dead_letters, forget_requests, paused, pause_asked (when and why; None unless a
        pause is asked for), pauses (where it was paused and went on: cursor, paused, at, reason), feedback (whose
        recall is followed: cursor, recall, at, reported_ms, model, and weights, by class code; None where none ever
        was), report (why what was reported last is not followed: standing and words; None where it is), idle (why
        hardly any synthetic row was made for long: reason, label and words; empty where they are made), feeds, drift
        (counts against a version: which, how, and the windows that are kept; None where nothing is counted).
    """
    stored = Checkpoint.load(client, keys)
    info = input_info(client, keys.input)
    owner: bytes | None = client.get(keys.lease)  # type: ignore[assignment]
    asked = read_request(client, keys)
    feeds: dict[bytes, bytes] = client.hgetall(keys.feeds)  # type: ignore[assignment]
    known = stored or Checkpoint("0-0", entries=info.entries_added - info.length)
    classes = {label: _class_counts(*counts) for label, counts in known.classes.items()}
    needed = rows_needed(known.parameters) if known.parameters else 1
    return {
        "input": keys.input,
        "output": keys.output,
        "begun": stored is not None,
        "cursor": known.cursor,
        "lag": max(0, info.entries_added - known.entries),
        "rows": known.rows,
        "synthetic": known.synthetic,
        "emitted": known.emitted,
        "rejected": known.rejected,
        "ratio": _ratio([classes]),
        "synthetic_ratio": known.synthetic / max(1, known.emitted),
        "classes": classes,
        "rows_needed": needed,
        "too_few": _too_few(classes, needed),
        "strategy": known.parameters.get("strategy"),
        "secret_key": known.parameters.get("secret_key"),
        "parameters": known.parameters,
        "owner": _text(owner) if owner else None,
        "last_commit": _time(known.committed_s),
        "refusal": _refusal(client, keys),
        "dead_letters": client.xlen(keys.dead),
        "forget_requests": client.scard(keys.forget),
        "paused": known.changes.paused,
        "pause_asked": None if asked is None else asked._asdict(),
        "pauses": [switch._asdict() for switch in known.changes.switches],
        "feedback": _feedback(known.changes.followed),
        "report": _report(client, keys, known),
        "idle": known.idle or [],
        "drift": _drift(Stored.load(client, keys)),
        "feeds": {
            name.decode(errors="backslashreplace"): {
                "cursor": place.cursor,
                "lag_rows": max(0, known.emitted - place.rows),
            }
            for name, place in ((name, FeedPlace.parse(value)) for name, value in feeds.items())
        },
    }


def stream_status(stream: str, shards: Sequence[tuple[redis.Redis, ShardKeys]]) -> dict[str, Any]:
    """Describe a stream.

    Parameters
    ----------
    stream : str
        Its name.
    shards : sequence of (redis.Redis, ShardKeys)
        All its shards.

    Returns
    -------
    dict
        The shards, and the sums of their counters.
    """
    each = [shard_status(client, keys) for client, keys in shards]
    total = {name: sum(s[name] for s in each) for name in ("lag", "rows", "synthetic", "emitted", "rejected")}
    ratio = total["synthetic"] / max(1, total["emitted"])
    kept = _ratio([shard["classes"] for shard in each])
    return {"stream": stream, **total, "ratio": kept, "synthetic_ratio": ratio, "shards": each}


def maintenance_status(url: str, stream: str) -> dict[str, Any] | None:
    """Say which window of maintenance is open.

    Parameters
    ----------
    url : str
        Of the stream's server.
    stream : str
        Its name.

    Returns
    -------
    dict or None
        Fields of `resampler.monitoring.window.Window`; None where none is open.
    """
    window = StreamWindows(stream, url).current(0.0)
    return None if window is None else window._asdict()


def _refusal(client: redis.Redis, keys: ShardKeys) -> dict[str, str] | None:
    """Ask whether a write would be refused, by one that changes nothing: no bytes over the lease, there or not."""
    try:
        client.setrange(keys.lease, 0, b"")
    except redis.ResponseError as error:
        refusal = refusal_of(error)
        if refusal is None or code_of(error) == "NOPERM":
            return None
        return {"reason": refusal.value, "words": str(explain(error))}
    return None


def _time(unix_s: float | None) -> str | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")


def _drift(stored: Stored | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    named = {name: stored.said[name] for name in ("reference", "rows", "every", "left_out")}
    return named | {"windows": list(stored.headers)}


def _feedback(followed: Feedback | None) -> dict[str, Any] | None:
    return followed and followed._asdict() | {"weights": weights_of(followed.recall)}


def _report(client: redis.Redis, keys: ShardKeys, known: Checkpoint) -> dict[str, str] | None:
    """Say why a report is not followed: what is none shows at once, the rest as its owner has it with the last commit.

    Nothing is said of a shard that follows nobody, nor of a report that was none and is one by now.
    """
    if known.report is None and known.changes.followed is None:
        return None
    try:
        read_report(client, keys, known.schema)
    except InvalidInputError as error:
        return {"standing": Standing.REFUSED, "words": str(error)}
    return known.report if known.report and known.report["standing"] != Standing.REFUSED else None


def _class_counts(real: int, synthetic: int, dropped: int, buffer_rows: int) -> dict[str, int]:
    return {"real": real, "synthetic": synthetic, "dropped": dropped, "buffer_rows": buffer_rows}


def _too_few(classes: Mapping[str, Mapping[str, int]], needed: int) -> dict[str, int]:
    """Find the rare classes of which nothing could be made yet: their rows, by label."""
    most = max((counts["real"] for counts in classes.values()), default=0)
    return {
        label: counts["real"]
        for label, counts in classes.items()
        if counts["real"] < most and not counts["synthetic"] and counts["buffer_rows"] < needed
    }


def _ratio(shards: Iterable[Mapping[str, Mapping[str, int]]]) -> float | None:
    out: Counter[str] = Counter()
    for classes in shards:
        for label, counts in classes.items():
            out[label] += counts["real"] + counts["synthetic"] - counts["dropped"]
    return min(out.values()) / max(out.values()) if len(out) > 1 and max(out.values()) else None


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")

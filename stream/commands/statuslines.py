"""What `stream_status` found, in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resampler.printing import share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_FEEDS = 10  # in lines of their own, the slowest


def status_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Say how a stream is doing.

    Parameters
    ----------
    report : mapping
        What `stream_status` and `maintenance_status` returned.

    Yields
    ------
    str
        A line for the stream while a window of maintenance is declared, one for each shard, and indented ones for what
        else there is to say of it.
    """
    if window := report["maintenance"]:
        why = f": {window['reason']}" if window["reason"] else ""
        yield f"{report['stream']}: maintenance until {window['until']}, declared by {window['who']}{why}"
    for shard in report["shards"]:
        yield from _shard(shard)


def _shard(shard: Mapping[str, Any]) -> Iterator[str]:
    kept = "none yet" if shard["ratio"] is None else f"{shard['ratio']:.3f}"
    yield (
        f"{shard['input']}: cursor {shard['cursor']}, lag {shard['lag']}, {shard['rows']} rows in, "
        f"{shard['synthetic']} synthetic, ratio {kept}, {shard['dead_letters']} dead letters, "
        f"owner {shard['owner'] or 'none'}, last commit {shard['last_commit'] or 'not known'}"
    )
    if refusal := shard["refusal"]:
        yield f"  writes are refused ({refusal['reason']}): {refusal['words']}"
    if words := _paused(shard):
        yield f"  {words}"
    if shard["feedback"]:
        yield f"  {_followed(shard['feedback'])}"
    report = shard["report"]
    if report and (report["standing"] == "refused" or not shard["feedback"] or shard["feedback"]["recall"]):
        yield f"  the last report of a learner is {report['standing']}: {report['words']}"
    for one in shard["idle"]:
        if one["reason"] not in ("paused", "too_few"):  # which are said apart
            yield f"  hardly any synthetic row for long: {one['words']}"
    feeds = sorted(shard["feeds"].items(), key=lambda feed: (-feed[1]["lag_rows"], feed[0]))
    for name, feed in feeds[:MOST_FEEDS]:
        yield f"  feed {name}: {feed['lag_rows']} rows behind"
    if len(feeds) > MOST_FEEDS:
        yield f"  and {len(feeds) - MOST_FEEDS} feeds that are less far behind"
    if shard["drift"]:
        yield _counted(shard["drift"])


def _paused(shard: Mapping[str, Any]) -> str:
    """Say whether a shard is paused, and what it was asked for; empty if neither."""
    asked, switches = shard["pause_asked"], shard["pauses"]
    if shard["paused"]:
        last = switches[-1]
        why = f": {last['reason']}" if last["reason"] else ""
        ends = "" if asked else "; asked to go on, which no worker has done yet"
        return f"paused behind {last['cursor']} since {last['at']}{why}{ends}"
    if asked:
        return f"asked to pause at {asked['at']}, which no worker has done yet"
    if switches:
        return f"paused {sum(one['paused'] for one in switches)} times, the last until {switches[-1]['cursor']}"
    return ""


def _followed(feedback: Mapping[str, Any]) -> str:
    """Say which learner's recall the quotas follow, or why none."""
    if not feedback["recall"]:
        return f"{feedback['model']}, behind {feedback['cursor']} since {feedback['at']}"
    weights = ", ".join(f"class {label}: {weight:.2f}" for label, weight in feedback["weights"].items()) or "all 1"
    model = feedback["model"] or "a model without a name"
    return f"follows {model} behind {feedback['cursor']} since {feedback['at']}: {weights} of the ratio"


def _counted(drift: Mapping[str, Any]) -> str:
    """Say what is counted against a version, and up to where."""
    windows = drift["windows"]
    newest = "none is full yet"
    if windows:
        last = windows[-1]
        lost = last["rejected"] / max(1, last["accepted"] + last["rejected"])
        newest = f"{len(windows)} kept, the newest from {last['first']} to {last['last']}, {share(lost)} of it rejected"
    return (
        f"  counted against {drift['reference']}, one of {drift['every']} rows, in windows of {drift['rows']}: {newest}"
    )

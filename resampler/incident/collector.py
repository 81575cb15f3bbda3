"""`Asked` and `Collector`: what an incident is about, and one part of what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

GROUP = "resampler.incident"  # entry points: tuples of collectors that a wing adds
NEWEST = 100  # dead letters, runs: the newest


class Asked(NamedTuple):
    """What an incident is about; what is None is not looked at.

    Parameters
    ----------
    stream : str or None
        A stream.
    url : str or None
        Its server; by default the environment's.
    snapshot : str or None
        A snapshot.
    place : mapping
        Where it is kept: repo, catalog, root.
    ledger : str or None
        Directory of a ledger, beside the snapshot's own.
    metrics : tuple of str
        What to scrape: ``http://host:9464/metrics``.
    prometheus : str or None
        A Prometheus whose alerts are read.
    config : Path or None
        The configuration file of the command line.
    policy : str or None
        The policy.
    """

    stream: str | None = None
    url: str | None = None
    snapshot: str | None = None
    place: Mapping[str, str | None] = {}
    ledger: str | None = None
    metrics: tuple[str, ...] = ()
    prometheus: str | None = None
    config: Path | None = None
    policy: str | None = None


class Collector(NamedTuple):
    """One part of what is known.

    Parameters
    ----------
    name : str
        What errors are told under.
    needs : str or None
        Field of `Asked` without which there is nothing to collect; None: always.
    collect : callable
        ``collect(asked)`` returns by file what stands in it: text, JSON types, or the error that kept it from being
        read. No row, and no value of one; secrets are removed from it afterwards.
    timeout_s : float
        How long it may take; what is later is left out, and said.
    """

    name: str
    needs: str | None
    collect: Callable[[Asked], Mapping[str, Any]]
    timeout_s: float = 20.0

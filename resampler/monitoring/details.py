"""What the newest runs of a ledger say in figures: details of a step, as samples."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from resampler.monitoring.sample import Sample
from resampler.quality.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from resampler.ledger import Run

MAX_FEATURES = 128  # with series of their own, a series of drift runs; as many as a shard of a stream has
CLASSES = "(classes)"  # where names of features stand: the mix of classes
COST = {
    "cpu_seconds": "resampler_last_run_cpu_seconds",
    "peak_memory_bytes": "resampler_last_run_memory_bytes",
}


def of_any(snapshot: str, run: Run) -> Iterator[Sample]:
    """Say how long a run took and what it cost.

    Parameters
    ----------
    snapshot : str
        Label.
    run : Run
        The last of its step.

    Yields
    ------
    Sample
        What it cost only where the run says so.
    """
    yield Sample("resampler_last_run_seconds", (snapshot, run.step), run.seconds)
    cost = run.details.get("cost")
    for name, metric in COST.items():
        if isinstance(cost, dict) and (value := _number(cost.get(name))) is not None:
            yield Sample(metric, (snapshot, run.step), value)


def of_gate(snapshot: str, run: Run) -> Iterator[Sample]:
    """Say what predictions reached, and what the policy asks of them.

    Parameters
    ----------
    snapshot : str
        Label.
    run : Run
        Of a gate.

    Yields
    ------
    Sample
        Of all rows; groups have none.
    """
    kept = run.details.get("figures")
    figures: dict[str, Any] = kept if isinstance(kept, dict) else {}  # a word where rows were forgotten
    for measure in MEASURES:
        if (value := _number((figures.get(measure) or {}).get("value"))) is not None:
            yield Sample("resampler_gate_figure", (snapshot, measure), value)
    for rule in run.details.get("rules", ()):
        least = _number(rule["limit"]["min"])
        if rule["rule"] in MEASURES and least is not None:
            yield Sample("resampler_gate_objective", (snapshot, rule["rule"]), least)


def of_drift(snapshot: str, run: Run) -> Iterator[Sample]:
    """Say how far features have moved, and how near that is to the limits of the policy.

    Parameters
    ----------
    snapshot : str
        Label.
    run : Run
        Of drift.

    Yields
    ------
    Sample
        Of the features that moved most, and of the mix of classes; of a feature the class that moved most.
    """
    series = str(run.details.get("series", ""))
    policy = run.details.get("policy") or {}
    distance: dict[str, float] = {}
    ratio: dict[str, float] = {}
    for one in run.details.get("features", ()):
        name = one["feature"]
        distance[name] = max(distance.get(name, 0.0), one["distance"])
        ratio[name] = max(ratio.get(name, 0.0), _of_limit(one, policy) if one["drifted"] else 0.0)
    most = sorted(distance, key=lambda name: (-ratio[name], -distance[name], name))[:MAX_FEATURES]
    for name in most:
        yield Sample("resampler_snapshot_drift_distance", (snapshot, series, name), distance[name])
        yield Sample("resampler_snapshot_drift_limit_ratio", (snapshot, series, name), ratio[name])
    if classes := run.details.get("classes", ()):
        moved = sum(abs(one["share"][1] - one["share"][0]) for one in classes) / 2
        yield Sample("resampler_snapshot_drift_distance", (snapshot, series, CLASSES), moved)


def _of_limit(one: Mapping[str, Any], policy: Mapping[str, Any]) -> float:
    """Return by how much a feature that drifted exceeds the limit that it exceeds most."""
    values = {
        "nulls": abs(one["nulls"][1] - one["nulls"][0]),
        "jensen_shannon": one["jensen_shannon"],
        "kolmogorov_smirnov": one["distance"],
        "wasserstein": one["wasserstein"] or 0.0,
    }
    return max((values[name] / policy[name] if policy[name] else math.inf for name in one["reasons"]), default=0.0)


def of_privacy(snapshot: str, run: Run) -> Iterator[Sample]:
    """Say how far attacks came.

    Parameters
    ----------
    snapshot : str
        Label.
    run : Run
        An audit.

    Yields
    ------
    Sample
        Of each attack that came to something, on the class that it came furthest with.
    """
    worst: dict[str, float] = {}
    for one in run.details.get("attacks", ()):
        if (share := max(_shares(one), default=None)) is not None:
            worst[one["attack"]] = max(worst.get(one["attack"], 0.0), share)
    for attack, share in worst.items():
        yield Sample("resampler_privacy_recovered_ratio", (snapshot, attack), share)


def _shares(attempt: Mapping[str, Any]) -> Iterable[float]:
    """Return what an attack recovered: real rows, whose synthetic rows are, or who was among the parents."""
    for name in ("exact", "near", "named", "tpr"):
        if isinstance(found := attempt.get(name), dict) and (share := _number(found.get("share"))) is not None:
            yield share


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


OF_STEP = {"gate": of_gate, "privacy": of_privacy}

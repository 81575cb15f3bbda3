"""What was made of a table, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.printing import plain

if TYPE_CHECKING:
    from resampler.partitioned.resampled import Resampled


def in_words(done: Resampled) -> list[str]:
    """Say what was made.

    Parameters
    ----------
    done : Resampled
        The rows.

    Returns
    -------
    list of str
        Lines.
    """
    said, recall = done.said, done.recall
    there = ", there already: the same command made it before" if done.was_there else ""
    lines = [f"{done.path}: {said['sampler']}, seed {said['seed']}{there}"]
    for label, one in done.counts.items():
        found = f", recall {recall[label]:.2f}" if recall.get(label, 1.0) < 1 else ""
        gone = f", {one['removed']:,} removed" if one["removed"] else ""
        lines.append(f"  class {plain(label)}: {one['real']:,} real, {one['synthetic']:,} synthetic{gone}{found}")
    lines.append(f"digest {done.digest['real']} (real) {done.digest['synthetic']} (synthetic)")
    cost = said["cost"]
    peak = cost["peak_memory_bytes"]
    lines.append(
        f"{cost['cpu_seconds']:,.0f} processor seconds of tasks"
        + ("" if peak is None else f", {peak / 2**20:,.0f} MiB a worker at most")
    )
    return lines

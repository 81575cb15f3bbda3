"""`Counting`: a shard's counts of its input against a version, as they stand in Redis.

The newest windows stand in the hash ``{NAME}:drift``, each written by the commit whose rows have filled it up. The open
window stands in the saved state: a replay from there counts its rows again, so no commit carries it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

import numpy as np

from resampler.quality.drift.scores import kolmogorov_smirnov, total_variation
from stream.drift.counter import Counter
from stream.drift.stored import COUNTS, DESCRIPTION
from stream.shard.commit import CountsUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis
    from numpy.typing import NDArray

    from stream.drift.counter import Plan
    from stream.drift.window import Window
    from stream.redis.keys import ShardKeys


class Counting:
    """Count a shard's rows, and say what each commit writes of it.

    Parameters
    ----------
    counter : Counter
        As it stands at the cursor.
    stored : list of int
        Numbers of the windows in the key.
    begins : str
        What is counted from here on, and what is dropped for it; empty where counting goes on.
    drops : bool
        Whether anything is.
    """

    def __init__(self, counter: Counter, stored: list[int], begins: str = "", *, drops: bool = False) -> None:
        self.counter = counter
        self.begins = begins
        self.drops = drops
        self._stored = sorted(stored)
        self._anew = bool(begins)

    @classmethod
    def restored(cls, client: redis.Redis, keys: ShardKeys, plan: Plan, counter: Counter | None) -> Self:
        """Go on with what was counted, or begin anew.

        Parameters
        ----------
        client : redis.Redis
            Connection to the shard's server.
        keys : ShardKeys
            The shard.
        plan : Plan
            Against what, and how.
        counter : Counter or None
            From the saved state, with what was replayed; None where it does not count so, or the replay had a gap.

        Returns
        -------
        Counting
            Its `begins` is what people should know; a saved state is due then.
        """
        described: bytes | None = client.hget(keys.drift, DESCRIPTION)  # type: ignore[assignment]
        names: list[bytes] = client.hkeys(keys.drift)  # type: ignore[assignment]
        stored = [int(name) for name in names if name.isdigit()]
        key, former = _key_of(described)
        # A window that a worker without reference has filled up was never written.
        if counter is not None and key == plan.key and max(stored, default=-1) + 1 == counter.number:
            return cls(counter, stored)
        how = f"one of {plan.every} accepted rows, in windows of {plan.rows}"
        begins = f"counting against {plan.reference.name} begins here: {how}"
        if former and key != plan.key:
            begins += f"; {len(stored)} windows that were counted against {former}, or otherwise, are dropped"
        elif former:
            begins += f"; {len(stored)} windows are dropped, as rows behind them were not counted"
        return cls(Counter(plan), [], begins, drops=bool(former))

    def update(self, windows: Sequence[Window]) -> CountsUpdate | None:
        """Say what the next commit writes.

        Parameters
        ----------
        windows : sequence of Window
            Those that its rows have filled up.

        Returns
        -------
        CountsUpdate or None
            None if nothing.
        """
        if not windows and not self._anew:
            return None
        plan = self.counter.plan
        # With every window too: where the key was deleted meanwhile, they are known by it.
        fields = {DESCRIPTION: plan.description}
        for window in windows[-plan.keep :]:
            fields[f"{window.number}"], fields[f"{window.number}{COUNTS}"] = window.dump()
            self._stored.append(window.number)
        over = self._stored[: -plan.keep]
        self._stored = self._stored[-plan.keep :]
        update = CountsUpdate(
            self._anew, fields, [name for number in over for name in (f"{number}", f"{number}{COUNTS}")]
        )
        self._anew = False
        return update

    def moved(self, window: Window) -> dict[str, tuple[float, float]]:
        """Compare a window with the version, all classes together.

        Parameters
        ----------
        window : Window
            That is full.

        Returns
        -------
        dict of str to (float, float)
            By feature: population stability index, and Kolmogorov-Smirnov distance, of a category total variation.
        """
        reference = self.counter.plan.reference
        a, b = reference.before, window.counts.sum(axis=0)
        distance = np.where(reference.ordered, kolmogorov_smirnov(a, b), total_variation(a, b))
        pairs = zip(_population_stability(a, b).tolist(), distance.tolist(), strict=True)
        return dict(zip(reference.cells, pairs, strict=True))


def _population_stability(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what `resampler.quality.drift.scores.population_stability` does, of all features at once."""
    p, q = (np.maximum(counts, 0.5) / counts.sum(axis=-1, keepdims=True) for counts in (a, b))
    return np.where((a > 0) | (b > 0), (q - p) * np.log(q / p), 0.0).sum(axis=-1)


def _key_of(described: bytes | None) -> tuple[str, str]:
    """Return the key and the name of what was counted against; empty where there is none."""
    try:
        said = json.loads(described or b"{}")
        return str(said.get("key", "")), str(said.get("reference", ""))
    except (ValueError, AttributeError):
        return "", "something else"

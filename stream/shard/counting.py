"""`Counting`: a shard's counts of its input against a version, as they stand in Redis.

The newest windows stand in the hash ``{NAME}:drift``, each written by the commit whose rows have filled it up. The open
window stands in the saved state: a replay from there counts its rows again, so no commit carries it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from resampler.quality.drift.scores import kolmogorov_smirnov, population_stability, total_variation
from stream.drift.counter import Counter
from stream.drift.stored import COUNTS, DESCRIPTION
from stream.shard.commit import CountsUpdate

if TYPE_CHECKING:
    from collections.abc import Sequence

    import redis

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
        fields: dict[str, bytes] = {}
        if self._anew:
            fields[DESCRIPTION] = json.dumps(plan.described(), separators=(",", ":"), allow_nan=False).encode()
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
        found = {}
        after = window.counts.sum(axis=0)
        for place, (feature, cells) in enumerate(self.counter.plan.reference.cells.items()):
            a = self.counter.plan.reference.before[feature].astype(float)
            b = cells.of_places(after[place]).astype(float)
            distance = total_variation(a, b) if cells.categorical else kolmogorov_smirnov(a, b)
            found[feature] = population_stability(a, b), float(distance)
        return found


def _key_of(described: bytes | None) -> tuple[str, str]:
    """Return the key and the name of what was counted against; empty where there is none."""
    try:
        said = json.loads(described or b"{}")
        return str(said.get("key", "")), str(said.get("reference", ""))
    except (ValueError, AttributeError):
        return "", "something else"

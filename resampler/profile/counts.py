"""Counts of one feature among some rows, and of all features of one kind of rows."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """One feature among some rows.

    Parameters
    ----------
    counts : tuple of int
        Rows in each of the feature's cells, then those that are null or NaN.
    mean, spread, low, high : float or None
        Of the finite values: mean, standard deviation, least and greatest; None where there is none, of categories, and
        where nobody asked.

    Examples
    --------
    >>> Counts((1, 2, 0), low=0.0, high=2.0) + Counts((0, 1, 1), low=1.0, high=3.0)
    Counts(counts=(1, 3, 1), mean=None, spread=None, low=0.0, high=3.0)
    """

    counts: tuple[int, ...]
    mean: float | None = None
    spread: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def rows(self) -> int:
        """How many rows."""
        return sum(self.counts)

    @property
    def nulls(self) -> int:
        """How many of them are null or NaN."""
        return self.counts[-1]

    def __add__(self, other: Counts) -> Counts:
        """Return the counts of both sets of rows: exact, in any order, but for the last bits of mean and spread."""
        counts = tuple(a + b for a, b in zip(self.counts, other.counts, strict=True))
        sides = [(one, one.rows - one.nulls) for one in (self, other) if one.rows > one.nulls]
        held = sum(n for _, n in sides)
        known = [one for one, _ in sides]
        lows = [one.low for one in known if one.low is not None]
        highs = [one.high for one in known if one.high is not None]
        if not held or any(one.mean is None or one.spread is None for one in known):
            mean = spread = None
        else:
            means = [(one.mean or 0.0, one.spread or 0.0, n / held) for one, n in sides]
            mean = math.fsum(value * share for value, _, share in means)
            spread = math.sqrt(math.fsum(share * (width**2 + (value - mean) ** 2) for value, width, share in means))
            if not math.isfinite(mean) or not math.isfinite(spread):
                mean = spread = None
        # Bounds are those of both sides, or unknown.
        bounded = len(lows) == len(known) > 0
        return Counts(counts, mean, spread, min(lows) if bounded else None, max(highs) if bounded else None)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one split, kind and class.

    Parameters
    ----------
    split : str
        ``train``, ``validation`` or ``test`` of a version; a name of their own for rows of a file or a stream.
    synthetic : bool
        Their kind.
    label : str
        Their class; empty where it is not known.
    rows : int
        How many.
    features : dict of str to Counts
        Of each feature.
    """

    split: str
    synthetic: bool
    label: str
    rows: int
    features: dict[str, Counts]

    @property
    def key(self) -> tuple[str, bool, str]:
        """What tells parts of a profile apart."""
        return self.split, self.synthetic, self.label

    def __add__(self, other: Part) -> Part:
        """Return the counts of both sets of rows, which are of one key and have the same features."""
        features = {name: counts + other.features[name] for name, counts in self.features.items()}
        return Part(*self.key, self.rows + other.rows, features)

"""`measure_drift`: two profiles feature by feature, and class by class where classes are known."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import DataError, InvalidInputError
from resampler.quality.drift.chance import adjusted, chi_square_p, difference_interval
from resampler.quality.drift.feature import FeatureDrift, feature_drift
from resampler.quality.drift.settings import DriftPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resampler.profile.counts import Counts, Part
    from resampler.profile.profile import Profile

_DEFAULT = DriftPolicy()


@dataclass(frozen=True, slots=True)
class ClassShare:
    """How the share of a class moved.

    Parameters
    ----------
    label : str
        The class.
    rows : tuple of int
        Its rows before and after.
    share : tuple of float
        Of all rows, before and after.
    change : tuple of float
        Ends of the 95 % interval of the change.
    """

    label: str
    rows: tuple[int, int]
    share: tuple[float, float]
    change: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """How far later rows have moved from a reference.

    Parameters
    ----------
    rows : tuple of int
        Before and after.
    by_class : bool
        Classes are known on both sides, and each was compared with itself.
    features : tuple of FeatureDrift
        What drifted first, then by p; a feature has an entry a class that has rows enough.
    classes : tuple of ClassShare
        How the mix of classes moved, which by itself is no drift of a feature; empty where classes are not known.
    classes_p : float or None
        Probability that chance changes the mix as much.
    too_few : tuple of str
        Classes, or ``all rows``, of which there are too few rows to tell.
    not_compared : tuple of str
        Features of the reference that the later rows have no counts of.
    share : float or None
        Weighted share of the features that drifted in any class, or in all rows, among those that were compared; None
        where there are too few rows to tell.
    """

    rows: tuple[int, int]
    by_class: bool
    features: tuple[FeatureDrift, ...]
    classes: tuple[ClassShare, ...]
    classes_p: float | None
    too_few: tuple[str, ...]
    not_compared: tuple[str, ...]
    share: float | None

    @property
    def drifted(self) -> tuple[str, ...]:
        """Features that drifted, the clearest first."""
        return tuple(dict.fromkeys(one.feature for one in self.features if one.drifted))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data.

        Returns
        -------
        dict
            The fields and `drifted`.
        """
        plain = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        return plain | {
            "features": [one.to_dict() for one in self.features],
            "classes": [dataclasses.asdict(one) for one in self.classes],
            "drifted": list(self.drifted),
        }


def measure_drift(
    reference: Profile, later: Profile, policy: DriftPolicy = _DEFAULT, *, split: str = "train"
) -> Measured:
    """Compare later rows with the real rows of a reference.

    Parameters
    ----------
    reference : Profile
        Of a version; its synthetic rows play no part.
    later : Profile
        Counted in the same cells, of the same features or fewer; all its real parts are one set of rows. Rows whose
        class is not known are of class ``""``.
    policy : DriftPolicy
        Limits.
    split : str
        Of the reference.

    Returns
    -------
    Measured
        By class where all later rows have one, else over all rows.

    Raises
    ------
    DataError
        If either side has no row, or the sides have no feature in common.
    InvalidInputError
        If the policy names a feature that there is not.

    Notes
    -----
    p-values are adjusted for all features and classes together (Benjamini and Hochberg), so that of the features that
    are said to have drifted at most a share `alpha` did not, in the mean.
    """
    before = [part for part in reference.parts if part.split == split and not part.synthetic]
    after = [part for part in later.parts if not part.synthetic]
    for words, parts in (("the reference", before), ("what is compared with it", after)):
        if not sum(part.rows for part in parts):
            raise DataError(f"{words} has no rows: there is nothing to compare")
    weights = _weights(reference, later, policy)
    by_class = all(part.label for part in (*before, *after) if part.rows)
    labels = sorted({part.label for part in before}) if by_class else [""]
    found: list[FeatureDrift] = []
    too_few = []
    for label in labels:
        sides = [_of(parts, label if by_class else None) for parts in (before, after)]
        if any(sum(part.rows for part in side) < policy.min_rows for side in sides):
            too_few.append(label if by_class else "all rows")
            continue
        for name in weights:
            one, other = (_counts(side, name) for side in sides)
            found.append(feature_drift(name, reference.cells[name], one, other, label))
    judged = [dataclasses.replace(one, q=q) for one, q in zip(found, adjusted([one.p for one in found]), strict=True)]
    judged = [dataclasses.replace(one, reasons=one.reasons_under(policy)) for one in judged]
    judged.sort(key=lambda one: (not one.drifted, one.q, -max(one.distance, abs(one.nulls[1] - one.nulls[0]))))
    moved = {one.feature for one in judged if one.drifted}
    share = sum(weights[name] for name in moved) / sum(weights.values()) if judged else None
    classes, classes_p = _classes(before, after) if by_class else ((), None)
    missing = tuple(name for name in reference.cells if name not in later.cells and name not in policy.ignore)
    rows = tuple(sum(part.rows for part in parts) for parts in (before, after))
    return Measured((rows[0], rows[1]), by_class, tuple(judged), classes, classes_p, tuple(too_few), missing, share)


def _weights(reference: Profile, later: Profile, policy: DriftPolicy) -> dict[str, float]:
    known = list(reference.cells)
    for what, names in (("ignore", policy.ignore), ("importance", policy.importance or ())):
        for name in names:
            if name not in reference.cells:
                raise InvalidInputError(f"{what} names feature {name!r}; the reference has {', '.join(known)}")
    weights = {
        name: 1.0 if policy.importance is None else policy.importance.get(name, 0.0)
        for name in known
        if name not in policy.ignore and name in later.cells
    }
    for name in weights:
        if reference.cells[name] != later.cells[name]:
            raise InvalidInputError(f"{name!r} was counted in other cells than the reference's: count it in these")
    if not any(weights.values()):
        raise InvalidInputError("no feature is left that counts: ignore fewer, or give one of them a weight")
    return weights


def _of(parts: Sequence[Part], label: str | None) -> list[Part]:
    return [part for part in parts if label is None or part.label == label]


def _counts(parts: Sequence[Part], name: str) -> Counts:
    # In order of their classes, so that sums have the same bits.
    return reduce(add, (part.features[name] for part in sorted(parts, key=lambda part: part.key)))


def _classes(before: Sequence[Part], after: Sequence[Part]) -> tuple[tuple[ClassShare, ...], float]:
    labels = sorted({part.label for part in (*before, *after)})
    rows = [[sum(part.rows for part in _of(parts, label)) for label in labels] for parts in (before, after)]
    totals = [sum(side) for side in rows]
    classes = tuple(
        ClassShare(
            label,
            (a, b),
            (a / totals[0], b / totals[1]),
            difference_interval((a, totals[0]), (b, totals[1])),
        )
        for label, a, b in zip(labels, *rows, strict=True)
    )
    return classes, chi_square_p(np.asarray(rows[0]), np.asarray(rows[1]))

"""Bootstrap of two models on the same rows, over cells: rows that a measure cannot tell apart are drawn together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.intervals import COUNTED
from resampler.quality.measures import Confusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPLICATES = 1000
_AT_ONCE = 100  # draws: two models have up to 8,000 cells of scores
_LEVELS = 64  # of the scores of each
_DOUBT = 0.5  # of a row, in each cell of counts: where models never disagree, draws of the rows alone never do either


class Side(NamedTuple):
    """How one model scores the rows of each cell.

    Parameters
    ----------
    level : ndarray of shape (n_cells,), int64
        Rank of their scores.
    squared : ndarray of shape (n_cells,), float64
        Their mean of (score - truth)².
    """

    level: NDArray[np.int64]
    squared: NDArray[np.float64]


class Cells(NamedTuple):
    """Rows that agree in truth and, as good as, in scores.

    Parameters
    ----------
    y_true : ndarray of shape (n_cells,), bool
        Whether they are of the class.
    rows : ndarray of shape (n_cells,), int64
        How many there are.
    sides : tuple of Side
        One a model.
    """

    y_true: NDArray[np.bool_]
    rows: NDArray[np.int64]
    sides: tuple[Side, ...]

    @classmethod
    def of(cls, y_true: NDArray[np.bool_], scores: Sequence[NDArray[np.float64]]) -> Cells:
        """Put rows into cells.

        Parameters
        ----------
        y_true : ndarray of shape (n_rows,), bool
            Whether a row is of the class.
        scores : sequence of ndarray of shape (n_rows,), float64
            Those of each model.

        Returns
        -------
        Cells
            In an order that does not depend on that of the rows.
        """
        code, space, widths = y_true.astype(np.int64), 2, []
        for score in scores:
            level = _levels(y_true, score)
            widths.append(int(level.max()) + 1)
            code += space * level
            space *= widths[-1]
        counts = np.bincount(code, minlength=space)
        at = np.flatnonzero(counts)
        y, sides, rest = (at % 2).astype(np.bool_), [], at // 2
        for score, width in zip(scores, widths, strict=True):
            own, rest = rest % width, rest // width
            squared = np.bincount(code, (score - y_true) ** 2, minlength=space)[at] / counts[at]
            sides.append(Side(own, squared))
        return cls(y, counts[at], tuple(sides))

    def drawn(self) -> list[dict[str, NDArray[np.float64]]]:
        """Draw the rows again and again, and measure each model on the same draws.

        Returns
        -------
        list of dict of str to ndarray of shape (REPLICATES,), float64
            For each model, by measure; keyed on the counts, so equal rows draw equally.

        References
        ----------
        Efron: Bootstrap methods. Ann. Statist. 7 (1979), doi:10.1214/aos/1176344552.
        """
        rng = _keyed_on(self.rows)
        n, parts = self.rows.sum(), []
        for _ in range(REPLICATES // _AT_ONCE):
            weights = rng.multinomial(n, self.rows / n, size=_AT_ONCE).astype(np.float64)
            parts.append([self.measured(weights, side) for side in range(len(self.sides))])
        return [
            {name: np.concatenate([part[side][name] for part in parts]) for name in parts[0][side]}
            for side in range(len(self.sides))
        ]

    def as_they_are(self) -> list[dict[str, NDArray[np.float64]]]:
        """Measure each model on the rows themselves, as far as cells tell them apart.

        Returns
        -------
        list of dict of str to ndarray of shape (1,), float64
            For each model, by measure.
        """
        weights = self.rows[None].astype(np.float64)
        return [self.measured(weights, side) for side in range(len(self.sides))]

    def measured(self, weights: NDArray[np.float64], side: int = 0) -> dict[str, NDArray[np.float64]]:
        """Measure one model on drawn rows.

        Parameters
        ----------
        weights : ndarray of shape (n_draws, n_cells), float64
            Rows of each cell.
        side : int
            Which model.

        Returns
        -------
        dict of str to ndarray of shape (n_draws,)
            By measure of scores. No calibration error: draws repeat rows, which looks like scores that are wrong.
        """
        said = self.sides[side]
        return {
            "average_precision": self._average_precision(weights, said),
            "brier": weights @ said.squared / weights.sum(1),
        }

    def _average_precision(self, weights: NDArray[np.float64], said: Side) -> NDArray[np.float64]:
        order = np.argsort(-said.level, kind="stable")
        starts = np.flatnonzero(np.diff(said.level[order], prepend=-1))
        ordered = weights[:, order]
        tp = np.add.reduceat(ordered * self.y_true[order], starts, axis=1)
        rows = np.cumsum(np.add.reduceat(ordered, starts, axis=1), axis=1)
        found = np.cumsum(tp, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(rows > 0, found / rows, 0.0)
            return np.where(found[:, -1] > 0, (tp * precision).sum(1) / found[:, -1], np.nan)


def drawn_counts(
    y_true: NDArray[np.bool_], first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> list[dict[str, NDArray[np.float64]]]:
    """Draw rows again and again, and measure the predictions of two models on the same draws.

    Parameters
    ----------
    y_true, first, second : ndarray of shape (n_rows,), bool
        Whether a row is of the class, and what each model predicts.

    Returns
    -------
    list of dict of str to ndarray of shape (REPLICATES,), float64
        For each model, by measure of counts; keyed on the counts, so equal rows draw equally.

    Notes
    -----
    Each of the eight kinds of rows counts half a row more than there are. Without that, models that disagree on none of
    twenty rows would be said never to, and intervals of a recall held the truth in half of such cases only.

    References
    ----------
    Agresti, Min: Simple improved confidence intervals for comparing matched proportions. Statist. Med. 24 (2005),
    doi:10.1002/sim.1781, who add as much to each cell.
    """
    kinds = y_true * np.uint8(4) + first * np.uint8(2) + second
    rows = np.bincount(kinds, minlength=8)
    shares = (rows + _DOUBT) / (rows.sum() + 8 * _DOUBT)
    drawn = _keyed_on(rows).multinomial(rows.sum(), shares, size=REPLICATES).astype(np.float64)
    table = drawn.reshape(REPLICATES, 2, 2, 2)
    found = []
    for other in (3, 2):
        (tn, fp), (fn, tp) = table.sum(axis=other).transpose(1, 2, 0)
        confusion = Confusion(tp, fp, fn, tn)
        found.append({name: np.asarray(getattr(confusion, name)) for name in COUNTED})
    return found


def _keyed_on(rows: NDArray[np.int64]) -> np.random.Generator:
    seed = int.from_bytes(hashlib.sha256(rows.astype("<i8").tobytes()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(key=seed))


def _levels(y_true: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank scores, finely where rows of the class are, since the area under the curve is made there."""
    ordered = np.sort(score)
    distinct = ordered[np.flatnonzero(np.diff(ordered, prepend=-1.0))]
    if len(distinct) > _LEVELS:
        steps = np.arange(_LEVELS // 2)
        parts = [part[steps * len(part) // len(steps)] for part in (ordered, np.sort(score[y_true])) if len(part)]
        distinct = np.unique(np.concatenate(parts))
    return np.searchsorted(distinct, score, side="right") - 1

"""Bootstrap of measures over cells: rows that a measure cannot tell apart are drawn together, however many they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.measures import Confusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPLICATES = 1000
_AT_ONCE = 100  # draws: two models have up to 16,000 cells
_LEVELS = 64  # of the scores of each


class Side(NamedTuple):
    """What one model says of the rows of each cell.

    Parameters
    ----------
    level : ndarray of shape (n_cells,), int64
        Rank of their scores.
    predicted : ndarray of shape (n_cells,), bool
        Whether they are predicted to be of the class.
    squared : ndarray of shape (n_cells,), float64
        Their mean of (score - truth)²; empty without scores.
    """

    level: NDArray[np.int64]
    predicted: NDArray[np.bool_]
    squared: NDArray[np.float64]


class Cells(NamedTuple):
    """Rows that agree in truth, predictions and, as good as, in scores.

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
    def of(
        cls, y_true: NDArray[np.bool_], said: Sequence[tuple[NDArray[np.bool_], NDArray[np.float64] | None]]
    ) -> Cells:
        """Put rows into cells.

        Parameters
        ----------
        y_true : ndarray of shape (n_rows,), bool
            Whether a row is of the class.
        said : sequence of tuple
            Of each model on the same rows: whether each row is predicted, and its score or None.

        Returns
        -------
        Cells
            In an order that does not depend on that of the rows.
        """
        code, space, widths = y_true.astype(np.int64), 2, []
        for predicted, score in said:
            level = np.zeros(len(y_true), dtype=np.int64) if score is None else _levels(y_true, score)
            widths.append(2 * (int(level.max()) + 1))
            code += space * (2 * level + predicted)
            space *= widths[-1]
        counts = np.bincount(code, minlength=space)
        at = np.flatnonzero(counts)
        y, sides, rest = (at % 2).astype(np.bool_), [], at // 2
        for (_, score), width in zip(said, widths, strict=True):
            own, rest = rest % width, rest // width
            squared = np.zeros(0)
            if score is not None:
                squared = np.bincount(code, (score - y_true) ** 2, minlength=space)[at] / counts[at]
            sides.append(Side(own // 2, (own % 2).astype(np.bool_), squared))
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
        seed = int.from_bytes(hashlib.sha256(self.rows.astype("<i8").tobytes()).digest()[:16], "little")
        rng = np.random.Generator(np.random.Philox(key=seed))
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
            By measure; those of scores only where there are some. No calibration error: draws repeat rows, which looks
            like scores that are wrong.
        """
        said = self.sides[side]
        tp, fp = (weights[:, kind & said.predicted].sum(1) for kind in (self.y_true, ~self.y_true))
        fn, tn = (weights[:, kind & ~said.predicted].sum(1) for kind in (self.y_true, ~self.y_true))
        confusion = Confusion(tp, fp, fn, tn)
        found = {name: getattr(confusion, name) for name in ("recall", "precision", "f1", "g_mean", "fpr")}
        found["selection_rate"] = confusion.selection_rate
        if not len(said.squared):
            return found
        return found | {
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


def _levels(y_true: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank scores, finely where rows of the class are, since the area under the curve is made there."""
    ordered = np.sort(score)
    distinct = ordered[np.flatnonzero(np.diff(ordered, prepend=-1.0))]
    if len(distinct) > _LEVELS:
        steps = np.arange(_LEVELS // 2)
        parts = [part[steps * len(part) // len(steps)] for part in (ordered, np.sort(score[y_true])) if len(part)]
        distinct = np.unique(np.concatenate(parts))
    return np.searchsorted(distinct, score, side="right") - 1

"""Bootstrap of measures over cells: rows that a measure cannot tell apart are drawn together, however many they are."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.quality.measures import CALIBRATION_BINS, Confusion

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
    gap : ndarray of shape (n_cells,), float64
        Their mean of score - truth.
    bin : ndarray of shape (n_cells,), int64
        Bin of the calibration error.
    """

    level: NDArray[np.int64]
    predicted: NDArray[np.bool_]
    squared: NDArray[np.float64]
    gap: NDArray[np.float64]
    bin: NDArray[np.int64]


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
        code, space, levels = y_true.astype(np.int64), 2, []
        for predicted, score in said:
            if score is None:
                level, bins = np.zeros(len(y_true), dtype=np.int64), np.zeros(1, dtype=np.int64)
            else:
                level, bins = _levels(y_true, score)
            levels.append(bins)
            code += space * (2 * level + predicted)
            space *= 2 * len(bins)
        counts = np.bincount(code, minlength=space)
        at = np.flatnonzero(counts)
        y, sides, rest = (at % 2).astype(np.bool_), [], at // 2
        for (_, score), bins in zip(said, levels, strict=True):
            own, rest = rest % (2 * len(bins)), rest // (2 * len(bins))
            if score is None:
                squared = gap = np.zeros(0)
            else:
                off = score - y_true
                squared = np.bincount(code, off * off, minlength=space)[at] / counts[at]
                gap = np.bincount(code, off, minlength=space)[at] / counts[at]
            sides.append(Side(own // 2, (own % 2).astype(np.bool_), squared, gap, bins[own // 2]))
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
            By measure; those of scores only where there are some.
        """
        said = self.sides[side]
        tp, fp = (weights[:, kind & said.predicted].sum(1) for kind in (self.y_true, ~self.y_true))
        fn, tn = (weights[:, kind & ~said.predicted].sum(1) for kind in (self.y_true, ~self.y_true))
        confusion = Confusion(tp, fp, fn, tn)
        found = {name: getattr(confusion, name) for name in ("recall", "precision", "f1", "g_mean", "fpr")}
        found["selection_rate"] = confusion.selection_rate
        if not len(said.squared):
            return found
        n = weights.sum(1)
        by_bin = np.zeros((len(self.rows), CALIBRATION_BINS))
        by_bin[np.arange(len(self.rows)), said.bin] = said.gap
        return found | {
            "average_precision": self._average_precision(weights, said),
            "brier": weights @ said.squared / n,
            "calibration_error": np.abs(weights @ by_bin).sum(1) / n,
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


def _levels(y_true: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank scores, finely where rows of the class are, since the area under the curve is made there."""
    ordered = np.sort(score)
    coarse = np.unique(ordered[np.arange(1, CALIBRATION_BINS) * len(score) // CALIBRATION_BINS])
    distinct = ordered[np.flatnonzero(np.diff(ordered, prepend=-1.0))]
    if len(distinct) > _LEVELS:
        steps = np.arange(_LEVELS // 2)
        own = np.sort(score[y_true])
        parts = [part[steps * len(part) // len(steps)] for part in (ordered, own) if len(part)]
        distinct = np.unique(np.concatenate([*parts, coarse]))
    level = np.searchsorted(distinct, score, side="right") - 1
    return np.maximum(level, 0), np.searchsorted(coarse, distinct, side="right")

"""The units that columns are measured in: standard deviations of the training split, rounded to powers of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.matrix import column_numbers, origin_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows


def spread(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> NDArray[np.float32]:
    """Fit the units of distance to the training split.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    ndarray of shape (n_features,), float32
        Standard deviations rounded to powers of two; 1 for constant and categorical columns.
    """
    scale = np.ones(contract.width, dtype=np.float32)
    for c, span in contract.spans:
        if not c.categorical:
            total = _Moments(c.width)
            origin = None
            for start in range(0, len(train), BATCH_ROWS):
                chosen = pa.array(train[start : start + BATCH_ROWS])
                part = rows.table[c.name].slice(start, BATCH_ROWS).filter(chosen)
                origin = origin_of(part, c) if origin is None else origin
                total.add(column_numbers(part, c, origin or 0))
            scale[span] = _unit(total.deviation())
            rows.release()
    return scale


def _unit(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to the nearest power of two; 1 for no deviation.

    A finer unit of distance would buy nothing and would move with every new row, and neighbours with it. This one
    stays, whatever the order of summation, and so do the synthetic rows of rows that did not change.
    """
    mantissa, exponent = np.frexp(deviation)
    nearest = np.ldexp(1.0, exponent - (mantissa < np.sqrt(0.5)))
    return np.where((deviation > 0) & np.isfinite(deviation), nearest, 1.0)


class _Moments:
    """Mean and spread of a column's finite values, taken in batch by batch (Chan, Golub, LeVeque 1983)."""

    def __init__(self, width: int) -> None:
        self.n = np.zeros(width)
        self.mean = np.zeros(width)
        self.m2 = np.zeros(width)

    def add(self, values: NDArray[Any]) -> None:
        finite = np.isfinite(values)
        n = finite.sum(axis=0)
        some = np.maximum(n, 1)
        values = np.where(finite, values, 0).astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # a deviation that is not finite counts as none
            mean = values.sum(axis=0) / some
            m2 = (np.where(finite, values - mean, 0) ** 2).sum(axis=0)
            total = np.maximum(self.n + n, 1)
            shift = np.where(n > 0, mean - self.mean, 0)
            self.m2 += m2 + shift**2 * self.n * n / total
        self.mean += shift * n / total
        self.n += n

    def deviation(self) -> NDArray[np.float64]:
        return np.sqrt(self.m2 / np.maximum(self.n, 1))

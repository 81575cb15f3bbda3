"""Check rows that arrive as numbers (packed, Arrow) against the contract, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stream.formats.cells import magnitude_limits
from stream.formats.rejects import Faults, Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from resampler.schema import FeatureSchema


class MatrixCheck:
    """Find the rows of a matrix that break the contract.

    Parameters
    ----------
    schema : FeatureSchema
        The contract; categorical columns are given as codes, a string label as its place among the classes.
    """

    def __init__(self, schema: FeatureSchema) -> None:
        self._schema = schema
        self._magnitude = magnitude_limits(schema)
        # At most the least of them in float32: what lies between is looked at column by column.
        smallest = self._magnitude.min(initial=np.finfo(np.float32).max)
        self._smallest = np.nextafter(np.float32(smallest), np.float32(0))
        self._limits = [
            (j, *column.bounds, Reason.UNKNOWN_CATEGORY if column.closed else Reason.OUT_OF_RANGE)
            for j, column in enumerate(schema.columns)
            if column.bounds is not None
        ]
        self._nullable = schema.nullable_mask
        self._complete = np.flatnonzero(~schema.nullable_mask)
        self.nullable = bool(schema.nullable_mask.any())
        self._classes = np.array(schema.label.column.codes, dtype=np.int64)  # empty: any integer is a class

    def __call__(self, X: NDArray[np.float32], y: NDArray[np.int64]) -> Faults:
        """Check rows.

        Parameters
        ----------
        X : ndarray of shape (n, n_features), float32
            The rows.
        y : ndarray of shape (n,), int64
            Their classes.

        Returns
        -------
        dict of int to (Reason, str)
            The first fault of each faulty row; empty when all is well.
        """
        faults: Faults = {}

        def note(bad: NDArray[np.bool_], reason: Reason, describe: Callable[[int], str]) -> None:
            for i in np.flatnonzero(bad).tolist():
                faults.setdefault(i, (reason, describe(i)))

        names = self._schema.names
        if X.size and not self._all_is_well(X):
            for j, limit in enumerate(self._magnitude.tolist()):
                with np.errstate(invalid="ignore"):  # a signalling NaN
                    values = X[:, j].astype(np.float64)
                note(
                    np.isinf(values) if self._nullable[j] else ~np.isfinite(values),
                    Reason.NOT_FINITE,
                    lambda i, j=j: f"{names[j]!r} must be finite, got {X[i, j]!s}",  # type: ignore[misc]
                )
                note(
                    np.abs(values) > limit,
                    Reason.OUT_OF_RANGE,
                    lambda i, j=j, most=limit: (  # type: ignore[misc]
                        f"{names[j]!r} must be at most {most:g}, got {X[i, j]!s}"
                    ),
                )
        for j, lowest, highest, reason in self._limits:
            column = X[:, j]
            with np.errstate(invalid="ignore"):
                bad = ~((column >= lowest) & (column <= highest) & (np.trunc(column) == column))
            if self._nullable[j]:
                bad &= ~np.isnan(column)
            note(
                bad,
                reason,
                lambda i, j=j, lo=lowest, hi=highest: (  # type: ignore[misc]
                    f"{names[j]!r} must be an integer in [{lo:.0f}, {hi:.0f}], got {X[i, j]!s}"
                ),
            )
        if len(self._classes):
            note(
                ~np.isin(y, self._classes),
                Reason.UNKNOWN_CLASS,
                lambda i: f"label {self._schema.label.name!r} must be one of its classes, got {y[i]!s}",
            )
        return faults

    def _all_is_well(self, X: NDArray[np.float32]) -> bool:
        """Say whether all values are small enough; few passes do for nearly every batch."""
        if not self.nullable:  # NaN fails every comparison
            return bool(X.max() <= self._smallest and X.min() >= -self._smallest)
        if len(self._complete) and np.isnan(X[:, self._complete]).any():
            return False
        with np.errstate(invalid="ignore"):  # a signalling NaN; behind one, fmax forgets what was greatest before
            return not (np.abs(X) > self._smallest).any()


def with_one_null(X: NDArray[np.float32]) -> NDArray[np.float32]:
    """Write every null with the same bits, whatever bits stood for it: what comes out is then the same, too.

    Parameters
    ----------
    X : ndarray of shape (n, n_features), float32
        Rows; NaN for a null.

    Returns
    -------
    ndarray of shape (n, n_features), float32
        A copy.
    """
    return np.where(np.isnan(X), np.float32(np.nan), X)

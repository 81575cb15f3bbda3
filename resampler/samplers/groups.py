"""Subgroups: rows of different sites or cohorts are never joined, and each subgroup is balanced within itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing
from sklearn.utils._missing import is_pandas_na

from resampler.errors import InvalidInputError
from resampler.generate import take_turns
from resampler.samplers.tables import column_names, is_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Part(NamedTuple):
    """The rows that one class, or one class of a subgroup, is made from.

    Parameters
    ----------
    label : object
        The class.
    n_synthetic : int
        Rows to make.
    group : object
        The subgroup; None where there are none.
    rows : ndarray of int64, or None
        Positions of the subgroup's rows, of any class; None means all rows.
    """

    label: Any
    n_synthetic: int
    group: Any = None
    rows: NDArray[np.int64] | None = None

    @property
    def key(self) -> Any:
        """What the results of this part are kept under: the class, or (class, subgroup)."""
        return self.label if self.rows is None else (self.label, self.group)

    @property
    def name(self) -> str:
        """What messages call this part."""
        label = repr(self.label.item() if isinstance(self.label, np.generic) else self.label)
        return f"class {label}" if self.rows is None else f"class {label} in subgroup {self.group!r}"

    def place(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Turn positions within this part's rows into positions in `X`.

        Parameters
        ----------
        positions : ndarray of int64
            Positions among `rows`.

        Returns
        -------
        ndarray of int64
            Of the same shape.
        """
        return positions if self.rows is None else self.rows[positions]


def parts_of(y: NDArray[Any], strategy: dict[Any, int], groups: NDArray[Any] | None) -> Iterator[Part]:
    """Say what is made from which rows.

    Within each subgroup a class is owed what it lacks of its wanted share to the largest class: as if the subgroup
    were resampled alone. The rows asked for are shared out in proportion to that, by Webster's method, so their
    number is exact.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        The classes.
    strategy : dict
        Synthetic rows to make of each class.
    groups : ndarray of shape (n_samples,), or None
        The subgroup of each row.

    Yields
    ------
    Part
        Class by class, then subgroup by subgroup; none that has nothing to make.
    """
    if groups is None:
        yield from (Part(label, n) for label, n in strategy.items() if n)
        return
    names, codes = np.unique(groups, return_inverse=True)
    classes, counts = np.unique(y, return_counts=True)
    largest = classes[counts.argmax()]
    room = np.bincount(codes[y == largest], minlength=len(names))
    for label, n in strategy.items():
        held = np.bincount(codes[y == label], minlength=len(names))
        lacking = np.maximum((held.sum() + n) * room / room.sum() - held, 0)
        # All subgroups are at their share already, up to rounding: grow them alike.
        weights = lacking if lacking.sum() > 0 else held.astype(np.float64)
        quotas = np.bincount(take_turns(np.arange(len(names)), n, weights=weights)[0], minlength=len(names))
        for g in np.flatnonzero(quotas):
            yield Part(label, int(quotas[g]), names[g].item(), np.flatnonzero(codes == g))


def count_missing(values: NDArray[Any]) -> int:
    """Count missing values.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Of any dtype.

    Returns
    -------
    int
        Entries that are None, NaN, NaT or pandas' NA.
    """
    if values.dtype.kind in "iubUS":
        return 0
    return sum(v is None or is_pandas_na(v) or bool(v != v) for v in values.tolist())


class GroupColumn:
    """The column of `X` that tells subgroups apart; text in it is carried along, not resampled.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame, Arrow table} of shape (n_samples, n_features)
        Rows as a user gave them.
    group_by : int or str
        Number or name of the column.

    Raises
    ------
    InvalidInputError
        If there is no such column.
    """

    def __init__(self, X: Any, group_by: int | str) -> None:
        names = column_names(X)
        n_columns = len(names) or np.shape(X)[1]
        if isinstance(group_by, str) and group_by not in names:
            raise InvalidInputError(
                f"group_by={group_by!r} must be one of the columns {names}: name one, or its number"
            )
        self.at = names.index(group_by) if isinstance(group_by, str) else int(group_by)
        if not self.at < n_columns:
            raise InvalidInputError(f"group_by={self.at} must be below the number of columns, {n_columns}")
        self._X = X
        if is_table(X):
            values = np.asarray(X.to_arrow().column(self.at) if hasattr(X, "to_arrow") else X.column(self.at))
        elif sparse.issparse(X):
            values = X[:, [self.at]].toarray()[:, 0]
        else:
            values = np.asarray(_safe_indexing(X if hasattr(X, "iloc") else np.asarray(X), self.at, axis=1))
        if missing := count_missing(values):
            raise InvalidInputError(
                f"group_by={group_by!r} must say the subgroup of every row, got {missing} rows without: give these a "
                "subgroup of their own, or drop them"
            )
        self.is_text = not (sparse.issparse(X) or values.dtype.kind in "iubf")
        self.values = values.astype(str) if self.is_text else values

    def encoded(self) -> Any:
        """Return `X` with codes in place of text.

        Returns
        -------
        object
            Of the type of `X`.
        """
        codes = np.unique(self.values, return_inverse=True)[1]
        return self._replaced(self._X, codes)

    def restored(self, X_new: Any, rows: NDArray[np.int64]) -> Any:
        """Return the resampled rows with the text again.

        Parameters
        ----------
        X_new : object
            What came of the encoded rows.
        rows : ndarray of shape (n_resampled,), int64
            Positions that each row's text comes from.

        Returns
        -------
        object
            Of the type of `X`.
        """
        return self._replaced(X_new, rows, take=True)

    def _replaced(self, X: Any, new: NDArray[np.int64], take: bool = False) -> Any:
        given, at = self._X, self.at
        if hasattr(X, "iloc"):
            X = X.copy(deep=False)
            X.isetitem(at, given.iloc[:, at].array.take(new) if take else new)
            return X
        if is_table(X):
            name = column_names(X)[at]
            if hasattr(X, "to_arrow"):
                return X.with_columns(given[name][new] if take else type(given[name])(name, new))
            import pyarrow as pa

            field = given.schema.field(at) if take else pa.field(name, pa.int64())
            return X.set_column(at, field, given.column(at).take(pa.array(new)) if take else pa.array(new))
        column = np.asarray(given, dtype=object)[new, at] if take else new
        X = np.asarray(X, dtype=object).copy()
        X[:, at] = column
        return X

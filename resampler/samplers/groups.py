"""Subgroups: rows of different sites or cohorts are never joined, and each subgroup is balanced within itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.generate import take_turns
from resampler.samplers.contain import contain
from resampler.samplers.kinds import count_missing
from resampler.samplers.matrix import sliceable

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


class GroupColumn:
    """The column of `X` that tells subgroups apart; one that is not numbers is carried along, not resampled.

    Parameters
    ----------
    X : {array-like, sparse matrix, DataFrame, Arrow table} of shape (n_samples, n_features)
        Rows as a user gave them.
    group_by : int or str
        Number or name of the column.

    Raises
    ------
    InvalidInputError
        If there is no such column, or two of that name.
    """

    def __init__(self, X: Any, group_by: int | str) -> None:
        rows = contain(X)
        names = [] if rows is None else rows.names
        n_columns = np.shape(X)[1] if rows is None else rows.shape[1]
        if isinstance(group_by, str) and names.count(group_by) != 1:
            raise InvalidInputError(
                f"group_by={group_by!r} must be one of the columns {names}: name one, or its number"
            )
        self.at = names.index(group_by) if isinstance(group_by, str) else int(group_by)
        if not self.at < n_columns:
            raise InvalidInputError(f"group_by={self.at} must be below the number of columns, {n_columns}")
        if rows is not None:
            values = rows.values(self.at)
        elif sparse.issparse(X):
            values = sliceable(X)[:, [self.at]].toarray()[:, 0]
        else:
            values = np.asarray(X)[:, self.at]
        if missing := count_missing(values):
            raise InvalidInputError(
                f"group_by={group_by!r} must say the subgroup of every row, got {missing} rows without: give these a "
                "subgroup of their own, or drop them"
            )
        self.is_text = not (sparse.issparse(X) or values.dtype.kind in "iubf")
        self.values = values.astype(str) if self.is_text else values

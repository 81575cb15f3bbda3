"""Subgroups by a column of `X`."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.samplers.contain import contain
from resampler.samplers.kinds import count_missing
from resampler.samplers.matrix import sliceable


class GroupColumn:
    """The column of `X` that splits rows into subgroups; one that is not numbers is carried along, not resampled.

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

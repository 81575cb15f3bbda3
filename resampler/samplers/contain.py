"""Which container holds what a user gave, rows and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np

from resampler.samplers.cells import contain_cells
from resampler.samplers.containers import Container
from resampler.samplers.kinds import count_missing
from resampler.samplers.tables import contain_table, is_arrow

if TYPE_CHECKING:
    from numpy.typing import NDArray


def contain(X: Any) -> Container | None:
    """Wrap rows that must be kept as they are.

    Parameters
    ----------
    X : object
        Rows as a user gave them.

    Returns
    -------
    Container or None
        None for what NumPy and SciPy hold as it is, and for what scikit-learn has to refuse.
    """
    if isinstance(X, Container):
        return X
    if isinstance(X, np.ndarray):  # and no table: the dearest question comes last
        return contain_cells(X)
    table = contain_table(X)
    return contain_cells(X) if table is None else table


def are_foreign(y: object) -> bool:
    """Say whether imbalanced-learn would mishandle these labels.

    Parameters
    ----------
    y : object
        Labels as a user gave them.

    Returns
    -------
    bool
        True for a table or column of another library than pandas.
    """
    if isinstance(y, np.ndarray) or nw.dependencies.is_pandas_dataframe(y) or nw.dependencies.is_pandas_series(y):
        return False
    return is_arrow(y) or nw.dependencies.is_into_dataframe(y) or nw.dependencies.is_into_series(y)


def to_labels(y: Any) -> NDArray[Any]:
    """Take labels out of their container.

    Parameters
    ----------
    y : array-like, or a table or column of any library
        The labels.

    Returns
    -------
    ndarray of shape (n_samples,), or (n_samples, n_columns) of a table of several
        The labels.
    """
    if isinstance(y, np.ndarray) and y.dtype != object:
        return y
    table = contain(y)
    if table is not None:
        return table.values(0) if table.shape[1] == 1 else table.cells()
    column = nw.from_native(y, series_only=True, pass_through=True)
    return np.asarray(y) if column is y else column.to_numpy()


def missing_in(y: Any) -> int:
    """Count the rows without a label.

    Parameters
    ----------
    y : object
        Labels as a user gave them.

    Returns
    -------
    int
        0 for what is no labels at all.
    """
    # NumPy would make text of a NaN among text.
    labels = np.array(y, dtype=object) if isinstance(y, list | tuple) else to_labels(y)
    return count_missing(labels.ravel()) if labels.ndim else 0


def refuse_missing(y: Any) -> None:
    """Refuse rows without a label, which scikit-learn finds among numbers only.

    Parameters
    ----------
    y : object
        Labels as a user gave them.

    Raises
    ------
    ValueError
        If one is missing; in scikit-learn's words, which `with_remedies` knows.
    """
    if missing_in(y):
        raise ValueError("Input y contains NaN")


def take_labels(y: Any, rows: NDArray[np.int64]) -> Any:
    """Return some labels.

    Parameters
    ----------
    y : table or column of any library
        The labels.
    rows : ndarray of shape (n_taken,), int64
        Positions.

    Returns
    -------
    object
        Of the type of `y`.
    """
    table = contain(y)
    if table is not None:
        return table.take(rows)
    column = nw.from_native(y, series_only=True, pass_through=True)
    return y.take(rows) if column is y else column[rows].to_native()

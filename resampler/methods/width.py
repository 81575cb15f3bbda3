"""What a place measures columns by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from resampler.methods.table import dense_rows
from resampler.resolution import deviations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.task import Task


def units(task: Task) -> NDArray[np.float64]:
    """Return the columns' units of distance.

    Parameters
    ----------
    task : Task
        The class.

    Returns
    -------
    ndarray of shape (n_features,), float64
        0 for a categorical column.
    """
    table = task.table
    found = np.ones(table.X.shape[1]) if table.units is None else np.asarray(table.units, dtype=np.float64)
    return found if table.categorical is None else np.where(table.categorical, 0.0, found)


def silverman(task: Task) -> NDArray[np.float64]:
    """Return the spread of a smoothed bootstrap: Silverman's, times the class's shrinkage.

    Parameters
    ----------
    task : Task
        The class.

    Returns
    -------
    ndarray of shape (n_features,), float64
        ``shrinkage * (4 / ((d + 2) n)) ** (1 / (d + 4)) * deviation``, 0 for a categorical column; n is the number of
        all rows, as imbalanced-learn has it.

    References
    ----------
    Menardi, Torelli: Training and assessing classification rules with imbalanced data. DMKD 28 (2014), section 3.2,
    doi:10.1007/s10618-012-0295-5.
    """
    table, given = task.table, task.parameters.shrinkage
    d, n = table.X.shape[1], len((table.around or (table.y,))[0])
    factor = given[task.part.label] if isinstance(given, Mapping) else given or 0.0
    spread = np.nan_to_num(deviations(dense_rows(table.X[task.members], table.names, table.units)))  # of nulls alone
    found = factor * (4 / ((d + 2) * n)) ** (1 / (d + 4)) * np.asarray(spread, dtype=np.float64)
    return found if table.categorical is None else np.where(table.categorical, 0.0, found)

"""The pre-flight of a version: what its checks look at, taken from canonical rows and the synthetic ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from feast_plugin.versions.making.matrix import encode
from feast_plugin.versions.making.nulls import may_be_parents
from resampler.quality.checks.evidence import MADE_ROWS, ROWS, Evidence, Made, OfClass, most
from resampler.quality.checks.sample import keyed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.recipe import Recipe


def evidence_of(
    rows: CanonicalRows, train: NDArray[np.bool_], made: Augmentation, contract: Contract, recipe: Recipe
) -> Evidence:
    """Gather what checks look at.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    made : Augmentation
        The synthetic rows.
    contract : Contract
        Columns.
    recipe : Recipe
        By which they were made.

    Returns
    -------
    Evidence
        In memory, of a size that does not follow the table's.
    """
    contract = contract.measured(rows.table)
    sizes = dict(zip(*(part.tolist() for part in np.unique(rows.label[train], return_counts=True)), strict=True))
    filled = dict(zip(*(part.tolist() for part in np.unique(made.parents.label, return_counts=True)), strict=True))
    members = {code: np.flatnonzero(train & (rows.label == code)) for code in sizes}
    chosen = np.concatenate([one[keyed(rows.row_id[one], most(ROWS, contract.width))] for one in members.values()])
    n = made.table.num_rows
    shown = min(n, most(MADE_ROWS, contract.width))
    evenly = np.arange(shown) * n // max(1, shown)
    names = made.table.column_names
    place = np.argsort(chosen, kind="stable")  # pages are read in order
    real = rows.take(names, chosen[place])
    matrix, _ = encode(pa.concat_tables([real, made.table.take(pa.array(evenly))]), contract)
    X = np.empty((len(chosen), matrix.shape[1]))
    X[place] = matrix[: len(chosen)]
    label = rows.label[chosen]
    usable = {code: _usable(X[label == code], size, recipe) for code, size in sizes.items()}
    return Evidence(
        X,
        label,
        rows.row_id[chosen],
        made.schema.names,
        made.schema.categorical_mask,
        made.schema.scale.astype(np.float64),
        {
            code: OfClass(
                str(rows.classes.classes[code] if rows.classes.classes else code),
                size,
                usable[code],
                _parents(made, code, usable[code]),
                filled.get(code, 0),
            )
            for code, size in sizes.items()
        },
        None if rows.timestamps is None else rows.timestamps[chosen],
        Made(
            matrix[len(chosen) :].astype(np.float64),
            made.parents.label[evenly],
            _bases(made, rows.row_id)[evenly],
        ),
        recipe.sampler or "",
    )


def _bases(made: Augmentation, row_id: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what each synthetic row started from: the identity of a row, or of a group."""
    parents = made.parents
    return row_id[parents.base] if parents.groups is None else parents.groups.id[parents.base]


def _usable(X: NDArray[np.float64], size: int, recipe: Recipe) -> int:
    """Count the rows of a class whose values let them be parents: exactly, where all of them are looked at."""
    return round(size * float(may_be_parents(X, recipe.missing).mean()))


def _parents(made: Augmentation, code: int, usable: int) -> int:
    """Count the bases of a class; where it gets fewer rows than it has, not all that could be one are."""
    if made.parents.groups is not None:
        return usable  # every row is in a group
    base = made.parents.base[made.parents.label == code]
    return usable if len(base) < usable else len(np.unique(base))

"""Which rows of an augmented training split stand where the classes meet: Tomek links and edited neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.matrix import encode
from resampler.layout import as_kernel_rows
from resampler.metric import make_penalty
from resampler.neighbors import nearest_rows
from resampler.resolution import deviations

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.augmentation import Augmentation
    from feast_plugin.versions.contract import Contract
    from feast_plugin.versions.rows import Rows

EDITORS = 3  # neighbours that must be of a row's class


class Cleaned(NamedTuple):
    """What cleaning leaves out.

    Parameters
    ----------
    real : ndarray of shape (n_rows,), bool
        Rows of the canonical table that leave the training split.
    synthetic : ndarray of shape (n_synthetic,), bool
        Synthetic rows that leave it.
    """

    real: NDArray[np.bool_]
    synthetic: NDArray[np.bool_]


def unclean(rows: Rows, train: NDArray[np.bool_], made: Augmentation, contract: Contract, cleaner: str) -> Cleaned:
    """Find what a cleaner takes out of the training split after it was augmented.

    Synthetic rows go, and real ones of classes that got none. A real row of a class that is filled up always stays:
    it is what the version is about, and may be a parent.

    Parameters
    ----------
    rows : Rows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    made : Augmentation
        The synthetic rows.
    contract : Contract
        Columns.
    cleaner : str
        One of `feast_plugin.versions.recipe.CLEANERS`.

    Returns
    -------
    Cleaned
        A row with a null or non-finite feature has no neighbours and stays.

    Notes
    -----
    Memory follows the training split, and so does time: up to 20,000 rows neighbours are exact, above that they are
    found to a recall of 0.95 (`resampler.neighbors.nearest_rows`), the same ones in every run.

    References
    ----------
    Tomek 1976, doi:10.1109/TSMC.1976.4309452. Wilson 1972, doi:10.1109/TSMC.1972.4309137. After over-sampling:
    Batista, Prati, Monard, SIGKDD Explorations 6 (2004), doi:10.1145/1007730.1007735.
    """
    members = np.flatnonzero(train)
    real = rows.take(made.table.column_names, members)
    matrix, _ = encode(pa.concat_tables([real, made.table]), contract.measured(rows.table))
    label = np.concatenate([rows.label[members], made.parents.label])
    whole = np.flatnonzero(np.isfinite(matrix).all(axis=1))
    filled = np.unique(made.parents.label)
    may_go = ((np.arange(len(label)) >= len(members)) | ~np.isin(label, filled))[whole]
    find = _tomek if cleaner == "tomek" else _edited
    found = whole[find(_Search(matrix[whole], made), label[whole], may_go)]
    gone = np.zeros(len(label), dtype=np.bool_)
    gone[found] = True
    out = np.zeros(len(train), dtype=np.bool_)
    out[members] = gone[: len(members)]
    return Cleaned(out, gone[len(members) :])


class _Search:
    """Neighbours among the rows, in the units of distance that the samplers use."""

    def __init__(self, matrix: NDArray[Any], made: Augmentation) -> None:
        schema = made.schema
        categorical = schema.categorical_mask
        units = np.where(categorical, 1.0, schema.scale)
        spread = deviations(matrix[:, ~categorical]) / units[~categorical]
        self._matrix = as_kernel_rows(matrix)
        self._inverse = 1.0 / units
        self._penalty = make_penalty(categorical if categorical.any() else None, spread, matrix.shape[1])

    def __call__(self, queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        return nearest_rows(
            self._matrix, k, queries=queries, inverse_scale=self._inverse, penalty=self._penalty, method="auto"
        ).indices


def _tomek(search: _Search, label: NDArray[np.int64], may_go: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Each other's nearest row, and of different classes: every link has an end outside the largest class."""
    classes, counts = np.unique(label, return_counts=True)
    nearest = np.full(len(label), -1)
    ends = np.flatnonzero(label != classes[counts.argmax()])
    nearest[ends] = search(ends, 1)[:, 0]
    met = np.unique(nearest[ends][label[nearest[ends]] != label[ends]])
    asked = met[nearest[met] < 0]
    if len(asked):
        nearest[asked] = search(asked, 1)[:, 0]
    known = np.flatnonzero(nearest >= 0)
    linked = (nearest[nearest[known]] == known) & (label[nearest[known]] != label[known])
    return known[linked & may_go[known]]


def _edited(search: _Search, label: NDArray[np.int64], may_go: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows that have a neighbour of another class, as imbalanced-learn has it; Wilson takes a vote."""
    asked = np.flatnonzero(may_go)
    return asked[(label[search(asked, EDITORS)] != label[asked][:, None]).any(axis=1)]

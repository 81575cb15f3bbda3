"""What `SMOTEENN` and `SMOTETomek` remove, of real rows and of synthetic ones that tasks have made as a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.engines.arrays import mapped
from resampler.errors import InvalidInputError
from resampler.methods.clean import edited, tomek_links
from resampler.methods.missing import nulls_in
from resampler.methods.table import Table
from resampler.partitioned.matrix import put_together
from resampler.partitioned.synthetic import synthetic_tasks
from resampler.samplers import TomekLinks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.engines.workplace import Workplace
    from resampler.methods.provenance import Provenance
    from resampler.partitioned.search import PartedSearch
    from resampler.partitioned.synthetic import Making


def clean(
    workplace: Workplace, making: Making, made: Provenance, search: PartedSearch, cleaner: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Say which rows go, and which stay.

    Parameters
    ----------
    workplace : Workplace
        Whose engine makes synthetic rows, and finds neighbours.
    making : Making
        What they are made from.
    made : Provenance
        Of synthetic rows.
    search : PartedSearch
        Which finds neighbours among real and synthetic rows.
    cleaner : TomekLinks or EditedNearestNeighbours
        Of the sampler.

    Returns
    -------
    removed : ndarray of int64
        Places of the real rows that go.
    stays : ndarray of int64
        Of the synthetic ones that stay.

    Raises
    ------
    InvalidInputError
        If there are fewer rows than neighbours, or a class that is to be cleaned is not there.
    """
    parts = workplace.run(synthetic_tasks(workplace, "over", made, making, numbers=True), "making synthetic rows")
    assert making.matrix is not None  # noqa: S101 - no copies are cleaned
    folders = [making.matrix, *(one.folder for one in parts)]
    rows = mapped(put_together(workplace, "all", folders, ["matrix"]), "matrix")
    y = np.concatenate([making.canonical.array("y"), made.label])
    at = np.arange(len(rows))
    nulls = nulls_in(rows) if cleaner.missing == "complete" else None
    if nulls is not None:
        at = np.flatnonzero(~nulls.any(axis=1))
        rows = rows[at]
    held = y[at]

    def _nearest(queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        return search.find(Table(rows, held), rows, queries, k, "cleaning", None, np.arange(len(rows)))

    chosen = _cleaned_classes(cleaner, list(making.labels), y)
    if isinstance(cleaner, TomekLinks):
        linked = tomek_links(_nearest, held)
        removed = linked[np.isin(held[linked], chosen)]
    else:
        k = int(cleaner.n_neighbors)
        if len(rows) <= k:
            raise InvalidInputError(f"n_neighbors={k} needs at least {k + 1} rows, got {len(rows)}: lower it")
        asked = np.flatnonzero(np.isin(held, chosen))
        removed = edited(_nearest, held, asked, k, vote=cleaner.kind_sel == "mode")
    stays = np.ones(len(y), dtype=np.bool_)
    stays[at[removed]] = False
    n = making.canonical.n_rows
    return np.flatnonzero(~stays[:n]), np.flatnonzero(stays[n:])


def _cleaned_classes(cleaner: Any, labels: list[Any], y: NDArray[np.int64]) -> NDArray[np.int64]:
    from imblearn.utils import check_sampling_strategy

    strategy = cleaner.sampling_strategy
    if isinstance(strategy, list):
        strategy = [labels.index(one) for one in strategy]
    try:
        found = check_sampling_strategy(strategy, y, "clean-sampling")
    except ValueError as error:
        raise InvalidInputError(str(error)) from error
    return np.array(list(found), dtype=np.int64)

"""`PartedSearch`: neighbours that tasks of an engine find, each of some of the queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.engines.task import Task
from resampler.methods.table import Search
from resampler.neighbors import nearest_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace
    from resampler.methods.table import Table

QUERIES_A_TASK = 65_536


class PartedSearch(Search):
    """A search whose queries are divided among tasks; it finds what `Search` finds.

    Parameters
    ----------
    workplace : Workplace
        Where the rows are put for all tasks to map, and whose engine does them.
    method : {"auto", "exact", "approximate"}
        As in `Search`.
    """

    def __init__(self, workplace: Workplace, method: str = "exact") -> None:
        super().__init__(method)
        self.workplace = workplace
        self._asked = 0  # searches so far: a run that goes on asks the same ones in the same order

    def find(
        self, table: Table, rows: NDArray[Any], queries: NDArray[np.int64], k: Any, key: Any, penalty: Any, among: Any
    ) -> NDArray[np.int64]:
        """Find neighbours among rows.

        Parameters
        ----------
        table, rows, queries, k, key, penalty, among
            As in `Search.find`.

        Returns
        -------
        ndarray of shape (n_queries, k), int64
            Positions in `rows`.
        """
        stage = f"search/{self._asked:03}"
        self._asked += 1
        arrays = {"rows": rows, "queries": queries}
        if table.row_ids is not None:
            arrays["ids"] = table.row_ids[among]
        if table.units is not None and table.space is None:
            arrays["inverse"] = 1.0 / table.units
        if penalty is not None:
            arrays["penalty"] = penalty
        kept = self.workplace.save(f"{stage}/rows", arrays)
        shared = {"folder": str(kept.folder), "names": sorted(arrays), "k": self.count(k), "method": self.method}
        tasks = [
            Task(f"{stage}/{at:05}", find_some, shared | {"first": first, "last": first + QUERIES_A_TASK})
            for at, first in enumerate(range(0, len(queries), QUERIES_A_TASK))
        ]
        found = self.workplace.run(tasks, "searching")
        self.recall[key] = min([*(one.data["recall"] for one in found), self.recall.get(key, 1.0)])
        return np.concatenate([one.array("indices") for one in found])


def find_some(
    output: Output, folder: str, names: list[str], k: int, method: str, first: int, last: int
) -> dict[str, float]:
    """Find the neighbours of some queries; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    folder : str
        With the arrays `names`.
    names : list of str
        See `PartedSearch.find`.
    k : int
        Neighbours a query.
    method : str
        As in `resampler.neighbors.nearest_rows`.
    first, last : int
        Of the queries.

    Returns
    -------
    dict
        Key recall.
    """
    arrays = {name: np.load(f"{folder}/{name}.npy", mmap_mode="r") for name in names}
    found = nearest_rows(
        arrays["rows"],
        k,
        queries=arrays["queries"][first:last],
        row_ids=arrays.get("ids"),
        inverse_scale=arrays.get("inverse"),
        penalty=arrays.get("penalty"),
        method=method,
    )
    output.array("indices", found.indices)
    return {"recall": found.recall}

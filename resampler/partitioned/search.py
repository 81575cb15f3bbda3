"""`PartedSearch`: neighbours that tasks of an engine find, of some queries each, in cells that are built once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config

from resampler.engines.task import Task
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.methods.table import Search
from resampler.neighbors import CELLS, find_in_cells, in_chunks, prepare, sole_region
from resampler.regions import ALL, Boxes, Region, budget_of, first_of, lanes_of, ranks, sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.methods.table import Table
    from resampler.regions import Recall

CELLS_A_TASK = 512  # 65,536 queries
_LEAST_CELLS = 16  # of a task: what is less would be divided for nothing
_MOST_TASKS = 64
_SAMPLE_A_TASK = 16
_AT_ONCE = 16  # cells that a thread takes
BY_REGIONS = "regions"


class PartedSearch(Search):
    """A search whose queries are divided among tasks; it finds what `Search` finds.

    Parameters
    ----------
    workplace : Workplace
        Where the rows are put for all tasks to map, and whose engine does them.
    method : {"auto", "exact", "approximate"}
        As in `Search`.
    least_recall : float, optional
        As in `Search`.
    """

    def __init__(self, workplace: Workplace, method: str = "exact", least_recall: float | None = None) -> None:
        super().__init__(method, least_recall=least_recall)
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
        shared["recall"] = self.least_recall
        (built,) = self.workplace.run([Task(f"{stage}/cells", build, shared)], "sorting rows into cells")
        found, tasks = self._plan(stage, built, self.count(k))
        parts = self.workplace.run(tasks, "searching")
        self.keep(key, *found)
        return _joined(parts, queries, self.count(k))

    def _plan(self, stage: str, built: Result, k: int) -> tuple[Recall, list[Task]]:
        """Return how much will be found, and the tasks that find it."""
        shared = {"folder": str(built.folder), "k": k}
        if built.data["kind"] != BY_REGIONS:
            shared |= {"kind": built.data["kind"], "budget": built.data["budget"]}
            n = built.data["n_queries"]
            return _recall(built.data["recall"]), _cut(f"{stage}/found", find_in_some, shared, n, CELL_ROWS)
        n_cells, recall = built.data["n_cells"], built.data["recall"]
        budget, found = n_cells, ALL
        if recall < 1:
            asked = built.array("asked")
            sample = sample_of(asked).tolist()
            cuts = range(0, len(sample), _SAMPLE_A_TASK)
            tasks = [
                Task(f"{stage}/sample/{at:05}", rank_some, shared | {"homes": sample[at : at + cuts.step]})
                for at in cuts
            ]
            parts = self.workplace.run(tasks, "choosing how far to look")
            of_sample = [one.array(str(at)) for one in parts for at in range(one.data["n"])]
            budget, found = budget_of(recall, of_sample, n_cells, int(np.count_nonzero(asked)))
        return found, _cut(f"{stage}/found", find_by_regions, shared | {"budget": budget}, n_cells, 1)


def _cut(name: str, fn: Any, shared: dict[str, Any], n: int, unit: int) -> list[Task]:
    """Return tasks of ranges of n things, which are `unit` to a cell or so; their cut follows from n alone."""
    step = min(CELLS_A_TASK, max(_LEAST_CELLS, n // unit // _MOST_TASKS)) * unit
    return [
        Task(f"{name}/{first:012}", fn, shared | {"first": first, "last": min(n, first + step)})
        for first in range(0, n, step)
    ]


def _recall(data: Sequence[Any]) -> Recall:
    share, interval = data
    return ALL._replace(share=share, interval=None if interval is None else tuple(interval))


def _joined(parts: Sequence[Result], queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return what tasks found, in the order of the queries."""
    distinct, again = np.unique(queries, return_inverse=True)
    out = np.empty((len(distinct), k), dtype=np.int64)
    for one in parts:
        out[np.searchsorted(distinct, one.array("rows"))] = one.array("found")
    return out if np.array_equal(distinct, queries) else out[again]


def _mapped(folder: str | Path, name: str) -> NDArray[Any]:
    """Map an array in the layout of kernels: it may be written to, and its file stays what it is."""
    return np.asarray(np.load(Path(folder) / f"{name}.npy", mmap_mode="c"))


def build(output: Output, folder: str, names: list[str], k: int, method: str, recall: float | None) -> dict[str, Any]:
    """Sort rows into cells; a task.

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
    recall : float or None
        As there.

    Returns
    -------
    dict
        Key kind. By regions, keys n_cells and recall, which is asked for; else n_queries, the budget of cells a query,
        and the recall of a sample.
    """
    given = {name: _mapped(folder, name) for name in names}
    asked = prepare(
        given["rows"],
        k,
        queries=given["queries"],
        row_ids=given.get("ids"),
        inverse_scale=given.get("inverse"),
        penalty=given.get("penalty"),
        method=method,
        recall=recall,
    )
    if asked.by_regions:
        region, boxes = sole_region(asked)
        queries = np.zeros(len(asked.X), dtype=np.bool_)
        queries[asked.queries] = True
        wanted = lanes_of(queries, region)
        for name, values in (region._asdict() | boxes._asdict() | {"wanted": wanted}).items():
            output.array(name, values)
        output.array("asked", wanted.sum(axis=1))
        return {"kind": BY_REGIONS, "n_cells": boxes.n_cells, "recall": asked.recall or 1.0}
    cells = asked.cells()
    cells.queries = np.unique(cells.queries)
    for name, values in cells.arrays().items():
        output.array(name, values)
    budget, found = asked.budget(cells, k, config.NUMBA_NUM_THREADS)
    return {"kind": cells.kind, "n_queries": len(cells.queries), "budget": budget, "recall": list(found)}


def _index(folder: str) -> tuple[Region, Boxes, NDArray[np.bool_]]:
    """Map what `build` left."""
    region = Region(*(_mapped(folder, name) for name in Region._fields))
    boxes = Boxes(*(_mapped(folder, name) for name in Boxes._fields))
    return region, boxes, _mapped(folder, "wanted")


def rank_some(output: Output, folder: str, k: int, homes: list[int]) -> dict[str, int]:
    """Say how far some cells of a sample must look for each of their true neighbours; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    folder : str
        That `build` left.
    k : int
        Neighbours a query.
    homes : list of int
        The cells.

    Returns
    -------
    dict
        Key n, how many arrays there are.
    """
    region, boxes, wanted = _index(folder)
    found = [np.empty((0, k), dtype=np.int64)] * len(homes)

    def _rank(first: int, last: int) -> None:
        for at in range(first, last):
            home = homes[at]
            few = first_of(wanted[home : home + 1])
            found[at] = ranks(boxes, home, few, find_in_cells(boxes, region, home, home + 1, few, k, boxes.n_cells))

    in_chunks(_rank, len(homes), 1)
    for at, values in enumerate(found):
        output.array(str(at), values)
    return {"n": len(homes)}


def find_by_regions(output: Output, folder: str, k: int, budget: int, first: int, last: int) -> None:
    """Find the neighbours of the queries of some cells; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    folder : str
        That `build` left.
    k : int
        Neighbours a query.
    budget : int
        Cells that each cell of queries scans.
    first, last : int
        Of the cells.
    """
    region, boxes, wanted = _index(folder)
    asked = np.flatnonzero(wanted[first:last])
    found = np.empty((len(asked), k), dtype=np.int64)

    def _find(start: int, stop: int) -> None:
        lists = find_in_cells(
            boxes, region, start + first, stop + first, wanted[start + first : stop + first], k, budget
        )
        begin, end = np.searchsorted(asked, [start * CELL_ROWS, stop * CELL_ROWS])
        found[begin:end] = region.order[lists.places[asked[begin:end] - start * CELL_ROWS]]

    in_chunks(_find, last - first, _AT_ONCE)
    output.array("rows", region.order[first * CELL_ROWS + asked])
    output.array("found", found)


def find_in_some(output: Output, folder: str, kind: str, k: int, budget: int, first: int, last: int) -> None:
    """Find the neighbours of some queries in cells that are no regions; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    folder : str
        That `build` left.
    kind : str
        A key of `resampler.neighbors.CELLS`.
    k : int
        Neighbours a query.
    budget : int
        Cells that a query scans.
    first, last : int
        Of the queries, which stand in the order of the cells.
    """
    of = CELLS[kind]
    cells = of.restore({name: _mapped(folder, name) for name in of.kept})
    queries = cells.queries[first:last]
    output.array("rows", cells.order[queries])
    output.array("found", cells.order[cells.search(queries, k, budget, config.NUMBA_NUM_THREADS)])

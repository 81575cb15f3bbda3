"""`PartedSearch`: neighbours that tasks of an engine find, of some queries each, in cells that are built once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config

from resampler.engines.task import Task
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.methods.table import Search
from resampler.neighbors import CELLS, in_chunks
from resampler.partitioned.index import Index, Rows, file_of, give_back, make_index, mapped
from resampler.regions import ALL, Recall, Run, budget_of, first_of, in_turn, ranks, sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.methods.table import Table

CELLS_A_TASK = 512  # 65,536 queries
_LEAST_CELLS = 16  # of a task: what is less would be divided for nothing
_MOST_TASKS = 64
_SAMPLE_A_TASK = 16
_AT_ONCE = 16  # cells that a thread takes


class PartedSearch(Search):
    """A search whose queries are divided among tasks; it finds what `Search` finds.

    Parameters
    ----------
    workplace : Workplace
        Where the rows are put for all tasks to map, and whose engine does them. Rows that are mapped from a file of
        NumPy's, whole, are left there: all workers must see it.
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
        k = self.count(k)
        arrays, path = {}, file_of(rows)
        if path is None:
            arrays["rows"] = rows
        if len(queries) < len(rows):
            arrays["asked"] = np.zeros(len(rows), dtype=np.bool_)
            arrays["asked"][queries] = True
        if table.row_ids is not None:
            arrays["ids"] = table.row_ids[among]
        if table.units is not None and table.space is None:
            arrays["inverse"] = 1.0 / table.units
        if penalty is not None:
            arrays["penalty"] = penalty
        kept = self.workplace.save(f"{stage}/rows", arrays)
        at = Rows(
            path or str(kept.folder / "rows.npy"),
            str(kept.folder),
            tuple(sorted(arrays)),
            k,
            self.method,
            self.least_recall,
        )
        index = make_index(self.workplace, stage, at, rows.shape, rows.itemsize)
        if isinstance(index, Index):
            found, tasks = self._plan(stage, index, k)
        else:
            share, interval = index.data["recall"]
            found = Recall(share, None if interval is None else (interval[0], interval[1]))
            of = {"folder": str(index.folder), "kind": index.data["kind"], "k": k, "budget": index.data["budget"]}
            tasks = _cut(f"{stage}/found", find_in_cells, of, index.data["n_queries"], CELL_ROWS)
        parts = self.workplace.run(tasks, "searching")
        self.keep(key, found.share, found.interval)
        return _joined(parts, queries, k)

    def _plan(self, stage: str, index: Index, k: int) -> tuple[Recall, list[Task]]:
        """Return how much will be found, and the tasks that find it."""
        shared: dict[str, Any] = {"index": index, "k": k}
        n_cells = index.starts[-1]
        budget, found = n_cells, ALL
        if self.least_recall is not None and self.least_recall < 1:
            asked = np.concatenate([mapped(folder, "asked") for folder in index.folders])
            sample = sample_of(asked).tolist()
            cuts = range(0, len(sample), _SAMPLE_A_TASK)
            tasks = [
                Task(f"{stage}/sample/{at:05}", rank_some, shared | {"homes": sample[at : at + cuts.step]})
                for at in cuts
            ]
            parts = self.workplace.run(tasks, "choosing how far to look")
            of_sample = [one.array(str(at)) for one in parts for at in range(one.data["n"])]
            n_homes = int(np.count_nonzero(asked))
            budget, found = budget_of(self.least_recall, of_sample, n_cells, n_homes)
        shared["budget"] = budget
        tasks = []
        for number, (start, stop) in enumerate(zip(index.starts[:-1], index.starts[1:], strict=True)):
            of = shared | {"number": number}
            tasks += _cut(f"{stage}/found/{number:05}", find_in_regions, of, stop - start, 1, start, n_cells)
        return found, tasks


def _cut(
    name: str, fn: Any, shared: dict[str, Any], n: int, unit: int, start: int = 0, of: int | None = None
) -> list[Task]:
    """Return tasks of ranges of n things, `unit` to a cell, from `start` on; their cut follows from their number."""
    step = min(CELLS_A_TASK, max(_LEAST_CELLS, (of or n) // unit // _MOST_TASKS)) * unit
    return [
        Task(f"{name}/{first:012}", fn, shared | {"first": first, "last": min(start + n, first + step)})
        for first in range(start, start + n, step)
    ]


def _joined(parts: Sequence[Result], queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Return what tasks found, in the order of the queries."""
    distinct, again = np.unique(queries, return_inverse=True)
    out = np.empty((len(distinct), k), dtype=np.int64)
    for one in parts:
        out[np.searchsorted(distinct, one.array("rows"))] = one.array("found")
    return out if np.array_equal(distinct, queries) else out[again]


def _look_everywhere(index: Index, runs: Sequence[Run], number: int) -> None:
    """Let runs of one region look in all regions, which are mapped one after another."""
    boxes, own = index.map_boxes(), index.map_region(number)
    for other in in_turn(boxes, number):
        region = own if other == number else index.map_region(other)

        def look(first: int, last: int, other: int = int(other), region: Any = region) -> None:
            for run in runs[first:last]:
                run.look_in(boxes, own, region, other)

        in_chunks(look, len(runs), 1)
        if other != number:
            give_back(region.cells)
    give_back(own.cells)


def rank_some(output: Output, index: Index, k: int, homes: list[int]) -> dict[str, int]:
    """Say how far some cells of a sample must look for each of their true neighbours; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    index : Index
        The cells.
    k : int
        Neighbours a query.
    homes : list of int
        The cells of the sample.

    Returns
    -------
    dict
        Key n, how many arrays there are.
    """
    boxes = index.map_boxes()
    of = boxes.region_of(np.array(homes))
    at = 0
    for number in np.unique(of).tolist():
        wanted, start = index.wanted(number), index.starts[number]
        runs = [
            Run.of(boxes, home, home + 1, first_of(wanted[home - start : home - start + 1]), k, boxes.n_cells)
            for home in np.array(homes)[of == number].tolist()
        ]
        _look_everywhere(index, runs, number)
        for run in runs:
            output.array(str(at), ranks(boxes, run.first, run.wanted, run.lists))
            at += 1
    return {"n": len(homes)}


def find_in_regions(output: Output, index: Index, number: int, k: int, budget: int, first: int, last: int) -> None:
    """Find the neighbours of the queries of some cells of a region; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    index : Index
        The cells.
    number : int
        Of the region.
    k : int
        Neighbours a query.
    budget : int
        Cells that each cell of queries scans.
    first, last : int
        Of the cells.
    """
    boxes, wanted, start = index.map_boxes(), index.wanted(number), index.starts[number]
    runs = [
        Run.of(boxes, a, min(last, a + _AT_ONCE), wanted[a - start : min(last, a + _AT_ONCE) - start], k, budget)
        for a in range(first, last, _AT_ONCE)
    ]
    _look_everywhere(index, runs, number)
    rows, places = (np.concatenate(one) for one in zip(*(run.found() for run in runs), strict=True))
    output.array("rows", index.positions(rows))
    output.array("found", index.positions(places))


def find_in_cells(output: Output, folder: str, kind: str, k: int, budget: int, first: int, last: int) -> None:
    """Find the neighbours of some queries in cells that are no regions; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    folder : str
        That `resampler.partitioned.index.build` left.
    kind : str
        A key of `resampler.neighbors.CELLS`.
    k : int
        Neighbours a query.
    budget : int
        Cells that a query scans.
    first, last : int
        Of the queries.
    """
    of = CELLS[kind]
    cells = of.restore({name: mapped(folder, name) for name in of.kept})
    queries = cells.queries[first:last]
    output.array("rows", cells.order[queries])
    output.array("found", cells.order[cells.search(queries, k, budget, config.NUMBA_NUM_THREADS)])

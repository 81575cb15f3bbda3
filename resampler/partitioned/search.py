"""`PartedSearch`: neighbours that tasks of an engine find, of some queries each, in cells that are built once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config

from resampler.cells import CELLS, PartialCells
from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.methods.table import Search
from resampler.notices import warn
from resampler.partitioned.index import Index, Rows, file_of, give_back
from resampler.partitioned.indexing import make_index
from resampler.regions.recall import ALL, Recall, budget_of, first_of, ranks, sample_of
from resampler.regions.search import Run, in_turn
from resampler.search_rule import is_exact
from resampler.threads import CELLS_AT_ONCE, in_chunks

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
_LEAST_BYTES = 8 << 20  # of a task that finds neighbours
_LIST_BYTES = 72  # of a neighbour: its distance, place and id, once more without what was not asked for, its position
_MANY_CELLS = 2_000  # of 128 rows: an exact search of fewer is a matter of seconds
_TIMED_CELLS = 8
_LONG_S = 60  # of a processor, from which on what an exact search takes is said before it starts
_REMEDY = "a recall below 1, such as 0.5, looks at fewer rows"


class CostWarning(UserWarning):
    """Warn that what was asked for takes long, before it is begun."""


class PartedSearch(Search):
    """A search whose queries are divided among tasks; it finds what `Search` finds.

    Parameters
    ----------
    workplace : Workplace
        Where the rows are put for all tasks to map, and whose engine does them. Rows that are mapped from a file of
        NumPy's, whole, are left there: all workers must see it.
    method : str
        As in `Search`.
    least_recall : float, optional
        As in `Search`.
    remedy : str
        What is said to do where an exact search takes long.
    """

    def __init__(
        self, workplace: Workplace, method: str = "exact", least_recall: float | None = None, *, remedy: str = _REMEDY
    ) -> None:
        super().__init__(method, least_recall=least_recall)
        self.workplace, self.remedy = workplace, remedy
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
            (len(rows), rows.shape[1]),
            rows.itemsize,
        )
        index = make_index(self.workplace, stage, at)
        if isinstance(index, Index):
            exact = self.least_recall in (None, 1)
            found, tasks = self._plan(stage, index, k)
        else:
            nulls = index.data["kind"] == PartialCells.kind
            exact = self.least_recall == 1 if self.least_recall else is_exact(self.method, *rows.shape, nulls=nulls)
            share, interval = index.data["recall"]
            found = Recall(share, None if interval is None else (interval[0], interval[1]))
            of = {"folder": str(index.folder), "kind": index.data["kind"], "k": k, "budget": index.data["budget"]}
            tasks = _cut(
                f"{stage}/found", find_in_cells, of, index.data["n_queries"], CELL_ROWS, _memory_of(k, len(rows))
            )
        parts = self.workplace.run(tasks, "searching")
        self.keep(key, found.share, found.interval, exact=exact)
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
                Task(
                    f"{stage}/sample/{at:05}", rank_some, shared | {"homes": sample[at : at + cuts.step]}, _memory_of(k)
                )
                for at in cuts
            ]
            parts = self.workplace.run(tasks, "choosing how far to look")
            of_sample = [one.array(str(at)) for one in parts for at in range(one.data["n"])]
            n_homes = int(np.count_nonzero(asked))
            budget, found = budget_of(self.least_recall, of_sample, n_cells, n_homes)
        elif n_cells >= _MANY_CELLS:
            self._announce(stage, index, k)
        shared["budget"] = budget
        tasks = []
        for number, (start, stop) in enumerate(zip(index.starts[:-1], index.starts[1:], strict=True)):
            of = shared | {"number": number}
            tasks += _cut(
                f"{stage}/found/{number:05}", find_in_regions, of, stop - start, 1, _memory_of(k), start, n_cells
            )
        return found, tasks

    def _announce(self, stage: str, index: Index, k: int) -> None:
        """Say what an exact search will cost, by what it costs for a few cells, where that is much."""
        asked = np.concatenate([mapped(folder, "asked") for folder in index.folders])
        homes = sample_of(asked)
        if not len(homes):
            return
        homes = homes[:: -(-len(homes) // _TIMED_CELLS)]
        of = {"index": index, "k": k, "homes": homes.tolist()}
        (timed,) = self.workplace.run([Task(f"{stage}/timed", time_some, of, _memory_of(k))])
        seconds = timed.data["cpu_seconds"] * float(asked.sum() / asked[homes].sum())
        if seconds >= _LONG_S:
            warn(
                f"the exact neighbours of {int(asked.sum()):,} of {len(asked) * CELL_ROWS:,} rows will take about "
                f"{seconds:,.0f} core-seconds: {self.remedy}",
                CostWarning,
            )


def _cut(
    name: str,
    fn: Any,
    shared: dict[str, Any],
    n: int,
    unit: int,
    memory: int,
    start: int = 0,
    of: int | None = None,
) -> list[Task]:
    """Return tasks of ranges of n things, `unit` to a cell, from `start` on; their cut follows from their number."""
    step = min(CELLS_A_TASK, max(_LEAST_CELLS, (of or n) // unit // _MOST_TASKS)) * unit
    return [
        Task(f"{name}/{first:012}", fn, shared | {"first": first, "last": min(start + n, first + step)}, memory)
        for first in range(start, start + n, step)
    ]


def _memory_of(k: int, n: int = 0) -> int:
    """Return the bytes that a task takes which finds neighbours, where it marks n rows."""
    return n + _LEAST_BYTES + CELLS_A_TASK * CELL_ROWS * k * _LIST_BYTES


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


def time_some(output: Output, index: Index, k: int, homes: list[int]) -> dict[str, float]:  # noqa: ARG001 - a task
    """Say how long some cells of queries take, exactly; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    index : Index
        The cells.
    k : int
        Neighbours a query.
    homes : list of int
        The queries' cells.

    Returns
    -------
    dict
        Key cpu_seconds, with kernels compiled.
    """
    boxes, taken = index.map_boxes(), 0.0
    for turn, home in enumerate([homes[0], *homes]):
        number = int(boxes.region_of(np.array([home]))[0])
        at = home - index.starts[number]
        began = time.process_time()
        run = Run.of(boxes, home, home + 1, index.wanted(number)[at : at + 1], k, boxes.n_cells)
        _look_everywhere(index, [run], number)
        taken += (time.process_time() - began) * (turn > 0)
    return {"cpu_seconds": taken}


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
    cuts = [(a, min(last, a + CELLS_AT_ONCE)) for a in range(first, last, CELLS_AT_ONCE)]
    runs = [Run.of(boxes, a, b, wanted[a - start : b - start], k, budget) for a, b in cuts]
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
        That `resampler.partitioned.indexing.build` left.
    kind : str
        A key of `resampler.cells.CELLS`.
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

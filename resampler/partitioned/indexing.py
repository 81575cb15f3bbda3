"""Cells of a search, made by tasks: one region of rows, or several where no worker is to hold all.

Several regions are cut in three steps. Tasks look at parts of the rows: what is least and greatest, whether there are
nulls, and the rows with the smallest hashes of their ids, which a tree is fitted on. Tasks write the rows of parts in
order of the tree's leaves. A task for each region gathers its rows, and sorts them into cells. Whether there are
several follows from the size of the matrix alone, so what an approximate search finds does not depend on the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config

from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.kernels.batch.cells import CELL_ROWS, UNROLLED_COLUMNS
from resampler.neighbors import prepare
from resampler.partitioned.index import Index, give_back
from resampler.regions.region import Region, build_region, join_boxes
from resampler.regions.search import lanes_of
from resampler.regions.tree import (
    Tree,
    fit_tree,
    is_share,
    leaf_of,
    leaves_of,
    lowest,
    region_rows,
    sample_rows,
    shares_of,
)
from resampler.resolution import resolve
from resampler.search_rule import is_exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.partitioned.index import Rows

PART_ROWS = 131_072  # that a task looks at, or puts in order of leaves
BY_REGIONS = "regions"
_LEAST_BYTES = 16 << 20  # of a task that sorts rows
_BESIDE = 64  # bytes of a row: ids, positions, their order, what it is sorted by


def make_index(workplace: Workplace, stage: str, rows: Rows) -> Index | Result:
    """Have rows sorted into cells.

    Parameters
    ----------
    workplace : Workplace
        Whose engine does it.
    stage : str
        What the names of tasks begin with.
    rows : Rows
        Where they are.

    Returns
    -------
    Index or Result
        A result of `build` where no regions are searched: where rows have nulls, or the approximate search of old is
        asked for, or meant by the rule that is.
    """
    n, rows_each = rows.shape[0], region_rows(rows.shape[1], rows.itemsize)
    n_leaves = leaves_of(n, rows_each)
    if n_leaves > 1 and (rows.recall is not None or is_exact(rows.method, *rows.shape, nulls=False)):
        cuts = [(first, min(n, first + PART_ROWS)) for first in range(0, n, PART_ROWS)]
        shared = {"rows": rows, "n_sample": sample_rows(n_leaves)}
        memory = _memory_of(rows, PART_ROWS, copies=4)
        looked = workplace.run(
            [Task(f"{stage}/looked/{a:012}", look, shared | {"first": a, "last": b}, memory) for a, b in cuts],
            "looking for where to cut",
        )
        if not any(one.data["nulls"] for one in looked):
            return _cut(workplace, stage, rows, cuts, looked, n_leaves, rows_each)
    task = Task(f"{stage}/cells", build, {"rows": rows}, _memory_of(rows, n, copies=1))
    (built,) = workplace.run([task], "sorting rows into cells")
    if built.data["kind"] != BY_REGIONS:
        return built
    return Index((str(built.folder),), str(built.folder), (0, built.data["n_cells"]))


def _cut(
    workplace: Workplace,
    stage: str,
    rows: Rows,
    cuts: Sequence[tuple[int, int]],
    looked: Sequence[Result],
    n_leaves: int,
    rows_each: int,
) -> Index:
    extremes = _extremes(np.concatenate([one.array("extremes") for one in looked]))
    ids = np.concatenate([one.array("ids") for one in looked])
    chosen = lowest(ids, sample_rows(n_leaves))
    sample = np.concatenate([one.array("rows") for one in looked])[chosen]
    X, inverse, penalty = resolved(rows, sample, extremes)
    tree = fit_tree(X, inverse, penalty, n_leaves)
    fitted = workplace.save(f"{stage}/tree", tree._asdict() | {"extremes": extremes})
    shared: dict[str, Any] = {"rows": rows, "tree": str(fitted.folder)}
    routed = workplace.run(
        [
            Task(
                f"{stage}/routed/{a:012}",
                route,
                shared | {"first": a, "last": b},
                _memory_of(rows, PART_ROWS, copies=2),
            )
            for a, b in cuts
        ],
        "putting rows into regions",
    )
    counts = np.diff([one.array("offsets") for one in routed], axis=1).sum(axis=0)
    shared["parts"] = [str(one.folder) for one in routed]
    built = workplace.run(
        [
            Task(
                f"{stage}/region/{at:05}",
                gather,
                shared | {"leaf": leaf, "share": share, "n_shares": n},
                _memory_of(rows, int(counts[leaf]) // n, copies=2),
            )
            for at, (leaf, share, n) in enumerate(shares_of(counts, rows_each))
        ],
        "sorting regions into cells",
    )
    built = [one for one in built if one.data["n_cells"]]
    boxes = join_boxes([(one.array("centers"), one.array("lows"), one.array("highs")) for one in built], penalty)
    kept = workplace.save(f"{stage}/boxes", boxes._asdict())
    return Index(tuple(str(one.folder) for one in built), str(kept.folder), tuple(boxes.starts.tolist()))


def _memory_of(rows: Rows, n: int, copies: int) -> int:
    """Return the bytes that a task takes which holds n rows so many times: what is mapped is not counted."""
    width = -(-rows.shape[1] // UNROLLED_COLUMNS) * UNROLLED_COLUMNS * rows.itemsize
    return _LEAST_BYTES + n * (copies * width + _BESIDE)


def resolved(rows: Rows, X: NDArray[Any], extremes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return some rows as `resampler.resolution.resolve` gives them among all.

    Parameters
    ----------
    rows : Rows
        All.
    X : ndarray of shape (n, n_features)
        Some of them.
    extremes : ndarray of shape (3, n_features)
        Greatest, least and smallest values of all.

    Returns
    -------
    X, inverse_scale, penalty : ndarray
        Of one dtype.
    """
    found, inverse, penalty = resolve(np.concatenate([X, extremes]), *rows.metric(X))
    return found[: len(X)], inverse, penalty.astype(found.dtype)


def _extremes(X: NDArray[Any]) -> NDArray[Any]:
    """Return the least and greatest value of each column, and that which is nearest to 0 and is not."""
    sizes = np.where(X == 0, np.inf, np.abs(X))
    at = sizes.argmin(axis=0)
    return np.stack([X.min(axis=0), X.max(axis=0), X[at, np.arange(X.shape[1])]])


def look(output: Output, rows: Rows, n_sample: int, first: int, last: int) -> dict[str, bool]:
    """Look at some rows; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    rows : Rows
        All of them.
    n_sample : int
        Rows that a tree is fitted on.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Key nulls, whether there are any.
    """
    X, ids = np.array(rows.matrix()[first:last]), rows.ids(first, last)
    chosen = lowest(ids, n_sample)
    output.array("rows", X[chosen])
    output.array("ids", ids[chosen])
    output.array("extremes", _extremes(X))
    return {"nulls": bool(np.isnan(X).any())}


def route(output: Output, rows: Rows, tree: str, first: int, last: int) -> None:
    """Write some rows in the order of a tree's leaves; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    rows : Rows
        All of them.
    tree : str
        Folder of the tree.
    first, last : int
        Of the rows.
    """
    of = Tree(*(mapped(tree, name) for name in Tree._fields))
    X, _, _ = resolved(rows, np.array(rows.matrix()[first:last]), mapped(tree, "extremes"))
    leaf = leaf_of(X, of)
    order = np.argsort(leaf, kind="stable")
    output.array("rows", X[order])
    output.array("positions", order + first)
    output.array("ids", rows.ids(first, last)[order])
    output.array("offsets", np.searchsorted(leaf[order], np.arange(len(of.thresholds) + 2)))


def gather(
    output: Output, rows: Rows, tree: str, parts: Sequence[str], leaf: int, share: int, n_shares: int
) -> dict[str, int]:
    """Sort the rows of a region into cells; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    rows : Rows
        All of them.
    tree : str
        Folder of the tree.
    parts : sequence of str
        Folders that `route` left.
    leaf, share, n_shares : int
        Which rows: see `resampler.regions.tree.shares_of`.

    Returns
    -------
    dict
        Key n_cells.
    """
    gathered: dict[str, list[NDArray[Any]]] = {"rows": [], "positions": [], "ids": []}
    for part in parts:
        first, last = mapped(part, "offsets")[leaf : leaf + 2]
        ids = np.array(mapped(part, "ids")[first:last])
        here = is_share(ids, share, n_shares)
        gathered["ids"].append(ids[here])
        for name in ("rows", "positions"):
            values = mapped(part, name)
            gathered[name].append(values[first:last][here])
            give_back(values)
    X, positions, ids = (np.concatenate(gathered.pop(name)) for name in ("rows", "positions", "ids"))
    if not len(X):
        return {"n_cells": 0}
    _, inverse, penalty = resolved(rows, X[:1], mapped(tree, "extremes"))
    region, *of_cells = build_region(X, positions, ids, inverse, penalty)
    _leave(output, rows, region)
    for name, values in zip(("centers", "lows", "highs"), of_cells, strict=True):
        output.array(name, values)
    return {"n_cells": len(region.cells)}


def _leave(output: Output, rows: Rows, region: Region) -> None:
    """Write a region, and which of its rows are queries."""
    asked = rows.array("asked")
    if asked is None:
        wanted = np.zeros((len(region.cells), CELL_ROWS), dtype=np.bool_)
        wanted.ravel()[: len(region.order)] = True
    else:
        wanted = lanes_of(asked, region)
    for name, values in region._asdict().items():
        output.array(name, values)
    output.array("wanted", wanted)
    output.array("asked", wanted.sum(axis=1))


def build(output: Output, rows: Rows) -> dict[str, Any]:
    """Sort all rows into cells; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    rows : Rows
        Where they are.

    Returns
    -------
    dict
        Key kind. By regions, key n_cells; else n_queries, the budget of cells a query, and the recall of a sample.
    """
    X, asked_for = rows.matrix(), rows.array("asked")
    asked = prepare(
        X,
        rows.k,
        queries=np.arange(len(X)) if asked_for is None else np.flatnonzero(asked_for),
        row_ids=rows.array("ids"),
        inverse_scale=rows.array("inverse"),
        penalty=rows.array("penalty"),
        method=rows.method,
        recall=rows.recall,
    )
    if asked.by_regions:
        at = np.arange(len(X))
        region, *of_cells = build_region(asked.X, at, asked.ids, asked.inverse_scale, asked.penalty)
        boxes = join_boxes([(of_cells[0], of_cells[1], of_cells[2])], asked.penalty)
        _leave(output, rows, region)
        for name, values in boxes._asdict().items():
            output.array(name, values)
        return {"kind": BY_REGIONS, "n_cells": boxes.n_cells}
    cells = asked.cells()
    for name, values in cells.arrays().items():
        output.array(name, values)
    budget, found = asked.budget(cells, rows.k, config.NUMBA_NUM_THREADS)
    return {"kind": cells.kind, "n_queries": len(cells.queries), "budget": budget, "recall": list(found)}

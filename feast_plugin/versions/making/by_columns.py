"""Passes over all rows of the training split that go column by column: a task has some columns, and their bits."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from feast_plugin.versions.inputs.rows import BATCH_ROWS, columns_of_rows
from feast_plugin.versions.making.grids import Known, from_names, learn_grids, named
from feast_plugin.versions.making.units import spread
from resampler.engines.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace

TASKS = 16  # at most: a column is never divided, so how many there are decides no bit
_STAGE = "learned"


def spread_by_parts(
    place: Workplace, rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract
) -> NDArray[np.float32]:
    """Fit the units of distance to the training split, by tasks.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    rows, train, contract
        As in `feast_plugin.versions.making.matrix.spread`.

    Returns
    -------
    ndarray of shape (n_features,), float32
        The same.
    """
    done = _run(place, "units", units_of_some, rows, train, contract)
    return np.concatenate([one.array("units") for one in done])


def grids_by_parts(place: Workplace, rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> Known:
    """Find the grids of the numeric columns of the training split, by tasks.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    rows, train, contract
        As in `feast_plugin.versions.making.grids.learn_grids`.

    Returns
    -------
    tuple of Grid or None
        The same.
    """
    known: dict[str, Any] = {}
    for one in _run(place, "grids", grids_of_some, rows, train, contract):
        known |= one.data["grids"]
    return from_names(known, contract)


def _run(
    place: Workplace,
    name: str,
    fn: Callable[..., dict[str, Any] | None],
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    contract: Contract,
) -> list[Result]:
    mask = place.save(f"{_STAGE}/training", {"train": train})
    size = -(-len(contract.columns) // TASKS)
    shared = {"paths": list(rows.paths), "mask": str(mask.folder / "train.npy")}
    tasks = []
    for at in range(0, len(contract.columns), size):
        some = dataclasses.replace(contract, columns=contract.columns[at : at + size])
        memory = 4 * 8 * BATCH_ROWS * max(c.width for c in some.columns)
        tasks.append(Task(f"{_STAGE}/{name}/{at:05}", fn, shared | {"contract": some}, memory=memory))
    return place.run(tasks, f"learning {name}")


def units_of_some(output: Output, paths: list[str], mask: str, contract: Contract) -> None:
    """Fit the units of some columns; a task.

    Parameters
    ----------
    output : Output
        Of the task: the array units.
    paths : list of str
        Of `CanonicalRows`.
    mask : str
        File of the training split.
    contract : Contract
        With these columns alone, measured.
    """
    rows = columns_of_rows(paths, [c.name for c in contract.columns])
    output.array("units", spread(rows, np.load(mask), contract))


def grids_of_some(output: Output, paths: list[str], mask: str, contract: Contract) -> dict[str, Any]:
    """Find the grids of some columns; a task.

    Parameters
    ----------
    output : Output
        Of the task.
    paths : list of str
        Of `CanonicalRows`.
    mask : str
        File of the training split.
    contract : Contract
        With these columns alone, measured.

    Returns
    -------
    dict
        Key grids, as `feast_plugin.versions.making.grids.named`.
    """
    del output
    rows = columns_of_rows(paths, [c.name for c in contract.columns])
    return {"grids": named(learn_grids(rows, np.load(mask), contract), contract)}

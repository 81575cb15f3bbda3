"""Saved state of a buffer: which arrays are stored, under which names, and how they are put back.

Of an exact buffer the rows are saved: neighbours follow from them. Of a graph all is saved but what can be computed,
since what a later search finds depends on how the cells came to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.buffer.insertion import insert_in_order
from resampler.errors import CorruptStateError
from resampler.kernels.buffer.cells import FREE, NO_CELL
from resampler.kernels.buffer.ring import COUNTERS, restore_blocks
from resampler.kernels.buffer.walk import ALL
from resampler.kernels.simd.lanes import LANES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.kernels.buffer.cells import Cells
    from resampler.kernels.buffer.ring import Ring

# Names in saved states where they are not the field's own: the format is older than some names.
LIST_NAMES = {"cutoff_id": "reach_id"}
CELL_NAMES = {"lane_slots": "tenants", "cutoff": "reach", "block_cutoff": "block_reach"}
# In saved order. Sketches and newcomers follow from the rows, the names behind them from other arrays; these two are
# written for the format's sake and not read.
CELL_ORDER = [
    "grain",
    "error",
    "lane_slots",
    "cutoff",
    "block_cutoff",
    "cell_of",
    "place",
    "centroids",
    "radius",
    "cell_rows",
    "weight",
    "block_of",
    "hubs",
    "group_cells",
    "group_weight",
    "home",
    "home_d2",
    "touched",
    "is_touched",
    "free_blocks",
    "free_groups",
    "counts",
]
DERIVED = ("group_weight", "is_touched")
_NO_TIMES = np.empty(0, dtype=np.int64)


def held_slots(ring: Ring) -> NDArray[np.int64]:
    """Return the slots of the rows, oldest first.

    Parameters
    ----------
    ring : Ring
        The state.

    Returns
    -------
    ndarray of shape (n_rows,), int64
        Slots.
    """
    rows = ring.graph.rows
    slots: NDArray[np.int64] = (rows.cursor["oldest"] + np.arange(rows.cursor["held"])) % len(rows.X)
    return slots


def to_arrays(ring: Ring) -> dict[str, NDArray[Any]]:
    """Save a buffer's state, but for its parameters.

    Parameters
    ----------
    ring : Ring
        The state.

    Returns
    -------
    dict of str to ndarray
        For `restore`.
    """
    rows, slots = ring.graph.rows, held_slots(ring)
    arrays = {"X": rows.X[slots], "row_ids": rows.row_ids[slots]}
    if len(rows.times):
        arrays["times"] = rows.times[slots]
    return arrays | _state(ring)


def restore(ring: Ring, arrays: dict[str, NDArray[Any]], max_age: int) -> None:
    """Put back what `to_arrays` gave.

    Parameters
    ----------
    ring : Ring
        Of an empty buffer of the same parameters.
    arrays : dict of str to ndarray
        What was saved.
    max_age : int
        As `resampler.kernels.buffer.ring.insert_all` takes it.

    Raises
    ------
    CorruptStateError
        If an array is missing, or of another shape or dtype.
    """
    for name, now in _state(ring).items():
        if name not in arrays or arrays[name].shape != now.shape or arrays[name].dtype != now.dtype:
            raise CorruptStateError(f"saved MinorityBuffer has no fitting {name}: rebuild it by replay")
    rows, lists, cells, scratch = ring.graph
    times = arrays.get("times", _NO_TIMES)
    rows.penalty[...] = arrays["penalty"]
    if ring.control["budget"] == ALL:
        ring.control["refit_rows"] = 0  # the penalty that was saved holds
        insert_in_order(ring, arrays["X"], arrays["row_ids"], times, max_age)
        _fill(ring.control, COUNTERS, arrays["effort"])
        return
    _fill(ring.control, COUNTERS, arrays["effort"])
    _fill(rows.cursor, rows.cursor.dtype.names, arrays["cursor"])
    if len(ring.needs):
        ring.needs[...] = arrays["needs"]
    for name, array in lists._asdict().items():
        array[...] = arrays["lists_" + LIST_NAMES.get(name, name)]
    for name in CELL_ORDER:
        if name == "counts":
            _fill(cells.counts, cells.counts.dtype.names, arrays["cells_counts"])
        elif name not in DERIVED:
            getattr(cells, name)[...] = arrays["cells_" + CELL_NAMES.get(name, name)]
    used = np.flatnonzero(cells.cell_of != NO_CELL)
    cells.origins[used] = cells.centroids[cells.cell_of[used] // LANES, :, cells.cell_of[used] % LANES]
    cells.cells_in_use[...] = _words(cells.cell_rows != FREE)
    cells.groups_in_use[...] = _words(cells.group_cells > 0)
    slots = held_slots(ring)
    rows.X[slots], rows.row_ids[slots] = arrays["X"], arrays["row_ids"]
    if len(rows.times):
        rows.times[slots] = times
    restore_blocks(rows, cells, scratch.query, slots)


def _state(ring: Ring) -> dict[str, NDArray[Any]]:
    """Return what is saved beside the rows."""
    rows, lists, cells, _ = ring.graph
    arrays = {"effort": _values(ring.control, COUNTERS), "penalty": rows.penalty}
    if ring.control["budget"] == ALL:
        return arrays
    if len(ring.needs):
        arrays["needs"] = ring.needs
    arrays["cursor"] = _values(rows.cursor, rows.cursor.dtype.names)
    arrays |= {"lists_" + LIST_NAMES.get(name, name): array for name, array in lists._asdict().items()}
    derived = cells._asdict() | _derived(cells) | {"counts": _values(cells.counts, cells.counts.dtype.names)}
    return arrays | {"cells_" + CELL_NAMES.get(name, name): derived[name] for name in CELL_ORDER}


def _derived(cells: Cells) -> dict[str, NDArray[Any]]:
    weight = cells.weight.reshape(-1, LANES).sum(axis=1)
    return {"group_weight": weight, "is_touched": cells.weight != np.maximum(cells.cell_rows, 0)}


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    padded = np.zeros(-(-len(bits) // LANES) * LANES, dtype=np.bool_)
    padded[: len(bits)] = bits
    return np.packbits(padded, bitorder="little").view("<u8").astype(np.uint64)


def _values(record: np.void, names: Any) -> NDArray[np.int64]:
    return np.array([record[name] for name in names], dtype=np.int64)


def _fill(record: np.void, names: Any, values: NDArray[np.int64]) -> None:
    for name, value in zip(names, values, strict=True):
        record[name] = value

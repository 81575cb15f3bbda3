"""Grids of a version: learned from the training split, kept in the manifest, and looked for in synthetic rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.matrix import column_numbers
from resampler.grids import Grid
from resampler.integers import EXACT
from resampler.tally import Tally

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows

Known = tuple[Grid | None, ...]  # one a column of the matrix


def learn_grids(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> Known:
    """Find the grids of the numeric columns of the training split.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split: rows of all classes count, so that a grid says nothing of one.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    tuple of Grid or None
        One a column of the matrix. Integers that a float64 does not hold have none: they are made in integers.

    Notes
    -----
    One pass; memory is that of a batch, and 32 KiB a column of the feature at hand.
    """
    found: list[Grid | None] = [None] * contract.width
    for c, span in contract.spans:
        if c.categorical:
            continue
        tallies = [Tally(single=c.column.dtype == "float32") for _ in range(c.width)]
        for start in range(0, len(train), BATCH_ROWS):
            part = rows.table[c.name].slice(start, BATCH_ROWS).filter(pa.array(train[start : start + BATCH_ROWS]))
            for tally, values in zip(tallies, column_numbers(part, c).T, strict=True):
                tally.add(values)
        rows.release()
        held = c.column.type.exact_in_float64
        found[span] = [t.grid if held or t.largest < EXACT else None for t in tallies]
    return tuple(found)


def of_groups(
    grids: Known, rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, group_size: int
) -> Known:
    """Widen what grids are made of, so that no bound or value is that of fewer rows than a group has.

    Parameters
    ----------
    grids : tuple of Grid or None
        From `learn_grids`.
    rows, train, contract
        As there.
    group_size : int
        Rows of a group.

    Returns
    -------
    tuple of Grid or None
        With the bounds that `group_size` training rows reach or pass, and the values that as many have; 0 as a bound
        of values of one sign stays, for it is no row's.
    """
    found = list(grids)
    for c, span in contract.spans:
        if all(grid is None for grid in grids[span]):
            continue
        numbers = column_numbers(rows.table[c.name].filter(pa.array(train)), c)
        rows.release()
        for at, grid in enumerate(grids[span], span.start):
            if grid is not None:
                values = numbers[:, at - span.start].astype(np.float64)
                found[at] = _of_groups(grid, np.sort(values[np.isfinite(values)]), group_size)
    return tuple(found)


def _of_groups(grid: Grid, ascending: NDArray[np.float64], group_size: int) -> Grid | None:
    if len(ascending) < group_size:
        return None
    if grid.values:
        held, counts = np.unique(ascending, return_counts=True)
        values = tuple(held[counts >= group_size].tolist())
        return Grid(values=values) if values else None
    low, high = (float(ascending[at]) for at in (group_size - 1, -group_size))
    least = grid.low if not grid.low else max(low, grid.low)
    most = grid.high if not grid.high else min(high, grid.high)
    if least is not None and most is not None and least > most:
        least = most = None
    return None if grid.step is least is most is None else Grid(grid.step, (), least, most, grid.single)


def named(grids: Known, contract: Contract) -> dict[str, Any]:
    """Return grids as a manifest has them.

    Parameters
    ----------
    grids : tuple of Grid or None
        One a column of the matrix.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    dict
        By feature, `Grid.to_dict`; of an array feature a list, an element each, with None for those without.
    """
    out: dict[str, Any] = {}
    for c, span in contract.spans:
        plain = [None if grid is None else grid.to_dict() for grid in grids[span]]
        if any(one is not None for one in plain):
            out[c.name] = plain if c.array else plain[0]
    return out


def from_names(known: dict[str, Any], contract: Contract) -> Known:
    """Return grids as a matrix needs them.

    Parameters
    ----------
    known : dict
        From `named`.
    contract : Contract
        Columns, measured.

    Returns
    -------
    tuple of Grid or None
        One a column of the matrix.
    """
    found: list[Grid | None] = []
    for c, _ in contract.spans:
        plain = known.get(c.name)
        each = plain if isinstance(plain, list) else [plain] * c.width
        found += [None if one is None else Grid.from_dict(one) for one in each]
    return tuple(found)


def count_off_grid(table: pa.Table, known: dict[str, Any], contract: Contract) -> Counter[str]:
    """Count the values that are not on the grids of their features.

    Parameters
    ----------
    table : pyarrow.Table
        Synthetic rows, one or more, as they are published.
    known : dict
        From `named`.
    contract : Contract
        Columns.

    Returns
    -------
    Counter
        By feature.
    """
    off: Counter[str] = Counter()
    for c in contract.columns:
        if c.name not in known:
            continue
        each = known[c.name] if c.array else [known[c.name]]
        numbers = column_numbers(table[c.name], c.measured(table[c.name]))
        for one, values in zip(each, numbers.T, strict=True):
            if one is not None:
                off[c.name] += int(np.count_nonzero(~Grid.from_dict(one).has(values)))
    return +off  # without those that have none

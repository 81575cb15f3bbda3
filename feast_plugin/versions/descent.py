"""What became of the synthetic rows between two versions, by their parents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

COLUMNS = ("base_id", "neighbor_id", "step")  # of the lineage; identities outlive a version


def compare_descent(before: pa.Table, after: pa.Table) -> dict[str, int]:
    """Match the synthetic rows of two versions.

    Parameters
    ----------
    before, after : pyarrow.Table
        `COLUMNS` of their lineages.

    Returns
    -------
    dict of str to int
        Rows `before` and `after`; `kept`, of the same parents and step; `remade`, of the same base by another draw or
        with another neighbour; `gone` and `new`, all others; `bases_gone` and `bases_new`, real rows that no synthetic
        one starts from any more, and that one starts from only now.
    """
    rows = [_rows(table) for table in (before, after)]
    kept = len(np.intersect1d(*(_numbered(found) for found in rows), assume_unique=True))
    bases, counts = zip(*(np.unique(found["base"], return_counts=True) for found in rows), strict=True)
    _, first, second = np.intersect1d(*bases, assume_unique=True, return_indices=True)
    same_base = int(np.minimum(counts[0][first], counts[1][second]).sum())
    return {
        "before": len(rows[0]),
        "after": len(rows[1]),
        "kept": kept,
        "remade": same_base - kept,
        "gone": len(rows[0]) - same_base,
        "new": len(rows[1]) - same_base,
        "bases_gone": len(bases[0]) - len(first),
        "bases_new": len(bases[1]) - len(second),
    }


def _rows(table: pa.Table) -> NDArray[np.void]:
    rows = np.empty(table.num_rows, dtype=[("base", "<i8"), ("neighbor", "<i8"), ("step", "<u4"), ("copy", "<i8")])
    rows["base"], rows["neighbor"] = (table[name].to_numpy() for name in COLUMNS[:2])
    rows["step"] = table["step"].to_numpy().astype(np.float32).view(np.uint32)
    return rows


def _numbered(rows: NDArray[np.void]) -> NDArray[np.void]:
    """Tell rows of the same parents and step apart, of which a method that copies rows makes many."""
    rows["copy"] = 0
    rows.sort(order=["base", "neighbor", "step"])
    same = np.append(False, rows[1:] == rows[:-1])
    at = np.arange(len(rows))
    rows["copy"] = at - np.maximum.accumulate(np.where(same, 0, at))
    return rows

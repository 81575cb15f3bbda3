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
    old, new = _rows(before), _rows(after)
    kept = len(np.intersect1d(_numbered(old), _numbered(new), assume_unique=True))
    old_bases, old_copies = np.unique(old["base"], return_counts=True)
    new_bases, new_copies = np.unique(new["base"], return_counts=True)
    found = np.intersect1d(old_bases, new_bases, assume_unique=True, return_indices=True)
    in_old, in_new = found[1], found[2]
    same_base = int(np.minimum(old_copies[in_old], new_copies[in_new]).sum())
    return {
        "before": len(old),
        "after": len(new),
        "kept": kept,
        "remade": same_base - kept,
        "gone": len(old) - same_base,
        "new": len(new) - same_base,
        "bases_gone": len(old_bases) - len(in_old),
        "bases_new": len(new_bases) - len(in_new),
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

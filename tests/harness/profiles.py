"""Profiles of tables, as versions and later rows have them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from resampler.profile.cells import Cells
from resampler.profile.profiler import Profiler
from resampler.profile.rows import RowCounter


def reference_of(columns, label=None, split="train"):
    """The profile of a version whose training rows these are, categories being those columns that hold text."""
    table = pa.table(dict(columns))
    cells = {n: Cells.fitted(table[n], categorical=pa.types.is_string(table[n].type)) for n in table.column_names}
    labels = pa.array(np.zeros(len(table), dtype=np.int64) if label is None else label)
    rows = table.append_column("y", labels).append_column("s", pa.array(np.zeros(len(table), dtype=bool)))
    profiler = Profiler(cells, "y", "s")
    profiler.add(split, rows)
    return profiler.profile()


def later_of(reference, columns, label=None, where="rows"):
    """Counts of later rows in the cells of a reference."""
    table = pa.table(dict(columns))
    counter = RowCounter(reference, where, label="y", synthetic="is_synthetic")
    counter.add(table if label is None else table.append_column("y", pa.array(label)))
    return counter.profile()

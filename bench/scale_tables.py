"""Tables of the shapes that `bench_scale` measures, written to Parquet a part at a time: never whole in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pathlib import Path

ROWS_AT_ONCE = 500_000  # of a file
ROW_GROUP = 131_072
LABEL, KEY, TIME = "label", "id", "at"


class Shape(NamedTuple):
    """A generated table: rows of two classes.

    Parameters
    ----------
    rows, minority : int
        All of them, and those of class 1: the same share in each file, to one row.
    numeric : int
        Columns of float32.
    levels : tuple of int
        Values of each categorical column, of text.
    clusters : int
        0 makes numeric columns independent and normal, where no search can leave out much. Else rows are of so many
        Gaussians of a quarter as many dimensions as columns, as measured data have fewer degrees than columns, and
        a category goes with the cluster half of the time.
    """

    rows: int
    minority: int
    numeric: int
    levels: tuple[int, ...] = ()
    clusters: int = 0

    def smaller(self, by: int) -> Shape:
        """Return the same shape with fewer rows."""
        return self._replace(rows=self.rows // by, minority=self.minority // by)

    @property
    def categorical(self) -> list[str]:
        return [f"c{j}" for j in range(len(self.levels))]

    def __str__(self) -> str:
        kinds = f"{self.numeric} numeric" + (f", {len(self.levels)} categorical" * bool(self.levels))
        return f"{self.rows:,} x {self.numeric + len(self.levels)} ({kinds}), minority {self.minority:,}"


def part(shape: Shape, number: int, seed: int = 0) -> pa.Table:
    """Make file `number` of a table; it follows from the seed and the number alone."""
    first, last = number * ROWS_AT_ONCE, min(shape.rows, (number + 1) * ROWS_AT_ONCE)
    n = last - first
    rng = np.random.default_rng([seed, number])
    y = np.zeros(n, dtype=np.int8)
    few = last * shape.minority // shape.rows - first * shape.minority // shape.rows
    y[rng.permutation(n)[:few]] = 1
    d = shape.numeric
    columns: dict[str, pa.Array] = {KEY: pa.array(np.arange(first, last))}
    which = np.zeros(n, dtype=np.int64)
    if shape.clusters:
        fixed = np.random.default_rng(seed + 1)
        centers = fixed.normal(size=(shape.clusters, d)) * 4
        axes = fixed.normal(size=(shape.clusters, max(2, d // 4), d))
        which = rng.integers(0, shape.clusters, n)
        X = 0.1 * rng.standard_normal((n, d), dtype=np.float32)
        for cluster in range(shape.clusters):
            of = np.flatnonzero(which == cluster)
            X[of] += centers[cluster] + rng.normal(size=(len(of), axes.shape[1])) @ axes[cluster]
    else:
        X = rng.standard_normal((n, d), dtype=np.float32)
    X += np.float32(0.3) * y[:, None]
    for j in range(d):
        columns[f"x{j}"] = pa.array(np.ascontiguousarray(X[:, j]))
    for j, levels in enumerate(shape.levels):
        codes = np.where(rng.random(n) < 0.5, which * 7919 % levels, (rng.pareto(1.0, n) * 3).astype(np.int64) % levels)
        names = pa.array([f"v{level}" for level in range(levels)])
        columns[f"c{j}"] = names.take(pa.array(codes))
    columns[LABEL] = pa.array(y)
    return pa.table(columns)


def write(shape: Shape, folder: Path, seed: int = 0, row_group: int = ROW_GROUP) -> Path:
    """Write a table, unless it is there."""
    if not folder.exists():
        near = folder.with_name(folder.name + ".new")
        near.mkdir(parents=True)
        for number in range(-(-shape.rows // ROWS_AT_ONCE)):
            pq.write_table(part(shape, number, seed), near / f"{number:04}.parquet", row_group_size=row_group)
        near.rename(folder)
    return folder


def write_timed(shape: Shape, file: Path, seed: int = 0) -> None:
    """Write a table to one file, with a time a row."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(file, _timed(part(shape, 0, seed)).schema) as writer:
        for number in range(-(-shape.rows // ROWS_AT_ONCE)):
            writer.write_table(_timed(part(shape, number, seed)), row_group_size=ROW_GROUP)


def _timed(table: pa.Table) -> pa.Table:
    seconds = table[KEY].combine_chunks().to_numpy() + 1_700_000_000
    return table.append_column(TIME, pa.array(seconds * 1_000_000, pa.timestamp("us", "UTC")))


def scattered(shape: Shape, folder: Path, files: int, row_group: int, seed: int = 0) -> Path:
    """Write a small table's rows in another order, to so many files."""
    parts = [part(shape, number, seed) for number in range(-(-shape.rows // ROWS_AT_ONCE))]
    table = pa.concat_tables(parts)
    table = table.take(pa.array(np.random.default_rng(files).permutation(len(table))))
    folder.mkdir()
    step = -(-len(table) // files)
    for at in range(files):
        pq.write_table(table.slice(at * step, step), folder / f"{at:04}.parquet", row_group_size=row_group)
    return folder


def in_memory(shape: Shape, seed: int = 0) -> tuple[pa.Table, np.ndarray]:
    """Return features and classes of a small table."""
    table = pa.concat_tables([part(shape, number, seed) for number in range(-(-shape.rows // ROWS_AT_ONCE))])
    return table.drop_columns([KEY, LABEL]), table[LABEL].to_numpy()

"""Synthetic rows as parts of Parquet, each made by a task from where its rows came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.identity import hash_rows
from resampler.methods.kept import from_arrays, to_arrays
from resampler.methods.place import build, build_integers
from resampler.parquet import open_writer
from resampler.partitioned.extract import plain_type
from resampler.partitioned.matrix import wide_name
from resampler.partitioned.parts import COMPRESSION, written_schema
from resampler.partitioned.sizes import BATCH_BYTES, BATCH_ROWS, MAKING, WRITTEN_BYTES, held_bytes, rows_at_once

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace
    from resampler.methods.provenance import Provenance
    from resampler.partitioned.extract import Canonical
    from resampler.partitioned.layout import Layout

PART_ROWS = 262_144  # of each file of synthetic rows


@dataclass(frozen=True)
class Making:
    """What tasks make synthetic rows from.

    Parameters
    ----------
    canonical : Canonical
        The real rows.
    layout : Layout
        Their columns.
    labels : tuple
        All classes, in order.
    vocabularies : dict of str to pyarrow.Array
        Values of categorical columns, in order.
    matrix : Path or None
        Folder of the matrix; None where rows are taken again as they are.
    nothing : Provenance
        Of no rows: place, grids and relations.
    seed : int
        That draws are keyed on.
    mark : str
        Column that says which rows are synthetic.
    width : int
        Bytes of a row's features in memory.
    """

    canonical: Canonical
    layout: Layout
    labels: tuple[Any, ...]
    vocabularies: Mapping[str, pa.Array]
    matrix: Path | None
    nothing: Provenance
    seed: int
    mark: str
    width: int

    @property
    def at_once(self) -> int:
        """How many rows are made at once."""
        return _at_once(self.layout, self.width)

    @property
    def schema(self) -> pa.Schema:
        """Of all parts, real rows' and synthetic ones'."""
        return written_schema(self.layout, self.mark)

    def rows(self, made: Provenance) -> tuple[dict[str, pa.Array], NDArray[Any] | None]:
        """Make rows.

        Parameters
        ----------
        made : Provenance
            Where they come from.

        Returns
        -------
        columns : dict of str to pyarrow.Array
            Features, by name.
        matrix : ndarray of shape (n_rows, n_numeric), or None
            Their numbers, not rounded.
        """
        layout = self.layout
        if self.matrix is None:
            table = self.canonical.take(made.base, layout.features)
            return {name: table[name] for name in layout.features}, None
        near = np.unique(np.concatenate([made.base, made.neighbor, made.donor.ravel()]))
        real = mapped(self.matrix, "matrix")[near]
        base, neighbor, donor = (np.searchsorted(near, of) for of in (made.base, made.neighbor, made.donor))
        local = made._replace(base=base, neighbor=neighbor, donor=donor)
        numeric = layout.at_numeric
        numbers = np.ascontiguousarray(real[:, numeric])
        rows = build(numbers, local, columns=numeric)
        wide = {
            name: build_integers(mapped(self.matrix, wide_name(name))[near], local, numbers[:, at], rows[:, at])
            for at, name in enumerate(layout.numeric)
            if name in layout.least
        }
        codes = np.empty((len(base), len(made.categorical_features)))
        for at, j in enumerate(made.categorical_features):
            codes[:, at] = real[donor[:, at], j]
        nulls = self.canonical.take(made.sources, layout.nan) if layout.nan else None
        return layout.decode(rows, codes, self.vocabularies, wide, nulls), rows

    def table(self, made: Provenance, features: Mapping[str, pa.Array]) -> pa.Table:
        """Return rows as they are written.

        Parameters
        ----------
        made : Provenance
            Of the rows.
        features : mapping of str to pyarrow.Array
            From `rows`.

        Returns
        -------
        pyarrow.Table
            What is no feature is null.
        """
        layout, n = self.layout, len(made.base)
        columns: dict[str, Any] = dict(features)
        kind = layout.schema.field(layout.label).type
        labels = pa.array(list(self.labels), plain_type(layout)).take(pa.array(made.label.astype(np.int64)))
        if pa.types.is_dictionary(kind):
            labels = labels.dictionary_encode()
        columns[layout.label] = labels.cast(kind)
        columns[self.mark] = pa.array(np.ones(n, dtype=np.bool_))
        found = [columns.get(field.name) for field in self.schema]
        return pa.table(
            [pa.nulls(n, field.type) if one is None else one for one, field in zip(found, self.schema, strict=True)],
            schema=self.schema,
        )


def synthetic_tasks(
    workplace: Workplace, stage: str, made: Provenance, making: Making, *, numbers: bool = False
) -> list[Task]:
    """Return the tasks that write synthetic rows.

    Parameters
    ----------
    workplace : Workplace
        Where their provenance is put for them to map.
    stage : str
        What its tasks are called.
    made : Provenance
        Of all of them.
    making : Making
        What they are made from.
    numbers : bool
        Leave them as a matrix, too, in place of the parts.

    Returns
    -------
    list of Task
        A part each, which leaves the files ``part.parquet`` and ``provenance.parquet``, and their ``digest``; or the
        array matrix.
    """
    kept = workplace.save(f"{stage}/provenance", to_arrays(made))
    memory = synthetic_bytes(making.layout, len(made.base), making.width)
    shared = {"making": making, "provenance": str(kept.folder), "numbers": numbers}
    n = len(made.base)
    return [
        Task(f"{stage}/{at:05}", build_some, shared | {"first": first, "last": min(first + PART_ROWS, n)}, memory)
        for at, first in enumerate(range(0, n, PART_ROWS))
    ]


def synthetic_bytes(layout: Layout, n_rows: int, width: int) -> int:
    """Say what a task takes that makes rows.

    Parameters
    ----------
    layout : Layout
        Their columns.
    n_rows : int
        That are made.
    width : int
        Bytes of a row's features in memory.

    Returns
    -------
    int
        Bytes, for `Task.memory`.
    """
    held, of_row = min(n_rows, _at_once(layout, width)), 8 * len(layout.features)
    parents = 2 + len(layout.categorical)  # and donors; of which each may be another row
    columns = (1 + len(layout.features)) * WRITTEN_BYTES
    return columns + held_bytes(held, max(width, of_row), MAKING) + held_bytes(held, of_row, parents)


def _at_once(layout: Layout, width: int) -> int:
    return rows_at_once(max(width, 8 * len(layout.features)), BATCH_BYTES, BATCH_ROWS)


def build_some(output: Output, making: Making, provenance: str, numbers: bool, first: int, last: int) -> dict[str, Any]:
    """Make some synthetic rows; a task.

    Parameters
    ----------
    output : Output
        Gets the files that `synthetic_tasks` names.
    making, numbers
        As there.
    provenance : str
        Folder with the arrays of all rows' provenance.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Keys rows and digest, the sum of the hashes of the rows.
    """
    names = [name.name[:-4] for name in _arrays(provenance)]
    arrays = {name: mapped(provenance, name) for name in names}
    of_all = from_arrays(arrays, making.nothing, making.seed)
    if numbers:
        layout = making.layout
        left = output.begun("matrix", np.dtype(layout.dtype), (last - first, len(layout.features)))
        for at in range(first, last, making.at_once):
            made = of_all.take(slice(at, min(at + making.at_once, last)))
            left[at - first :][: len(made.base)] = _numbers(making, made)
        return {"rows": last - first}
    digest = 0
    ids, rows_schema = making.canonical.array("ids"), making.schema
    of_parents = _provenance_schema(len(making.nothing.categorical_features), of_all.draws is not None)
    with (
        open_writer(output.path("part.parquet"), rows_schema, compression=COMPRESSION) as rows,
        open_writer(output.path("provenance.parquet"), of_parents, compression=COMPRESSION) as parents,
    ):
        for at in range(first, last, making.at_once):
            made = of_all.take(slice(at, min(at + making.at_once, last)))
            features, _ = making.rows(made)
            table = making.table(made, features)
            digest += int(hash_rows(table, rows_schema.names).sum(dtype=np.uint64))
            rows.write_table(table)
            parents.write_table(_parents(made, ids, of_parents))
    return {"rows": last - first, "digest": f"{digest % 2**64:016x}"}


def _numbers(making: Making, made: Provenance) -> NDArray[Any]:
    """Return rows as cleaning measures them: as the estimators have it, rounded where all columns are."""
    features, rows = making.rows(made)
    if making.layout.whole or rows is None:
        return making.layout.encode(pa.table(features), making.vocabularies)
    return rows


def _arrays(folder: str) -> list[Path]:
    from pathlib import Path

    return sorted(Path(folder).glob("*.npy"))


def _provenance_schema(n_categorical: int, draws: bool) -> pa.Schema:
    fields = [("base", pa.int64()), ("neighbor", pa.int64()), ("step", pa.float32())]
    fields += [("copy", pa.int64())] if draws else []
    fields += [("donors", pa.list_(pa.int64()))] if n_categorical else []
    return pa.schema(fields)


def _parents(made: Provenance, ids: NDArray[np.int64], schema: pa.Schema) -> pa.Table:
    """Return where rows came from, by identities."""
    columns: dict[str, Any] = {"base": ids[made.base], "neighbor": ids[made.neighbor], "step": made.step}
    if made.draws is not None:
        columns["copy"] = made.draws.number
    if "donors" in schema.names:
        n, width = made.donor.shape
        ends = pa.array(np.arange(n + 1, dtype=np.int32) * width)
        columns["donors"] = pa.ListArray.from_arrays(ends, pa.array(ids[made.donor].ravel()))
    return pa.table(columns, schema=schema)

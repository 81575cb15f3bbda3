"""Rows as one matrix that tasks map: ranges of it are made by tasks, and then put end to end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.estimate import task_bytes
from feast_plugin.versions.making.matrix import Codes, encode, origin_of, whole_numbers, wide_columns
from feast_plugin.versions.making.nulls import may_be_parents
from resampler.encoding import sorted_values
from resampler.engines.arrays import join_arrays, mapped
from resampler.engines.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract, StoredFeature
    from feast_plugin.versions.making.mapped import Mapped
    from resampler.engines.task import Output, Result
    from resampler.engines.workplace import Workplace
    from resampler.methods.parameters import Missing

VALUES = "values"  # of a categorical column, in a file of its own


class Encoded(NamedTuple):
    """A matrix of the rows that may be parents.

    Parameters
    ----------
    folder : Path
        With the arrays ``matrix`` and, of each column of integers that a float64 does not hold, ``wide-J``.
    parental : ndarray of shape (n_rows,), bool
        Which of all rows these are.
    codes : Codes
        What its numbers mean.
    wide : tuple of (StoredFeature, slice)
        See `feast_plugin.versions.making.matrix.wide_columns`.
    """

    folder: Path
    parental: NDArray[np.bool_]
    codes: Codes
    wide: tuple[tuple[StoredFeature, slice], ...]

    @property
    def matrix(self) -> NDArray[Any]:
        """The matrix, mapped."""
        return mapped(self.folder, "matrix")


def encode_by_parts(
    place: Workplace, stage: str, sources: Sequence[Mapped], contract: Contract, missing: Missing
) -> Encoded:
    """Make the matrix of rows.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    stage : str
        What its tasks are called.
    sources : sequence of Mapped
        The rows: those of one after those of the other.
    contract : Contract
        Their columns, measured.
    missing : {"inherit", "complete", "refuse"}
        Which rows may be parents.

    Returns
    -------
    Encoded
        As `feast_plugin.versions.making.matrix.encode` of all rows gives it.
    """
    ranges = [
        (source, first, min(first + BATCH_ROWS, source.n_rows))
        for source in sources
        for first in range(0, source.n_rows, BATCH_ROWS)
    ]
    shared: dict[str, Any] = {"contract": contract}
    names = pa.schema([(c.name, c.arrow_type) for c in contract.columns])
    most = max((last - first for _, first, last in ranges), default=0)
    memory = task_bytes(names, most) + 2 * most * contract.width * 8
    args = [{"source": source, "first": first, "last": last} for source, first, last in ranges]
    codes, wide = Codes({}, {}), list["tuple[StoredFeature, slice]"]()
    if any(c.categorical or not c.column.type.exact_in_float64 for c in contract.columns):
        seen = place.run(
            [Task(f"{stage}/seen/{at:06}", see, shared | one, memory) for at, one in enumerate(args)],
            "looking at values",
        )
        codes, wide = _joined(seen, contract)
    shared |= {"codes": codes, "wide": [(c.name, span.start) for c, span in wide], "missing": missing}
    made = place.run(
        [Task(f"{stage}/rows/{at:06}", encode_some, shared | one, memory) for at, one in enumerate(args)],
        "making the matrix",
    )
    arrays = ["matrix", "parental", *(f"wide-{j}" for _, span in wide for j in range(span.start, span.stop))]
    joining = {"folders": [str(one.folder) for one in made], "names": arrays}
    (whole,) = place.run([Task(f"{stage}/whole", join_arrays, joining)])
    return Encoded(whole.folder, np.array(whole.array("parental")), codes, tuple(wide))


def _joined(seen: Sequence[Result], contract: Contract) -> tuple[Codes, list[tuple[StoredFeature, slice]]]:
    """Put together what tasks saw."""
    vocabularies, origins, wide = {}, {}, []
    for at, (c, span) in enumerate(contract.spans):
        if c.categorical:
            parts = [_read_values(one.folder / f"{VALUES}-{at}.arrow") for one in seen]
            vocabularies[c.name] = sorted_values(pa.chunked_array(parts))
        elif not c.column.type.exact_in_float64:
            found = [one.data["origins"][c.name] for one in seen if one.data["origins"][c.name] is not None]
            if found and found[0]:
                origins[c.name] = int(found[0])
            if any(c.name in one.data["wide"] for one in seen):
                wide.append((c, span))
    return Codes(vocabularies, origins), wide


def see(output: Output, contract: Contract, source: Mapped, first: int, last: int) -> dict[str, Any]:
    """See what values some rows have; a task.

    Parameters
    ----------
    output : Output
        Gets a file for each categorical column.
    contract, source
        As in `encode_by_parts`.
    first, last : int
        Of the rows.

    Returns
    -------
    dict
        Keys origins, of columns of integers that a float64 may not hold, and wide, of these those that it does not.
    """
    table = source.slice(first, last, [c.name for c in contract.columns])
    origins = {}
    for at, c in enumerate(contract.columns):
        if c.categorical:
            values = pa.table({VALUES: sorted_values(table[c.name])})
            with (
                pa.OSFile(str(output.path(f"{VALUES}-{at}.arrow")), "wb") as sink,
                pa.ipc.new_file(sink, values.schema) as writer,
            ):
                writer.write_table(values)
        elif not c.column.type.exact_in_float64:
            origins[c.name] = origin_of(table[c.name], c)
    return {"origins": origins, "wide": [c.name for c, _ in wide_columns(table, contract)]}


def _read_values(path: Path) -> pa.Array:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()[VALUES].combine_chunks()


def encode_some(
    output: Output,
    contract: Contract,
    source: Mapped,
    first: int,
    last: int,
    codes: Codes,
    wide: list[tuple[str, int]],
    missing: Missing,
) -> None:
    """Make some rows of the matrix; a task.

    Parameters
    ----------
    output : Output
        Gets the arrays of `Encoded`, and parental.
    contract, source, first, last
        As in `see`.
    codes : Codes
        What numbers mean.
    wide : list of (str, int)
        Columns of wide integers, and where their numbers begin.
    missing : str
        Which rows may be parents.
    """
    table = source.slice(first, last, [c.name for c in contract.columns])
    matrix, _ = encode(table, contract, codes)
    parental = may_be_parents(matrix, missing)
    output.array("parental", parental)
    output.array("matrix", matrix if parental.all() else matrix[parental])
    of = {c.name: c for c in contract.columns}
    for name, start in wide:
        numbers = whole_numbers(table[name].combine_chunks(), of[name])[parental]
        for at in range(numbers.shape[1]):
            output.array(f"wide-{start + at}", np.ascontiguousarray(numbers[:, at]))

"""The files of a version, and how rows get into them: all in one pass or, where parts are kept, a pass a file."""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from feast_plugin.versions.files.parquet import ParquetFile
from feast_plugin.versions.files.parts import Filed
from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE
from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.estimate import check_writing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.files.parts import Parts
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.storage import Location


class Output(NamedTuple):
    """One file of a version that is to be written.

    Parameters
    ----------
    path : str
        Relative to the version's directory.
    schema : pyarrow.Schema
        Its columns.
    of : ndarray of shape (n_rows,), optional
        Which real rows it has: those where this is `code`; None for none.
    code : int
        See `of`.
    published : bool
        Whether its columns are those of a published split, or as they were read.
    last : callable, optional
        Gives the rows behind them.
    watch : callable, optional
        Is given each row group, as a reader of the file meets it.
    """

    path: str
    schema: pa.Schema
    of: NDArray[Any] | None = None
    code: int = 1
    published: bool = True
    last: Callable[[], pa.Table] | None = None
    watch: Callable[[pa.Table], None] | None = None


def write_outputs(
    outputs: Sequence[Output],
    rows: CanonicalRows,
    contract: Contract,
    schema: pa.Schema,
    directory: Location,
    parts: Parts,
) -> dict[str, Filed]:
    """Write the files of a version, but for those that an earlier run has finished.

    Parameters
    ----------
    outputs : sequence of Output
        The files.
    rows : CanonicalRows
        Real rows.
    contract : Contract
        Their columns.
    schema : pyarrow.Schema
        Of a published split.
    directory : Location
        Where to.
    parts : Parts
        Takes each file as it is finished, or has it.

    Returns
    -------
    dict of str to Filed
        By path.
    """
    if not parts.keeps:
        check_writing(parts.meter, schema, rows.table.num_rows, len(outputs))
        return _write(outputs, rows, contract, schema, directory)
    found = {}
    for one in outputs:
        filed = parts.filed(one.path)
        if filed is None:
            check_writing(parts.meter, schema, rows.table.num_rows, 1)
            alone = functools.partial(_write, [one], rows, contract, schema, directory)
            filed = parts.file(one.path, alone)
        elif one.watch is not None:
            _watch_again(directory / one.path, one.watch)
        found[one.path] = filed
    return found


def _write(
    outputs: Sequence[Output], rows: CanonicalRows, contract: Contract, schema: pa.Schema, directory: Location
) -> dict[str, Filed]:
    with contextlib.ExitStack() as stack:
        files = {
            one.path: stack.enter_context(ParquetFile(directory, one.path, one.schema, one.watch)) for one in outputs
        }
        if any(one.of is not None for one in outputs):
            n_batches = -(-rows.table.num_rows // BATCH_ROWS)
            for start, real in tqdm(rows.batches(), total=n_batches, desc="writing", unit="batch", disable=None):
                _write_batch(outputs, files, start, real, published_rows(real, contract, schema))
        for one in outputs:
            if one.last is not None:
                files[one.path].write(one.last())
    return {path: Filed(file.stored, file.content.hexdigest()) for path, file in files.items()}


def _write_batch(
    outputs: Sequence[Output], files: dict[str, ParquetFile], start: int, real: pa.Table, batch: pa.Table
) -> None:
    filtered: dict[tuple[int, int, bool], pa.Table] = {}  # two files may have the same rows
    for one in outputs:
        if one.of is None:
            continue
        key = id(one.of), one.code, one.published
        if key not in filtered:
            chosen = pa.array(one.of[start : start + BATCH_ROWS] == one.code)
            filtered[key] = (batch if one.published else real.select(one.schema.names)).filter(chosen)
        files[one.path].write(filtered[key])


def _watch_again(file: Location, watch: Callable[[pa.Table], None]) -> None:
    """Show the row groups of a file as when it was written."""
    with file.filesystem.open_input_file(file.path) as source:
        stored = pq.ParquetFile(source)
        for group in range(stored.num_row_groups):
            watch(stored.read_row_group(group))


def published_rows(table: pa.Table, contract: Contract, schema: pa.Schema) -> pa.Table:
    """Give real rows the columns of a published split.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of the canonical table.
    contract : Contract
        Its columns.
    schema : pyarrow.Schema
        Of the split.

    Returns
    -------
    pyarrow.Table
        The same rows, marked real.
    """
    columns = {name: table[name] for name in (*contract.join_keys, *(c.name for c in contract.columns))}
    columns |= {name: table[name] for name in contract.keys}
    columns[contract.published_label] = table[contract.label]
    columns[contract.published_synthetic] = pa.array(np.zeros(table.num_rows, dtype=np.bool_))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def inputs_schema(contract: Contract) -> pa.Schema:
    """Return the columns of the file of inputs that are not published.

    Parameters
    ----------
    contract : Contract
        Names them.

    Returns
    -------
    pyarrow.Schema
        Keys of a row, then the inputs.
    """
    keys = [(name, TIMESTAMP_TYPE if name == TIMESTAMP else contract.join_keys[name]) for name in contract.keys]
    return pa.schema([*keys, *((c.name, c.arrow_type) for c in contract.inputs)])

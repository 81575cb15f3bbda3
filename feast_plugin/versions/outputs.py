"""The files of a version, and how rows get into them: all in one pass or, where parts are kept, a pass a file."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from tqdm import tqdm

from feast_plugin.versions.files.parquet import ParquetFiles
from feast_plugin.versions.files.parts import Filed
from feast_plugin.versions.files.reading import groups_of
from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE
from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.estimate import check_writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.files.parts import Parts
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.storage import Location

    ByTasks = Callable[[Sequence["Output"]], Mapping[str, Callable[[Location], Filed]]]


KEPT = "kept.parquet"  # beside the splits, so that who reads a directory reads no row twice
CLEANED = "left-out.parquet"
INPUTS = "inputs.parquet"  # of on-demand features, where they are no columns of the version
PART_ROWS = 32 * BATCH_ROWS  # of a split in one file: enough to be read well, and what a task writes


class Output(NamedTuple):
    """A file of a version that is to be written, or the files of a split.

    Parameters
    ----------
    paths : tuple of str
        Relative to the version's directory: one, or as many as the rows of a split fill.
    schema : pyarrow.Schema
        Its columns.
    of : ndarray of shape (n_rows,), optional
        Which real rows it has: those where this is `code`; None for none.
    code : int
        See `of`.
    published : bool
        Whether its columns are those of a published split, or as they were read.
    last : callable, optional
        Gives the rows behind them, some at a time; they are in this process.
    synthetic : int
        How many synthetic rows stand behind them.
    watch : callable, optional
        Is given each row group, as a reader of the files meets it.
    rows : int
        Of a file; the last has what is left.
    """

    paths: tuple[str, ...]
    schema: pa.Schema
    of: NDArray[Any] | None = None
    code: int = 1
    published: bool = True
    last: Callable[[], Iterable[pa.Table]] | None = None
    synthetic: int = 0
    watch: Callable[[pa.Table], None] | None = None
    rows: int = sys.maxsize


def write_outputs(
    outputs: Sequence[Output],
    rows: CanonicalRows,
    contract: Contract,
    schema: pa.Schema,
    directory: Location,
    parts: Parts,
    synthetic: pa.Table | None,
    by_tasks: ByTasks | None = None,
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
    synthetic : pyarrow.Table or None
        Synthetic rows as they are published; None where tasks have them.
    by_tasks : callable, optional
        Has tasks write files, and says for each path what puts it where the version has it; by default this process
        writes them.

    Returns
    -------
    dict of str to Filed
        By path.
    """
    if not parts.keeps:
        check_writing(parts.meter, schema, rows.table.num_rows, len(outputs))
        return _write(outputs, rows, contract, schema, directory, synthetic)
    left = by_tasks([one for one in outputs if one.last is None and parts.filed(one.paths) is None]) if by_tasks else {}
    found: dict[str, Filed] = {}
    for one in outputs:
        filed = parts.filed(one.paths)
        if filed is None:
            check_writing(parts.meter, schema, rows.table.num_rows, 1)
            if one.paths[0] in left:
                filed = parts.file(one.paths, functools.partial(_put, one.paths, left, directory))
            else:
                alone = functools.partial(_write, [one], rows, contract, schema, directory, synthetic)
                filed = parts.file(one.paths, alone)
                found |= {file.stored.path: file for file in filed}
                continue  # it was watched as it was written
        if one.watch is not None:
            for group in groups_of(directory, [file.stored for file in filed]):
                one.watch(group)
        found |= {file.stored.path: file for file in filed}
    return found


def _put(
    paths: Sequence[str], left: Mapping[str, Callable[[Location], Filed]], directory: Location
) -> dict[str, Filed]:
    return {path: left[path](directory) for path in paths}


def _write(
    outputs: Sequence[Output],
    rows: CanonicalRows,
    contract: Contract,
    schema: pa.Schema,
    directory: Location,
    synthetic: pa.Table | None,
) -> dict[str, Filed]:
    with contextlib.ExitStack() as stack:
        files = {
            one.paths: stack.enter_context(ParquetFiles(directory, one.paths, one.rows, one.schema, one.watch))
            for one in outputs
        }
        if any(one.of is not None for one in outputs):
            n_batches = -(-rows.table.num_rows // BATCH_ROWS)
            for start, real in tqdm(rows.batches(), total=n_batches, desc="writing", unit="batch", disable=None):
                _write_batch(outputs, files, start, real, published_rows(real, contract, schema))
        for one in outputs:
            if one.last is not None:
                for table in one.last():
                    files[one.paths].write(table)
            if one.synthetic and synthetic is not None:
                files[one.paths].write(synthetic.slice(0, one.synthetic))
    written = [file for several in files.values() for file in several.files]
    return {file.stored.path: Filed(file.stored, file.content.hexdigest()) for file in written}


def _write_batch(
    outputs: Sequence[Output],
    files: dict[tuple[str, ...], ParquetFiles],
    start: int,
    real: pa.Table,
    batch: pa.Table,
) -> None:
    filtered: dict[tuple[int, int, bool], pa.Table] = {}  # two files may have the same rows
    for one in outputs:
        if one.of is None:
            continue
        key = id(one.of), one.code, one.published
        if key not in filtered:
            chosen = pa.array(one.of[start : start + BATCH_ROWS] == one.code)
            filtered[key] = (batch if one.published else real.select(one.schema.names)).filter(chosen)
        files[one.paths].write(filtered[key])


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

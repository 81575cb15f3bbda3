"""Read the real rows of a version back from its own files, as the retrieval once gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feast_plugin.versions.files.reading import batches_of, read_files
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.rows import canonical_rows
from feast_plugin.versions.inputs.split import SPLITS, TRAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.storage import Location

SPLIT_COLUMN = "resampler.split"  # beside the published columns while they pass through; a dot stands in no feature


def stored_keys(manifest: Manifest, directory: Location) -> Iterator[pa.Table]:
    """Read the join keys of a version's real rows, wherever it keeps any.

    Parameters
    ----------
    manifest : Manifest
        Of the version; the files that it stores are intact.
    directory : Location
        Of its files.

    Yields
    ------
    pyarrow.Table
        Those of one file, the rows that cleaning took out included.
    """
    mark = manifest.columns["synthetic"]
    names = [key["name"] for key in manifest.columns["join_keys"]]
    for _, file in real_files(manifest):
        table = read_files(directory, [file], [*names, mark])
        yield table.filter(pc.invert(table[mark])).select(names)


def real_files(manifest: Manifest) -> list[tuple[str, StoredFile]]:
    """Name the files that hold real rows.

    Parameters
    ----------
    manifest : Manifest
        Of a version.

    Returns
    -------
    list of tuple
        The split that the rows are of, and the file.
    """
    files = [(split, file) for split in manifest.splits for file in manifest.stored_as(split)]
    if manifest.left_out is not None:  # cleaning takes them out again
        files.append((SPLITS[TRAIN], manifest.left_out))
    return files


def _with_inputs(table: pa.Table, contract: Contract, file: Location, forgotten: Tombstones | None) -> pa.Table:
    """Put what is kept apart beside the training rows: it is in canonical order, they are file by file."""
    with file.filesystem.open_input_file(file.path) as source:
        hidden = pq.read_table(source)
    stays = None if forgotten is None else forgotten.stays(hidden)
    hidden = hidden if stays is None else hidden.filter(stays)
    order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in contract.keys]).to_numpy()
    training = table[SPLIT_COLUMN].to_numpy()[order] == TRAIN
    place = np.zeros(table.num_rows, dtype=np.int64)
    place[order[training]] = np.arange(hidden.num_rows)
    without = np.ones(table.num_rows, dtype=np.bool_)
    without[order[training]] = False
    at = pa.array(place, mask=without)
    for c in contract.inputs:
        table = table.append_column(c.name, hidden[c.name].take(at))
    return table


def stored_rows(
    manifest: Manifest, directory: Location, spool: Path, *, forgotten: Tombstones | None = None
) -> tuple[Contract, CanonicalRows, NDArray[np.uint8]]:
    """Read a version's real rows.

    Parameters
    ----------
    manifest : Manifest
        Of the version; the files that it stores are intact.
    directory : Location
        Of its files.
    spool : Path
        A local directory with room for the rows once.
    forgotten : Tombstones, optional
        Leave out the rows of every entity that was forgotten, whoever asked for it and when.

    Returns
    -------
    contract : Contract
        Of the files.
    rows : CanonicalRows
        In canonical order.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row, as a position in `SPLITS`.
    """
    contract = Contract.from_dict(manifest.columns)
    parts: list[pa.Table] = []
    for split, file in real_files(manifest):
        for batch in batches_of(directory, [file]):
            keep = pc.invert(batch.column(contract.published_synthetic))
            real = pa.table(batch.filter(keep)).drop_columns(contract.published_synthetic)
            stays = None if forgotten is None else forgotten.stays(real)
            real = real if stays is None else real.filter(stays)
            code = pa.array(np.full(real.num_rows, SPLITS.index(split), dtype=np.uint8))
            parts.append(real.append_column(SPLIT_COLUMN, code))
    table = pa.concat_tables(parts)
    if manifest.hidden is not None:
        table = _with_inputs(table, contract, directory / manifest.hidden.path, forgotten)
    rows = canonical_rows(table, contract, spool)
    return contract, rows, rows.table[SPLIT_COLUMN].to_numpy()

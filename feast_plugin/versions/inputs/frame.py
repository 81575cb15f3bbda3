"""The entity frame: the rows that a version is about, as a table or the file of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv

from feast_plugin.versions.inputs.parquet import SUFFIX, ParquetFiles, files_of
from feast_plugin.versions.inputs.request import frame_file, is_directory
from resampler.errors import DataError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


@dataclass(frozen=True)
class EntityFrame:
    """An entity frame, not yet read.

    Parameters
    ----------
    columns : list of str or None
        In order; None for a span of time, whose rows are those of the label's view.
    notes : dict
        What a manifest notes of it, as keywords of `feast_plugin.versions.inputs.request.Request`.
    data : pyarrow.Table, ParquetFiles, str or tuple of two datetime or None
        The rows; SQL; or the first and last instant.
    """

    columns: list[str] | None
    notes: dict[str, Any]
    data: Any

    def read(self, columns: Sequence[str]) -> pa.Table:
        """Read some columns of a table or its file.

        Parameters
        ----------
        columns : sequence of str
            Their names, all of them there.

        Returns
        -------
        pyarrow.Table
            All rows.
        """
        return self.data.read(columns) if isinstance(self.data, ParquetFiles) else self.data.select(list(columns))

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and their bytes, uncompressed, where the data are a table or its file."""
        if isinstance(self.data, ParquetFiles):
            return self.data.size
        return (self.data.num_rows, self.data.nbytes) if isinstance(self.data, pa.Table) else None

    @property
    def schema(self) -> pa.Schema:
        """Types of the columns of a table or its file."""
        return self.data.schema


def open_table(entity_df: str | Path | pd.DataFrame | pa.Table) -> EntityFrame:
    """Open a table without reading more of it than need be.

    Parameters
    ----------
    entity_df : str, Path, pandas.DataFrame, pyarrow.Table or any Arrow stream
        A table, such as one of Polars; the path or URI of a ``.parquet`` or ``.csv`` file, or of a directory of
        ``.parquet`` files; or a list of these files.

    Returns
    -------
    EntityFrame
        Its `data` is a table or Parquet files.

    Raises
    ------
    InvalidInputError
        If it is no table, or the path names no file of these kinds.
    DataError
        If the file is absent or cannot be read.
    """
    if isinstance(entity_df, list | tuple):
        paths = [_said(one) for one in entity_df]
        return _of_files(paths, f"{paths[0]}, ...", paths)
    if not isinstance(entity_df, str | Path):
        table = _arrow_table(entity_df)
        return EntityFrame(table.column_names, {}, table)
    file = frame_file(entity_df)
    where = _said(entity_df)
    if is_directory(file):
        return _of_files(files_of(file, where), where, where)
    if file.path.endswith(SUFFIX):
        return _of_files([where], where, where)
    try:
        data = pyarrow.csv.read_csv(file.filesystem.open_input_file(file.path))
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"entity_df {where!r} cannot be read: {error}") from error
    frame = EntityFrame(None, {"entity_df": where}, data)
    return EntityFrame(list(frame.schema.names), frame.notes, data)


def _said(path: str | Path) -> str:
    return str(path) if "://" in str(path) else frame_file(path).path


def _of_files(paths: Sequence[str], where: str, noted: str | list[str]) -> EntityFrame:
    files = ParquetFiles(paths, where)
    return EntityFrame(list(files.schema.names), {"entity_df": noted}, files)


def _arrow_table(frame: Any) -> pa.Table:
    if isinstance(frame, pa.Table):
        return frame
    if hasattr(frame, "iloc"):  # pandas, whose index is no column
        return pa.Table.from_pandas(frame, preserve_index=False)
    if hasattr(frame, "__arrow_c_stream__"):
        return pa.table(frame)
    raise InvalidInputError(
        f"entity_df must be a pandas, Polars or Arrow table, or the path of a file, got {type(frame).__name__}"
    )

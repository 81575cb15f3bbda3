"""The entity frame: the rows that a version is about, as a table or the file of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from feast_plugin.versions.inputs.request import frame_file
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
    data : pyarrow.Table, pyarrow.parquet.ParquetFile, str or tuple of two datetime or None
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
        wanted = list(columns)
        return self.data.read(columns=wanted) if isinstance(self.data, pq.ParquetFile) else self.data.select(wanted)

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and their bytes, uncompressed, where the data are a table or its file."""
        if isinstance(self.data, pq.ParquetFile):
            found = self.data.metadata
            groups = [found.row_group(at).total_byte_size for at in range(found.num_row_groups)]
            return found.num_rows, sum(groups)
        return (self.data.num_rows, self.data.nbytes) if isinstance(self.data, pa.Table) else None

    @property
    def schema(self) -> pa.Schema:
        """Types of the columns of a table or its file."""
        return self.data.schema_arrow if isinstance(self.data, pq.ParquetFile) else self.data.schema


def open_table(entity_df: str | Path | pd.DataFrame | pa.Table) -> EntityFrame:
    """Open a table without reading more of it than need be.

    Parameters
    ----------
    entity_df : str, Path, pandas.DataFrame, pyarrow.Table or any Arrow stream
        A table, such as one of Polars, or the path or URI of a ``.parquet`` or ``.csv`` file.

    Returns
    -------
    EntityFrame
        Its `data` is a table or a Parquet file.

    Raises
    ------
    InvalidInputError
        If it is no table, or the path names no file of these kinds.
    DataError
        If the file is absent or cannot be read.
    """
    if not isinstance(entity_df, str | Path):
        table = _arrow_table(entity_df)
        return EntityFrame(table.column_names, {}, table)
    file = frame_file(entity_df)
    where = str(entity_df) if "://" in str(entity_df) else file.path
    try:
        source = file.filesystem.open_input_file(file.path)
        data = pq.ParquetFile(source) if file.path.endswith(".parquet") else pyarrow.csv.read_csv(source)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"entity_df {where!r} cannot be read: {error}") from error
    frame = EntityFrame(None, {"entity_df": where}, data)
    return EntityFrame(list(frame.schema.names), frame.notes, data)


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

"""How parts are written: their columns, and their encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.dtypes import TEXT, family_of

if TYPE_CHECKING:
    from pathlib import Path

    from resampler.partitioned.layout import Layout


def written_schema(layout: Layout, mark: str) -> pa.Schema:
    """Return the schema of all parts.

    Parameters
    ----------
    layout : Layout
        Of the table.
    mark : str
        Column that says which rows are synthetic.

    Returns
    -------
    pyarrow.Schema
        That of the table, and `mark` behind it; what synthetic rows have not may be null.
    """
    has = {*layout.features, layout.label}
    fields = [field if field.name in has else field.with_nullable(True) for field in layout.schema]
    return pa.schema([*fields, pa.field(mark, pa.bool_())])


def part_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Begin a file.

    Parameters
    ----------
    path : Path
        Of the file.
    schema : pyarrow.Schema
        Of its rows.

    Returns
    -------
    pyarrow.parquet.ParquetWriter
        A context manager.
    """
    # To look for values that come again takes five times as long as writing them, and finds none among measurements.
    text = [field.name for field in schema if pa.types.is_dictionary(field.type) or family_of(field.type) == TEXT]
    return pq.ParquetWriter(str(path), schema, compression="zstd", use_dictionary=text or False)

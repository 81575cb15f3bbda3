"""How Parquet is written here: values that come again are written once, and only text is taken to do so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from resampler.dtypes import TEXT, family_of

if TYPE_CHECKING:
    from pathlib import Path


def open_writer(sink: Path | pa.NativeFile, schema: pa.Schema, **options: Any) -> pq.ParquetWriter:
    """Begin a file.

    Parameters
    ----------
    sink : Path or pyarrow.NativeFile
        Where it goes.
    schema : pyarrow.Schema
        Of its rows.
    **options : dict
        Others of `pyarrow.parquet.ParquetWriter`.

    Returns
    -------
    pyarrow.parquet.ParquetWriter
        A context manager.

    Notes
    -----
    To look for numbers that come again takes five times as long as writing them, and finds none among measurements.
    """
    text = [field.name for field in schema if pa.types.is_dictionary(field.type) or family_of(field.type) == TEXT]
    return pq.ParquetWriter(sink, schema, use_dictionary=text, **options)

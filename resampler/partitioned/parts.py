"""What parts are written as: their columns, and their compression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from resampler.partitioned.layout import Layout

COMPRESSION = "zstd"  # nobody compares the bytes of a part: they are small


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

"""Rows as entries of any input format, as a producer would send them."""

from __future__ import annotations

from stream.formats.table import INPUTS


def entries_of(kind, schema, X, y):
    """Make the fields of the entries that hold rows of codes."""
    return [dict(zip(items[::2], items[1::2], strict=True)) for items in INPUTS[kind](schema).encode(X, y)]

"""The table of wire formats. A new one is a file beside this one and a line here: see CONTRIBUTING.md."""

from __future__ import annotations

from enum import EnumType, StrEnum
from typing import TYPE_CHECKING, Any

from stream.formats import arrow, json_row, packed, row, rows, text

if TYPE_CHECKING:
    from stream.formats.format import Format

FORMATS: tuple[Format, ...] = (
    packed.FORMAT,
    text.FORMAT,
    json_row.FORMAT,
    row.FORMAT,
    rows.FORMAT,
    arrow.FORMAT,
)


class _FromTable(EnumType):
    if TYPE_CHECKING:  # the members come from the table

        def __getattr__(cls, name: str) -> Any: ...


class InputFormat(StrEnum, metaclass=_FromTable):
    """How rows stand in an entry; ``auto`` goes by the names of the entry's first two fields."""

    vars().update({"AUTO": "auto"} | {each.name.upper(): each.name for each in FORMATS if each.input})


class OutputFormat(StrEnum, metaclass=_FromTable):
    """How rows leave."""

    vars().update({each.name.upper(): each.name for each in FORMATS if each.output})


INPUTS = {InputFormat(each.name): each.input for each in FORMATS if each.input}
OUTPUTS = {OutputFormat(each.name): each.output for each in FORMATS if each.output}

"""`Format`: an entry of the table of wire formats."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stream.formats.input import Input
    from stream.formats.output import Output


@dataclass(frozen=True, slots=True)
class Format:
    """One entry of the table of formats.

    Parameters
    ----------
    name : str
        What the options and the checkpoint call it.
    input : type of Input, optional
        How its entries are read; None where it is for output alone.
    output : Output, optional
        How its entries are written; None where it is for input alone.
    """

    name: str
    input: type[Input] | None = None
    output: Output | None = None

"""The grid of a column: the steps and bounds that its real values keep, and synthetic ones are put on."""

from __future__ import annotations

from typing import Literal, get_args

Grids = Literal["auto", "off"]
GRIDS = get_args(Grids)

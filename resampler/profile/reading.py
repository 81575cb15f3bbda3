"""How cells and counts are read from JSON: what does not hold together is damaged."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from resampler.kernels.counting import EDGES
from resampler.profile.cells import Cells
from resampler.profile.counts import Counts, Part

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS = frozenset({int, float})
_MOST = 1 << 53  # rows


def read_cells(name: str, data: Mapping[str, Any]) -> Cells:
    """Read where a feature is counted.

    Parameters
    ----------
    name : str
        Of the feature.
    data : mapping
        The fields of `Cells`; `single` may be missing.

    Returns
    -------
    Cells
        That a kernel can count in.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, OverflowError
        If they are none.
    """
    cells = Cells(data["categorical"], tuple(data["edges"]), tuple(data["values"]), data.get("single", False))
    edges, values = cells.edges, cells.values
    if type(cells.categorical) is not bool or type(cells.single) is not bool:
        raise TypeError(f"{name!r} does not say whether it is a category")
    if len(edges) > EDGES or len(values) > EDGES or (values if not cells.categorical else edges):
        raise ValueError(f"{name!r} has {len(edges)} edges and {len(values)} values")
    if not set(map(type, edges)) <= _NUMBERS or not all(map(math.isfinite, edges)):
        raise ValueError(f"edges of {name!r} are no finite numbers")
    if any(after <= before for before, after in pairwise(edges)):
        raise ValueError(f"edges of {name!r} do not ascend")
    kinds = set(map(type, values))
    if len(kinds) > 1 or not kinds <= {str, int, bool} or len(set(values)) < len(values):
        raise ValueError(f"values of {name!r} are not distinct words, whole numbers or booleans")
    return cells


def read_part(data: Mapping[str, Any], cells: Mapping[str, Cells]) -> Part:
    """Read the counts of one kind of rows.

    Parameters
    ----------
    data : mapping
        The fields of `Part`.
    cells : mapping of str to Cells
        In which they were counted.

    Returns
    -------
    Part
        Every row stands in every feature once.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, OverflowError
        If they are none.
    """
    features = {name: _read_counts(name, data["features"][name], cells[name], data["rows"]) for name in cells}
    part = Part(**{**data, "features": features})
    if [type(one) for one in (*part.key, part.rows)] != [str, bool, str, int] or not 0 <= part.rows <= _MOST:
        raise TypeError(f"{part.key} does not name a kind of rows, or has {part.rows!r} of them")
    return part


def _read_counts(name: str, data: Mapping[str, Any], cells: Cells, rows: int) -> Counts:
    found = Counts(**{**data, "counts": tuple(data["counts"])})
    if len(found.counts) != cells.n + 1 or set(map(type, found.counts)) != {int} or min(found.counts) < 0:
        raise ValueError(f"counts of {name!r} are not {cells.n + 1} whole numbers")
    if found.rows != rows:
        raise ValueError(f"counts of {name!r} add up to {found.rows}, among {rows} rows")
    for value in (found.mean, found.spread, found.low, found.high):
        if value is not None and not (type(value) in _NUMBERS and math.isfinite(value)):
            raise ValueError(f"mean, spread, least and greatest of {name!r} are not all finite numbers")
    return found

"""Rows of one class as arrays, so that what was made of it can be kept and taken again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.methods.provenance import Draws, Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OF_A_ROW = ("label", "base", "neighbor", "step", "donor")
_OF_A_DRAW = ("row_id", "number", "stream", "part", "width")


def to_arrays(made: Provenance) -> dict[str, NDArray[Any]]:
    """Write where rows came from, but for what follows from the table: grids, relations, the seed.

    Parameters
    ----------
    made : Provenance
        Of rows that are made from rows, not from groups.

    Returns
    -------
    dict of str to ndarray
        What `from_arrays` reads.
    """
    found = {name: getattr(made, name) for name in _OF_A_ROW}
    if made.draws is not None:
        found |= {f"draws.{name}": getattr(made.draws, name) for name in _OF_A_DRAW}
    return found


def from_arrays(arrays: dict[str, NDArray[Any]], nothing: Provenance, seed: int) -> Provenance:
    """Read where rows came from.

    Parameters
    ----------
    arrays : dict of str to ndarray
        From `to_arrays`.
    nothing : Provenance
        Of no rows of the same table: it has what follows from that.
    seed : int
        That draws are keyed on.

    Returns
    -------
    Provenance
        As it was.
    """
    draws = None
    if "draws.row_id" in arrays:
        row_id, number, stream, part, width = (arrays[f"draws.{name}"] for name in _OF_A_DRAW)
        draws = Draws(row_id, number, stream, part, width, seed)
    label, base, neighbor, step, donor = (arrays[name] for name in _OF_A_ROW)
    return nothing._replace(label=label, base=base, neighbor=neighbor, step=step, donor=donor, draws=draws)


def from_grown(bases: list[NDArray[np.int64]], penalties: list[NDArray[np.float64] | None]) -> dict[str, NDArray[Any]]:
    """Write the bases of several parts, and what a differing category counted in each.

    Parameters
    ----------
    bases : list of ndarray of int64
        A part each.
    penalties : list of ndarray of float64, or None
        Likewise.

    Returns
    -------
    dict of str to ndarray
        What `to_grown` reads.
    """
    found: dict[str, NDArray[Any]] = {
        "grown.bases": np.concatenate(bases),
        "grown.sizes": np.array([len(one) for one in bases], dtype=np.int64),
    }
    known = [one for one in penalties if one is not None]
    return found | ({"grown.penalty": np.stack(known)} if len(known) == len(penalties) else {})


def to_grown(arrays: dict[str, NDArray[Any]]) -> list[tuple[NDArray[np.int64], NDArray[np.float64] | None]]:
    """Read the bases of several parts, and what a differing category counted.

    Parameters
    ----------
    arrays : dict of str to ndarray
        From `from_grown`.

    Returns
    -------
    list of tuple
        A part each.
    """
    sizes = arrays["grown.sizes"]
    bases = np.split(arrays["grown.bases"], np.cumsum(sizes)[:-1])
    penalties = list(arrays["grown.penalty"]) if "grown.penalty" in arrays else [None] * len(sizes)
    return list(zip(bases, penalties, strict=True))

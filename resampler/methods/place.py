"""Where new rows lie, and whose categories they have."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.grids import Packed, pack
from resampler.integers import interpolate_integers, shift_integers
from resampler.kernels import generation, microaggregation
from resampler.kernels.grids import settle
from resampler.kernels.places import DRAWS, PLACES
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.relations import keep
from resampler.threads import in_chunks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from resampler.grids import Grid
    from resampler.methods.provenance import Provenance

_ROWS_A_TASK = 32_768


def draws(place: str) -> bool:
    """Say whether a place needs more of a draw than the step.

    Parameters
    ----------
    place : str
        One of `PLACES`.

    Returns
    -------
    bool
        Whether it does.
    """
    return DRAWS[PLACES.index(place)]


def build(
    X: NDArray[Any], made: Provenance, out: NDArray[Any] | None = None, *, columns: NDArray[np.int64] | None = None
) -> NDArray[Any]:
    """Make the synthetic rows of numeric columns, each operation rounded once in the rows' dtype.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        The real rows.
    made : Provenance
        Where the synthetic ones come from.
    out : ndarray of shape (n_synthetic, n_features), optional
        Where to write them.
    columns : ndarray of shape (n_features,), int64, optional
        Which columns of those that the provenance knows these are; by default all.

    Returns
    -------
    ndarray of shape (n_synthetic, n_features)
        `out`, or a new array of `X`'s dtype. On the segment ``X[base] + step * (X[neighbor] - X[base])``; then put on
        the grids, and made to keep the relations, that the provenance has.
    """
    rows = np.empty((len(made.base), X.shape[1]), dtype=as_kernel_rows(X[:0]).dtype) if out is None else out
    grids = made.grids if made.grids is None or columns is None else tuple(made.grids[j] for j in columns)
    _fill(X, made, grids, rows, columns)
    if made.relations and made.place != "copy":
        at = {int(j): place for place, j in enumerate(range(X.shape[1]) if columns is None else columns)}
        keep(rows, [one.named(at) for one in made.relations], grids)
    return rows


def _fill(
    X: NDArray[Any],
    made: Provenance,
    grids: tuple[Grid | None, ...] | None,
    rows: NDArray[Any],
    columns: NDArray[np.int64] | None,
) -> None:
    """Write the rows, on their grids."""
    if made.groups is not None:
        _fill_from_groups(made, grids, rows, columns)
        return
    real, code = as_kernel_rows(X), PLACES.index(made.place)
    base, neighbor = as_kernel_array(made.base, np.int64), as_kernel_array(made.neighbor, np.int64)
    step = as_kernel_array(made.step, np.float32)
    drawn, on = made.draws, None if grids is None or made.place == "copy" else pack(grids)
    if drawn is None:
        none = np.empty(0, dtype=np.int64)
        every = (base, neighbor, step, none, none, np.uint64(0), 0, np.empty(0))
        _run(partial(_build, code, real, every, on, rows), len(base))
        return
    edges = np.flatnonzero(np.diff(drawn.part, prepend=-1, append=-1))  # rows of a part stand together
    for first, last in pairwise(edges.tolist()):
        of = slice(first, last)
        width = as_kernel_array(drawn.width[drawn.part[first]], np.float64)
        keys = drawn.row_id[of], drawn.number[of], np.uint64(drawn.seed), int(drawn.stream[first]), width
        some = (base[of], neighbor[of], step[of], *keys)
        _run(partial(_build, code, real, some, on, rows[of]), last - first)


def _fill_from_groups(
    made: Provenance, grids: tuple[Grid | None, ...] | None, rows: NDArray[Any], columns: NDArray[np.int64] | None
) -> None:
    """Write rows that are made from groups: no real row is read."""
    groups, drawn = made.groups, made.draws
    assert groups is not None  # noqa: S101 - of a hardened row
    if columns is not None:
        groups = groups._replace(
            center=np.ascontiguousarray(groups.center[:, columns]),
            spread=np.ascontiguousarray(groups.spread[:, columns]),
            nulls=np.ascontiguousarray(groups.nulls[:, columns]),
        )
    assert drawn is not None  # noqa: S101 - as every row of a place that draws has
    parents = as_kernel_array(made.base, np.int64), as_kernel_array(made.neighbor, np.int64)
    keys = (as_kernel_array(column, np.int64) for column in (drawn.row_id, drawn.number, drawn.stream))
    on = None if grids is None else pack(grids)
    task = partial(
        microaggregation.write, groups, on, *parents, as_kernel_array(made.step, np.float32), *keys,
        np.uint64(drawn.seed), out=rows,
    )  # fmt: skip
    _run(task, len(rows))


def _build(
    code: int,
    real: NDArray[Any],
    parents: tuple[Any, ...],
    on: Packed | None,
    out: NDArray[Any],
    first: int,
    last: int,
) -> None:
    generation.build(code, real, *parents, first, last, out)
    if on is not None and len(on.column):
        base, _, _, *keys, _ = parents
        settle(real, base, *keys, DRAWS[code], *on, first, last, out)


def _run(task: Callable[[int, int], None], n: int) -> None:
    in_chunks(task, n, _ROWS_A_TASK)


def build_integers(values: NDArray[Any], made: Provenance, real: NDArray[Any], built: NDArray[Any]) -> NDArray[Any]:
    """Make the synthetic values of a column of integers that a float64 does not hold.

    Parameters
    ----------
    values : ndarray of shape (n_samples,), int64 or uint64
        The real ones, anything for a null.
    made : Provenance
        Where the synthetic ones come from.
    real : ndarray of shape (n_samples,), floating
        The column as `build` was given it: counted from the least, NaN for a null.
    built : ndarray of shape (n_synthetic,), floating
        What `build` made of it.

    Returns
    -------
    ndarray of shape (n_synthetic,)
        Of the dtype of `values`: its arithmetic is that of integers. Anything where `built` is NaN.
    """
    if made.groups is not None:
        least = values[~np.isnan(real)].min(initial=np.iinfo(values.dtype).max)
        return shift_integers(np.full(len(built), least), np.nan_to_num(built.astype(np.float64)))
    if made.place == "segment":
        neighbor = np.where(np.isnan(real[made.neighbor]), made.base, made.neighbor)
        return interpolate_integers(values[made.base], values[neighbor], made.step)
    return shift_integers(values[made.base], np.nan_to_num((built - real[made.base]).astype(np.float64)))


def elect_donors(
    X: NDArray[Any], bases: NDArray[np.int64], voters: NDArray[np.int64], penalty: NDArray[Any]
) -> NDArray[np.int64]:
    """Hold the vote on the categorical columns of every base's copies.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        The rows, categorical columns as codes.
    bases : ndarray of shape (n_bases,), int64
        Positions of the bases.
    voters : ndarray of shape (n_bases, k), int64
        Positions of those that vote.
    penalty : ndarray of shape (n_features,)
        Negative for a numeric column.

    Returns
    -------
    ndarray of shape (n_bases, n_categorical), int64
        Positions of rows that hold the most frequent code, ties to the lowest code.

    References
    ----------
    Chawla, Bowyer, Hall, Kegelmeyer: SMOTE. JAIR 16 (2002), section 6.1, doi:10.1613/jair.953.
    """
    donors = np.repeat(bases[:, None], np.count_nonzero(penalty >= 0), axis=1)
    generation.elect(as_kernel_rows(X), voters, penalty, donors)
    return donors

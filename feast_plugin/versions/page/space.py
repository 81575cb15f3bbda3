"""How near synthetic rows lie to real ones, and where both lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import nan_euclidean_distances

from feast_plugin.versions.page.svg import Box, boxes, dots
from resampler.profile.values import evenly, numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import StoredFeature
    from resampler.profile.cells import Cells

REAL_ROWS, QUERIES = 3_000, 1_000  # of which distances are measured
DOTS = 500  # of a kind
FAR = 3.0  # units of distance; a heavy tail would leave all other rows in one point
ROUNDING = 1e-6  # distances are differences of squares: what is nearer is equal


class Space(NamedTuple):
    """The minority's rows in the space that neighbours are sought in.

    Parameters
    ----------
    distances : list of Box
        From a real row of the minority to the nearest other one, and from a synthetic one to the nearest real one.
    among : int
        Real rows that the nearest was sought among.
    repeats : float
        Share of synthetic rows that are equal to one of these.
    dots : list of str
        SVG path of each kind of row in the plane of the two principal components.
    explained : float
        Share of the variance that the plane shows.
    """

    distances: list[Box]
    among: int
    repeats: float
    dots: list[str]
    explained: float


def space_of(
    kinds: Sequence[pa.Table],
    features: Sequence[StoredFeature],
    cells: Mapping[str, Cells],
    units: Mapping[str, float],
) -> Space | None:
    """Measure and project the sampled rows.

    Parameters
    ----------
    kinds : sequence of pyarrow.Table
        Rows of `feast_plugin.versions.page.sample.KINDS`.
    features : sequence of StoredFeature
        Of the contract.
    cells : dict of str to Cells
        Of a version's profile: the values of a category that are told apart.
    units : dict of str to float
        Unit of distance of each number; of element j of an array ``x`` it is that of ``x[j]``. What has none is in no
        distance of the method, and counts as it is.

    Returns
    -------
    Space or None
        None where there are fewer than two real rows. Distances are over the features that both rows have, scaled up
        to all; rarer values of a category count as one.
    """
    lengths = {one.name: _length(kinds, one.name) for one in features if one.array}
    matrices = [_matrix(kind, features, cells, units, lengths) for kind in kinds]
    real, made = matrices[1], matrices[2]
    if len(real) < 2:
        return None
    real_near = real[evenly(len(real), REAL_ROWS)]
    between = _nearest(real_near[evenly(len(real_near), QUERIES)], real_near, evenly(len(real_near), QUERIES))
    towards = _nearest(made[evenly(len(made), QUERIES)], real_near)
    measured = [("real to nearest real", between), ("synthetic to nearest real", towards)]
    measured = [(name, values) for name, values in measured if len(values)]
    paths, explained = _projected([matrix[evenly(len(matrix), DOTS)] for matrix in matrices])
    repeats = float((towards == 0).mean()) if len(towards) else 0.0
    return Space(boxes(measured) if measured else [], len(real_near), repeats, paths, explained)


def _matrix(
    rows: pa.Table,
    features: Sequence[StoredFeature],
    cells: Mapping[str, Cells],
    units: Mapping[str, float],
    lengths: Mapping[str, int],
) -> NDArray[np.float64]:
    """Spread categories out, so that two differing ones are a distance of 1 apart; a null is NaN."""
    columns: list[NDArray[Any]] = []
    for feature in features:
        if feature.categorical:
            found = cells[feature.name]
            at = found.places(rows[feature.name])
            spread = np.full((len(at), found.n), np.nan)
            spread[at < found.n] = np.eye(found.n)[at[at < found.n]] / np.sqrt(2)
            columns.append(spread)
        else:
            column = rows[feature.name]
            numbers = _elements(column, lengths[feature.name]) if feature.array else numbers_of(column).reshape(-1, 1)
            names = [f"{feature.name}[{j}]" for j in range(numbers.shape[1])] if feature.array else [feature.name]
            with np.errstate(over="ignore"):
                numbers = numbers / [units.get(name, 1.0) for name in names]
            columns.append(np.where(np.abs(numbers) < 1e100, numbers, np.nan))  # whose square is a number
    return np.concatenate(columns, axis=1)


def _length(kinds: Sequence[pa.Table], name: str) -> int:
    """Return how long the arrays of a column are, which rows of one kind may not say: all of theirs may be null."""
    return max(pc.max(pc.list_value_length(rows[name])).as_py() or 0 for rows in kinds)


def _elements(column: pa.ChunkedArray, length: int) -> NDArray[np.float64]:
    """Return arrays of one length as rows; a null is a row of NaN."""
    valid = ~np.asarray(column.is_null())
    out = np.full((len(column), length), np.nan)
    out[valid] = (
        pc.list_flatten(column.drop_null()).to_numpy().astype(np.float64).reshape(np.count_nonzero(valid), length)
    )
    return out


def _nearest(
    queries: NDArray[np.float64], rows: NDArray[np.float64], own: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Return the distance to the nearest row, but for a query's `own` one."""
    if not len(queries):
        return np.empty(0)
    # From a middle of the rows, so that what is taken from large squares is not lost.
    middle = _middle(rows)
    found = nan_euclidean_distances(queries - middle, rows - middle)
    if own is not None:
        found[np.arange(len(own)), own] = np.nan
    found = np.where(np.isnan(found), np.inf, found).min(axis=1)
    found = found[np.isfinite(found)]
    return np.where(found < ROUNDING, 0.0, found)


def _middle(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of each column, 0 where it has no value."""
    middle, held = np.zeros(rows.shape[1]), ~np.isnan(rows).all(axis=0)
    with np.errstate(all="ignore"):
        middle[held] = np.nan_to_num(np.nanmedian(rows[:, held], axis=0))
    return middle


def _projected(matrices: list[NDArray[np.float64]]) -> tuple[list[str], float]:
    real = np.concatenate(matrices[:2])
    middle = _middle(real)
    filled = [np.where(np.isnan(matrix), middle, matrix) - middle for matrix in matrices]
    filled = [np.clip(matrix, -FAR, FAR) for matrix in filled]
    fitted = np.concatenate(filled[:2])
    if fitted.shape[1] < 2 or not fitted.any():
        return [], 0.0
    pca = PCA(2, svd_solver="full").fit(fitted)
    placed = [pca.transform(matrix) if len(matrix) else np.empty((0, 2)) for matrix in filled]
    low, high = np.quantile(np.concatenate(placed), [0.002, 0.998], axis=0)
    return [dots(points, low, high) for points in placed], float(pca.explained_variance_ratio_.sum())

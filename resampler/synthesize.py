"""Synthetic rows of one class from a matrix that is at hand: the batch side's one way to make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.generate import Plan, build, draw, elect_donors
from resampler.layout import as_kernel_array, as_kernel_rows
from resampler.metric import check_positive, check_seed, label_key, make_penalty, make_scale
from resampler.neighbors import nearest_rows
from resampler.provenance import Synthetic
from resampler.resolution import deviations
from resampler.schema import check_magnitude

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def synthesize(
    X: ArrayLike,
    n_synthetic: int,
    *,
    k_neighbors: int = 5,
    seed: int = 0,
    label: object = 1,
    row_ids: ArrayLike | None = None,
    scale: Sequence[float] | NDArray[np.floating[Any]] | None = None,
    categorical_mask: NDArray[np.bool_] | None = None,
    start: int = 0,
    neighbors: str = "exact",
) -> Synthetic:
    """Make synthetic rows of one class by SMOTE, or SMOTENC where there are categorical columns.

    Copy r of base b is keyed by (seed, label, row id of b, r). Bases take turns in a seeded order, so every row is
    used equally often but for one; the first rows of a longer request are those of a shorter one; and rows whose
    neighbours did not change give the same copies after others arrived.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows of the class. float32 and float64 are kept, other dtypes become float64.
    n_synthetic : int
        How many rows to make, 0 or more.
    k_neighbors : int
        Neighbours that a base may be joined with; a row is never its own neighbour.
    seed : int
        From 0 to 2**64 - 1.
    label : object
        The class, which keys the draws.
    row_ids : array-like of shape (n_samples,), int64, optional
        Distinct identities, 0 or more; by default the positions.
    scale : array-like of shape (n_features,), optional
        Unit of distance of each column, by default 1.
    categorical_mask : ndarray of shape (n_features,), bool, optional
        Columns that hold codes; they are voted on, not interpolated.
    start : int
        Skip that many rows of the endless sequence.
    neighbors : {"exact", "approximate", "auto"}
        How neighbours are sought; see `resampler.neighbors.nearest_rows`.

    Returns
    -------
    Synthetic
        The rows with their provenance.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, a value is not finite, or there are k_neighbors rows or fewer.

    Notes
    -----
    An exact search costs O(n_samples**2 * n_features) at worst.
    """
    rows = as_kernel_rows(X)
    if rows.ndim != 2:
        raise InvalidInputError(f"X must have two dimensions, got shape {rows.shape}")
    n, d = rows.shape
    k = check_positive("k_neighbors", k_neighbors)
    if n_synthetic < 0 or start < 0:
        raise InvalidInputError(f"n_synthetic and start must be 0 or more, got {n_synthetic} and {start}")
    if n <= k:
        raise InvalidInputError(
            f"k_neighbors={k} needs at least {k + 1} rows of class {label!r}, got {n}: "
            "lower k_neighbors or gather more rows"
        )
    ids = np.arange(n) if row_ids is None else as_kernel_array(row_ids, np.int64)
    if ids.shape != (n,) or ids.min() < 0 or len(np.unique(ids)) != n:
        raise InvalidInputError(f"row_ids must be {n} distinct integers of 0 or more, one a row")
    units = make_scale(scale, d)
    check_magnitude(rows, units, [f"column {j}" for j in range(d)])

    numeric = np.ones(d, dtype=np.bool_) if categorical_mask is None else ~categorical_mask
    units = np.where(numeric, units, 1.0)
    spread = deviations(rows[:, numeric]) / units[numeric] if categorical_mask is not None else None
    penalty = make_penalty(categorical_mask, spread, d)
    found = nearest_rows(rows, k, row_ids=ids, inverse_scale=1.0 / units, penalty=penalty, method=neighbors)
    plan = Plan(np.arange(n), ids, found.indices)
    parents = draw(plan, n_synthetic, check_seed(seed), label_key(label), start)
    out = build(rows, parents.base, parents.neighbor, parents.step)
    if categorical_mask is not None:
        donors = elect_donors(rows, plan.bases, plan.neighbors, penalty.astype(rows.dtype))
        for at, j in enumerate(np.flatnonzero(categorical_mask)):
            out[:, j] = rows[donors[parents.turn, at], j]
    return Synthetic(out, ids[parents.base], ids[parents.neighbor], parents.step)

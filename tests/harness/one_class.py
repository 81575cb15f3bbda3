"""Synthetic rows of one class of a matrix: what the batch side comes to where there is nothing else."""

from typing import NamedTuple

import numpy as np

from resampler.methods.oversample import oversample
from resampler.methods.parameters import Parameters
from resampler.methods.place import build
from resampler.methods.table import Search, Table


class Made(NamedTuple):
    X: np.ndarray
    base_id: np.ndarray
    neighbor_id: np.ndarray
    step: np.ndarray


def one_class(
    X, count, *, k_neighbors=5, seed=0, label=1, row_ids=None, scale=None, categorical_mask=None, neighbors="exact"
):
    y = np.zeros(len(X), dtype=np.int64)
    units = None if scale is None else np.asarray(scale, dtype=np.float64)
    if units is not None and categorical_mask is not None:
        units = np.where(categorical_mask, 1.0, units)
    table = Table(X, y, row_ids, categorical_mask, units)
    made = oversample(
        table,
        "smote" if categorical_mask is None else "smotenc",
        {0: count},
        seed=seed,
        parameters=Parameters(k_neighbors),
        search=Search(neighbors),
        names={0: label},
    ).provenance
    rows = build(X, made)
    for at, j in enumerate(made.categorical_features):
        rows[:, j] = X[made.donor[:, at], j]
    ids = np.arange(len(X)) if row_ids is None else row_ids
    return Made(rows, ids[made.base], ids[made.neighbor], made.step)

"""The same synthetic rows again, from where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from resampler.errors import InvalidInputError
from resampler.methods.provenance import Provenance
from resampler.samplers.contain import contain
from resampler.samplers.matrix import append_synthetic, sliceable


def replay(X: Any, provenance: Provenance) -> Any:
    """Rebuild synthetic rows from the real ones.

    Parameters
    ----------
    X : as given to `fit_resample`
        The real rows.
    provenance : Provenance
        What the sampler kept.

    Returns
    -------
    object
        The synthetic rows, of the type and dtypes of `X`, bit for bit; CSR of a sparse matrix that is not CSC.

    Raises
    ------
    InvalidInputError
        If it is no provenance, names rows or columns that `X` does not have, or `X` is not rows by columns.

    Examples
    --------
    >>> import numpy as np
    >>> from resampler import SMOTE
    >>> X, y = np.random.default_rng(0).normal(size=(60, 2)), np.repeat([0, 1], [45, 15])
    >>> sampler = SMOTE(random_state=0)
    >>> X_new, _ = sampler.fit_resample(X, y)
    >>> bool(np.array_equal(replay(X, sampler.provenance_), X_new[60:]))
    True
    """
    if not isinstance(provenance, Provenance):
        raise InvalidInputError(
            f"provenance must be a Provenance, got {type(provenance).__name__}: give the sampler's provenance_"
        )
    rows = contain(X)
    shape = np.shape(X) if rows is None else rows.shape
    if len(shape) != 2:
        raise InvalidInputError(f"X must be rows by columns, got shape {shape}: give the X that was resampled")
    n, d = shape
    if provenance.categorical_features.size and (last := int(provenance.categorical_features.max())) >= d:
        raise InvalidInputError(f"provenance names column {last}, X has {d} columns: give the X that was resampled")
    named = (
        (provenance.donor, provenance.sources)
        if provenance.groups is not None
        else (*provenance[1:3], provenance.donor)
    )
    highest = max((int(a.max()) for a in named if a.size), default=-1)
    if highest >= n:
        raise InvalidInputError(f"provenance names row {highest}, X has {n} rows: give the X that was resampled")
    if rows is not None:
        return rows.made(provenance)
    return append_synthetic(sliceable(X) if sparse.issparse(X) else np.asarray(X), provenance)[n:]

"""`Provenance`: where the synthetic rows of a `fit_resample` came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Provenance(NamedTuple):
    """Where each synthetic row of a `fit_resample` came from, in the order of the rows.

    Parameters
    ----------
    label : ndarray of shape (n_synthetic,)
        Its class.
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions of the parents in the `X` that was given.
    step : ndarray of shape (n_synthetic,), float32
        Numeric columns are ``X[base] + step * (X[neighbor] - X[base])``, rounded in integer columns.
    donor : ndarray of shape (n_synthetic, n_categorical), int64
        Positions of the rows that categorical columns are copied from.
    categorical_features : ndarray of shape (n_categorical,), int64
        Which columns these are.
    """

    label: NDArray[Any]
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]
    donor: NDArray[np.int64]
    categorical_features: NDArray[np.int64]

"""What both the buffer and the batch path take for distance, and how labels and seeds key the draws."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import InvalidInputError
from resampler.layout import as_kernel_array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

MIN_SCALE, MAX_SCALE = 1e-30, 1e30  # so that a scale and its inverse are normal float32 numbers
NUMERIC = -1.0  # penalty of a numeric column: none


def check_positive(name: str, value: object) -> int:
    """Check a count.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
        Must be an integer of at least 1.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InvalidInputError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidInputError(f"{name} must be an integer of at least 1, got {value!r}")
    return int(value)


def check_count(name: str, value: object) -> int:
    """Check a count that may be 0.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
        Must be an integer from 0 to 2**63 - 1.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InvalidInputError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**63:
        raise InvalidInputError(f"{name} must be an integer of 0 or more, got {value!r}")
    return int(value)


def check_integers(name: str, values: ArrayLike, n: int | None = None, kinds: str = "iu") -> NDArray[np.int64]:
    """Check a list of integers.

    Parameters
    ----------
    name : str
        What the message calls it.
    values : array-like
        One-dimensional, within int64.
    n : int, optional
        How many, one a row; by default any number.
    kinds : str
        NumPy's kinds of dtype that are taken.

    Returns
    -------
    ndarray of shape (n,), int64
        The values, as kernels take them (`resampler.layout`).

    Raises
    ------
    InvalidInputError
        If it is anything else.
    """
    rule = f"{name} must be {'a list of integers' if n is None else f'{n} integers, one a row'}"
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:  # a list of lists of different lengths
        raise InvalidInputError(f"{rule}: {error}") from error
    n = array.size if n is None else n
    if array.shape != (n,) or (n and array.dtype.kind not in kinds):
        raise InvalidInputError(f"{rule}, got shape {array.shape} of dtype {array.dtype}")
    if n and array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise InvalidInputError(f"{name} must fit into int64, got {array.max()}")
    return as_kernel_array(array, np.int64)


def check_ratio(name: str, value: object) -> float:
    """Check a ratio of minority to majority.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
        Must be a number above 0 and at most 1.

    Returns
    -------
    float
        The value.

    Raises
    ------
    InvalidInputError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value <= 1:
        raise InvalidInputError(f"{name} must be in (0, 1], the minority : majority wanted, got {value!r}")
    return float(value)


def check_seed(seed: object) -> int:
    """Check a seed.

    Parameters
    ----------
    seed : object
        Must be an integer from 0 to 2**64 - 1.

    Returns
    -------
    int
        The value.

    Raises
    ------
    InvalidInputError
        If it is anything else.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**64:
        raise InvalidInputError(f"seed must be an integer from 0 to 2**64 - 1, got {seed!r}")
    return int(seed)


def label_key(label: object) -> int:
    """Return the 32-bit class key that a class's draws are keyed on.

    It depends on the label alone, so a class draws the same whatever other classes there are. ``1``, ``1.0`` and
    ``"1"`` are one class.

    Parameters
    ----------
    label : object
        A class label: integer, string, boolean or float.

    Returns
    -------
    int
        From 0 to 2**32 - 1.
    """
    if isinstance(label, bool | int | float | np.bool_ | np.integer | np.floating) and label == int(label):
        label = int(label)
    return zlib.crc32(str(label).encode())


def make_scale(scale: Sequence[float] | NDArray[np.floating[Any]] | None, n_features: int) -> NDArray[np.float64]:
    """Check units of distance.

    Parameters
    ----------
    scale : array-like of shape (n_features,) or None
        None means 1 for every column.
    n_features : int
        Width of a row.

    Returns
    -------
    ndarray of shape (n_features,), float64
        From 1e-30 to 1e30.

    Raises
    ------
    InvalidInputError
        On another length, or a value out of that range.
    """
    if scale is None:
        return np.ones(n_features)
    rule = f"scale must be {n_features} values from {MIN_SCALE:g} to {MAX_SCALE:g}, one a feature"
    try:
        array = np.asarray(scale, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{rule}: {error}") from error
    if array.shape != (n_features,) or not np.all((array >= MIN_SCALE) & (array <= MAX_SCALE)):
        raise InvalidInputError(f"{rule}, got {array.tolist()!r}")
    return array


def make_penalty(
    categorical_mask: NDArray[np.bool_] | None, numeric_std: NDArray[np.floating[Any]] | None, n_features: int
) -> NDArray[np.float64]:
    """Return what a differing category adds to the squared distance, `NUMERIC` for a numeric column.

    SMOTENC's rule: the square of the median of the numeric columns' standard deviations (in units of scale); 1
    where there is no numeric column.

    Parameters
    ----------
    categorical_mask : ndarray of shape (n_features,), bool, or None
        None means that all columns are numeric.
    numeric_std : ndarray or None
        Standard deviations of the numeric columns, NaN for one without a value, which does not count; None means 1.
    n_features : int
        Width of a row.

    Returns
    -------
    ndarray of shape (n_features,), float64
        The penalties.

    Raises
    ------
    InvalidInputError
        If the square of that median vanishes.

    References
    ----------
    Chawla et al.: SMOTE. JAIR 16 (2002), section 6.1.
    """
    penalty = np.full(n_features, NUMERIC)
    if categorical_mask is not None:
        spread = np.empty(0) if numeric_std is None else numeric_std[~np.isnan(numeric_std)]
        median = float(np.median(spread)) if len(spread) else 1.0
        if median > 0 and median**2 < np.finfo(np.float64).tiny:
            raise InvalidInputError(
                f"numeric columns beside categorical ones must spread by 1e-150 units or more, got {median:g} as the "
                "median of their standard deviations: multiply them by a power of two first"
            )
        penalty[categorical_mask] = median**2
    return penalty

"""The one layout in which arrays enter kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray


def as_kernel_array(values: ArrayLike, dtype: DTypeLike) -> NDArray[Any]:
    """Return values as every kernel takes them: C-contiguous, aligned, writable, a plain ndarray.

    Parameters
    ----------
    values : array-like of any shape
        The values.
    dtype : dtype
        What they become, in native byte order.

    Returns
    -------
    ndarray of the same shape, `dtype`
        `values` itself where it already is that, else a copy.

    Notes
    -----
    Numba compiles a kernel anew for a read-only, an unaligned or a strided array: rows that are views of bytes, as
    `numpy.frombuffer` and Arrow give them, would start the compiler in the middle of a stream.
    """
    if type(values) is np.ndarray and values.dtype == dtype and values.flags.carray:
        return values  # as nearly always in a stream; `require` takes 4 us to see it
    return np.require(values, dtype, ["C", "A", "W", "E"])


def as_kernel_rows(values: ArrayLike) -> NDArray[Any]:
    """Return rows as every kernel of the batch side takes them: of float32 or float64, in the layout of kernels.

    Parameters
    ----------
    values : array-like of any shape
        The values.

    Returns
    -------
    ndarray of the same shape, float32 or float64
        `values` itself where it already is that; all but float32 becomes float64.
    """
    array = np.asarray(values)
    return as_kernel_array(array, np.float32 if array.dtype == np.float32 else np.float64)

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
    return np.require(values, dtype, ["C", "A", "W", "E"])

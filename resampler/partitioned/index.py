"""`Index`: the cells of a search, mapped from what tasks left; and `Rows`, which these find theirs by."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.engines.arrays import mapped
from resampler.kernels.batch.cells import CELL_ROWS
from resampler.regions.region import Boxes, Region

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Rows(NamedTuple):
    """Where the rows of a search are, and what is asked of them; small, for tasks.

    Parameters
    ----------
    path : str
        Of the matrix, a file of NumPy's.
    folder : str
        With the arrays `names`.
    names : tuple of str
        Of queries, ids, inverse and penalty those that there are.
    k : int
        Neighbours a query.
    method : str
        As in `resampler.neighbors.nearest_rows`.
    recall : float or None
        As there.
    shape : tuple of int
        Of the matrix.
    itemsize : int
        Of a value.
    """

    path: str
    folder: str
    names: tuple[str, ...]
    k: int
    method: str
    recall: float | None
    shape: tuple[int, int]
    itemsize: int

    def matrix(self) -> NDArray[Any]:
        """Map the matrix.

        Returns
        -------
        ndarray of shape (n_rows, n_features)
            For kernels.
        """
        return np.asarray(np.load(self.path, mmap_mode="c"))

    def array(self, name: str) -> NDArray[Any] | None:
        """Map one of the arrays.

        Parameters
        ----------
        name : str
            Of it.

        Returns
        -------
        ndarray or None
            None where there is none.
        """
        return mapped(self.folder, name) if name in self.names else None

    def ids(self, first: int, last: int) -> NDArray[np.int64]:
        """Return the ids of some rows.

        Parameters
        ----------
        first, last : int
            Which.

        Returns
        -------
        ndarray of shape (last - first,), int64
            By default their positions.
        """
        ids = self.array("ids")
        return np.arange(first, last) if ids is None else np.array(ids[first:last], dtype=np.int64)

    def metric(self, X: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float64]]:
        """Return the metric as `resampler.resolution.resolve` takes it.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
            Rows.

        Returns
        -------
        inverse_scale, penalty : ndarray of shape (n_features,)
            Of the dtype of the rows, and of float64.
        """
        inverse, penalty = self.array("inverse"), self.array("penalty")
        d = X.shape[1]
        return (
            np.ones(d, dtype=X.dtype) if inverse is None else inverse.astype(X.dtype),
            np.full(d, -1.0) if penalty is None else penalty.astype(np.float64),
        )


class Index(NamedTuple):
    """What tasks have sorted into cells.

    Parameters
    ----------
    folders : tuple of str
        Of the regions.
    boxes : str
        Folder of what is known of their cells.
    starts : tuple of int
        First cell of each region, and behind the last.
    """

    folders: tuple[str, ...]
    boxes: str
    starts: tuple[int, ...]

    def map_boxes(self) -> Boxes:
        """Map what is known of all cells.

        Returns
        -------
        Boxes
            For kernels.
        """
        return Boxes(*(mapped(self.boxes, name) for name in Boxes._fields))

    def map_region(self, number: int) -> Region:
        """Map a region.

        Parameters
        ----------
        number : int
            Which.

        Returns
        -------
        Region
            For kernels.
        """
        return Region(*(mapped(self.folders[number], name) for name in Region._fields))

    def wanted(self, number: int) -> NDArray[np.bool_]:
        """Map which lanes of a region are queries.

        Parameters
        ----------
        number : int
            Of the region.

        Returns
        -------
        ndarray of shape (n_cells, CELL_ROWS), bool
            By its cells.
        """
        return mapped(self.folders[number], "wanted")

    def positions(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Say which rows stand at places.

        Parameters
        ----------
        places : ndarray of int64
            Counted over all regions.

        Returns
        -------
        ndarray of int64
            Their positions in the matrix.
        """
        starts = np.array(self.starts) * CELL_ROWS
        of = np.searchsorted(starts, places, side="right") - 1
        out = np.empty_like(places)
        for number in np.unique(of):
            here = of == number
            out[here] = mapped(self.folders[number], "order")[places[here] - starts[number]]
        return out


def give_back(values: NDArray[Any]) -> None:
    """Let go of the pages of a mapped array: they come again as they are touched.

    Parameters
    ----------
    values : ndarray
        As `mapped` gives it; of another nothing is let go.
    """
    root: Any = values
    while root is not None and not isinstance(root, mmap.mmap):
        root = getattr(root, "base", None)
    if root is not None and hasattr(mmap, "MADV_DONTNEED"):
        root.madvise(mmap.MADV_DONTNEED)


def file_of(rows: NDArray[Any]) -> str | None:
    """Return the file that an array is mapped from, whole.

    Parameters
    ----------
    rows : ndarray
        An array.

    Returns
    -------
    str or None
        None where it is not, or its layout is another.
    """
    root: Any = rows
    while root is not None and not isinstance(root, np.memmap):
        root = getattr(root, "base", None)
    if root is None or root.filename is None or Path(root.filename).suffix != ".npy" or not rows.flags.c_contiguous:
        return None
    same = (root.shape, root.dtype, root.ctypes.data) == (rows.shape, rows.dtype, rows.ctypes.data)
    return str(root.filename) if same and rows.dtype in (np.float32, np.float64) else None

"""What goes afterwards: the rows that stand where the classes meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.methods.labels import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Nearest = Callable[[NDArray[np.int64], int], NDArray[np.int64]]

CLEANERS = ("tomek", "enn")
EDITORS = 3  # neighbours that must be of a row's class


def tomek_links(nearest: Nearest, y: NDArray[Any]) -> NDArray[np.int64]:
    """Find the rows of Tomek links: pairs of rows of different classes that are each other's nearest neighbour.

    Parameters
    ----------
    nearest : callable
        ``nearest(queries, k)`` gives the positions of the k nearest rows of rows at positions `queries`.
    y : ndarray of shape (n_samples,)
        Class of each row.

    Returns
    -------
    ndarray of int64
        Their ascending positions, both ends of each link.

    Notes
    -----
    A link has an end outside the largest class, so only those rows and what they are nearest to are searched for.

    References
    ----------
    Tomek: Two modifications of CNN. IEEE Trans. SMC 6 (1976), doi:10.1109/TSMC.1976.4309452.
    """
    if len(y) < 2:
        return np.empty(0, dtype=np.int64)
    classes, counts = counted(y)
    found = np.full(len(y), -1)
    ends = np.flatnonzero(y != classes[counts.argmax()])
    found[ends] = nearest(ends, 1)[:, 0]
    met = np.unique(found[ends][y[found[ends]] != y[ends]])
    asked = met[found[met] < 0]
    if asked.size:
        found[asked] = nearest(asked, 1)[:, 0]
    known = np.flatnonzero(found >= 0)
    return known[(found[found[known]] == known) & (y[found[known]] != y[known])]


def edited(
    nearest: Nearest, y: NDArray[Any], asked: NDArray[np.int64], k: int = EDITORS, *, vote: bool = False
) -> NDArray[np.int64]:
    """Find rows whose neighbours are of other classes.

    Parameters
    ----------
    nearest : callable
        ``nearest(queries, k)`` gives the positions of the k nearest rows of rows at positions `queries`.
    y : ndarray of shape (n_samples,), int64
        Class of each row, as a code.
    asked : ndarray of int64
        Positions of the rows that may go.
    k : int
        Neighbours that are asked.
    vote : bool
        Whether a row goes where most of them are of another class, as Wilson has it; else where any is, as
        imbalanced-learn has it.

    Returns
    -------
    ndarray of int64
        Positions of those that go, in the order of `asked`.

    References
    ----------
    Wilson: Asymptotic properties of nearest neighbor rules using edited data. IEEE Trans. SMC 2 (1972),
    doi:10.1109/TSMC.1972.4309137.
    """
    voters = y[nearest(asked, k)]
    if not vote:
        return asked[(voters != y[asked][:, None]).any(axis=1)]
    codes = np.unique(voters)
    votes = np.stack([(voters == code).sum(axis=1) for code in codes], axis=1)
    return asked[codes[votes.argmax(axis=1)] != y[asked]]  # ties to the lowest code

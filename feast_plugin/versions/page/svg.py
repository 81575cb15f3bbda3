"""Shapes of the page's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WIDTH, HEIGHT = 240.0, 72.0
SQUARE = 320.0


def outline(shares: NDArray[Any], top: float) -> str:
    """Draw a histogram as one path.

    Parameters
    ----------
    shares : ndarray of shape (n_bins,)
        Heights.
    top : float
        What fills the picture.

    Returns
    -------
    str
        SVG path data.
    """
    step = WIDTH / len(shares)
    points = [f"M0,{HEIGHT:.0f}"]
    for i, height in enumerate(shares / top):
        y = HEIGHT - height * (HEIGHT - 2)
        points.append(f"L{i * step:.1f},{y:.1f}L{(i + 1) * step:.1f},{y:.1f}")
    return "".join([*points, f"L{WIDTH:.0f},{HEIGHT:.0f}Z"])


def dots(points: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> str:
    """Draw points as one path, for a round cap.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        What lies outside is drawn at the edge.
    low, high : ndarray of shape (2,)
        Ends of the axes.

    Returns
    -------
    str
        SVG path data in a square.
    """
    place = np.clip((points - low) / np.where(high > low, high - low, 1), 0, 1) * (SQUARE - 8) + 4
    return "".join(f"M{x:.0f},{SQUARE - y:.0f}h0" for x, y in dict.fromkeys(map(tuple, np.round(place).tolist())))


class Box(NamedTuple):
    """Quantiles on an axis, as percentages of its length.

    Parameters
    ----------
    name : str
        What is measured.
    ends : tuple of float
        Where the 5th, 25th, 50th, 75th and 95th percentile lie.
    values : tuple of str
        The same in words.
    """

    name: str
    ends: tuple[float, ...]
    values: tuple[str, ...]


def boxes(measured: Sequence[tuple[str, NDArray[Any]]]) -> list[Box]:
    """Set several samples on one axis from 0.

    Parameters
    ----------
    measured : sequence of (str, ndarray)
        Name and values, 0 or more.

    Returns
    -------
    list of Box
        In the same order.
    """
    quantiles = [(name, np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])) for name, values in measured]
    top = max(float(ends[-1]) for _, ends in quantiles) or 1.0
    return [
        Box(name, tuple(round(100 * float(end) / top, 1) for end in ends), tuple(f"{end:.3g}" for end in ends))
        for name, ends in quantiles
    ]

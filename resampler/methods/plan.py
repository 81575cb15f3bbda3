"""`Plan`: what the synthetic rows of one class are made of; whose turn it is, and what it draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.kernels.generation import draw_parents
from resampler.kernels.random import rank_keys
from resampler.layout import as_kernel_array
from resampler.threads import in_chunks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_A_TASK = 32_768


class Plan(NamedTuple):
    """What the synthetic rows of one class are made of.

    Parameters
    ----------
    bases : ndarray of shape (n_bases,), int64
        Positions of the rows to start from.
    row_ids : ndarray of shape (n_bases,), int64
        Identities that key their draws.
    neighbors : ndarray of shape (n_bases, k), int64
        Positions of the rows that each may be joined with.
    weights : ndarray of shape (n_bases,), float64, or None
        How often each is used, relative to the others; None means equally often.
    span : ndarray of shape (n_bases, k), float32, or None
        Steps are drawn from 0 to this; None means 1.
    donors : ndarray of shape (n_bases, n_categorical), int64, or None
        Positions of the rows that each base's copies have their categories from, as
        `resampler.methods.place.elect_donors` gives them.
    """

    bases: NDArray[np.int64]
    row_ids: NDArray[np.int64]
    neighbors: NDArray[np.int64]
    weights: NDArray[np.float64] | None = None
    span: NDArray[np.float32] | None = None
    donors: NDArray[np.int64] | None = None


class Parents(NamedTuple):
    """Where synthetic rows come from.

    Parameters
    ----------
    turn, copy : ndarray of shape (n_synthetic,), int64
        Which of the plan's bases, and which copy of it.
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions.
    step : ndarray of shape (n_synthetic,), float32
        How far towards the neighbour.
    """

    turn: NDArray[np.int64]
    copy: NDArray[np.int64]
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]


def take_turns(
    order: NDArray[np.int64], n_synthetic: int, start: int = 0, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Say which base each synthetic row starts from.

    Copy r of base b is due at ``(r + 1/2) / weights[b]`` and rows come as they are due: Webster's method of
    apportionment. So counts are exact, no base is a whole row away from its share for long, and the first rows of a
    longer sequence are those of a shorter one. With equal weights the bases simply go round.

    Parameters
    ----------
    order : ndarray of shape (n_bases,), int64
        A permutation; who comes first among those that are due at once.
    n_synthetic : int
        Length of the sequence.
    start : int
        Number of its first row.
    weights : ndarray of shape (n_bases,), optional
        Not negative, not all 0.

    Returns
    -------
    turn, copy : ndarray of shape (n_synthetic,), int64
        The base, and which copy of it.

    References
    ----------
    Balinski, Young: Fair Representation (1982), appendix A.
    """
    if weights is None:
        copy, at = np.divmod(np.arange(start, start + n_synthetic), len(order))
        return order[at], copy
    last = start + n_synthetic
    share = weights / weights.sum()
    # Nobody gets more by the time that `last` rows are due; the one is for rounding.
    most = np.where(share > 0, np.floor(share * (last + len(order) / 2) + 0.5) + 1, 0).astype(np.int64)
    most = most[order]
    base = np.repeat(order, most)
    copy = np.arange(len(base)) - np.repeat(np.cumsum(most) - most, most)
    first = np.argsort((copy + 0.5) / share[base], kind="stable")[start:last]
    return base[first], copy[first]


def draw(plan: Plan, n_synthetic: int, seed: int, stream: int, start: int = 0) -> Parents:
    """Draw the parents and steps of synthetic rows start, start + 1, ... of the endless sequence.

    Parameters
    ----------
    plan : Plan
        At least one base and one neighbour each.
    n_synthetic : int
        How many rows.
    seed : int
        From 0 to 2**64 - 1.
    stream : int
        The class's, from 0 to 2**32 - 1.
    start : int
        Number of the first.

    Returns
    -------
    Parents
        Row i is keyed by (seed, stream, row id of its base, number of the copy) alone.
    """
    key, row_ids = np.uint64(seed), as_kernel_array(plan.row_ids, np.int64)
    ranks = np.empty(len(plan.bases), dtype=np.uint64)
    rank_keys(key, stream, row_ids, ranks)
    turn, copy = take_turns(np.lexsort((row_ids, ranks)), n_synthetic, start, plan.weights)
    span = np.ones(plan.neighbors.shape, dtype=np.float32) if plan.span is None else plan.span
    neighbor = np.empty(n_synthetic, dtype=np.int64)
    step = np.empty(n_synthetic, dtype=np.float32)

    def _run(first: int, last: int) -> None:
        part = slice(first, last)
        draw_parents(row_ids, plan.neighbors, span, turn[part], copy[part], key, stream, neighbor[part], step[part])

    in_chunks(_run, n_synthetic, _ROWS_A_TASK)
    return Parents(turn, copy, plan.bases[turn], neighbor, step)

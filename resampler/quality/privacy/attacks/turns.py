"""What a seed says of synthetic rows: whose turn each was, which partner it drew, and how far it went."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resampler.kernels.generation import draw_parents
from resampler.kernels.random import copy_keys, rank_keys
from resampler.methods.catalog import METHODS
from resampler.methods.plan import Plan, draw
from resampler.methods.select import every_row
from resampler.secret import apart

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.quality.privacy.exposure import Known

_SURE = 1e-6  # how far from 1 the part of an unknown may be that the rows decide
_SINGULAR = 1e-10  # of the largest eigenvalue


class Turns(NamedTuple):
    """What each synthetic row is supposed to be, in the order in which the rows are stored.

    Parameters
    ----------
    base, slot : ndarray of shape (n_synthetic,), int64
        Which of the candidates, and which of its partners, from 0 on.
    step : ndarray of shape (n_synthetic,), float64
        How far towards the partner.
    """

    base: NDArray[np.int64]
    slot: NDArray[np.int64]
    step: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Turns:
        """Take some rows.

        Parameters
        ----------
        rows : ndarray of int64
            Which, in the order that is wanted.

        Returns
        -------
        Turns
            Of these.
        """
        return Turns(self.base[rows], self.slot[rows], self.step[rows])


class Solved(NamedTuple):
    """Rows at the ends of steps, by least squares.

    Parameters
    ----------
    ends : ndarray of shape (n_bases, 1 + k, n_columns), float64
        The base, then its partners.
    doubt : ndarray of shape (n_bases, 1 + k), float64
        Variance of each, in that of a row; infinite where the rows do not decide it.
    misfit : float
        Mean square of what the steps leave unexplained, by degree of freedom; NaN where there is none to tell by.
    """

    ends: NDArray[np.float64]
    doubt: NDArray[np.float64]
    misfit: float


def known_turns(method: str) -> bool:
    """Say whether a seed and identities alone tell what rows of a method are made of.

    Parameters
    ----------
    method : str
        Of the catalogue.

    Returns
    -------
    bool
        True where every row of the class is a base as often as the others, and rows lie on segments.
    """
    rule = METHODS.get(method)
    return rule is not None and rule.select is every_row and rule.place == "segment" and rule.joins and not rule.hardens


def suppose(known: Known, seed: int, n_synthetic: int, *, shuffled: bool) -> Turns:
    """Draw again what a seed would have drawn.

    Parameters
    ----------
    known : Known
        Identities, class and method.
    seed : int
        The supposed one.
    n_synthetic : int
        Rows of the class.
    shuffled : bool
        Whether rows stand in the order of `resampler.methods.order`, or as bases take turns.

    Returns
    -------
    Turns
        Right if the seed is, and the identities are those of all bases.
    """
    m = len(known.row_ids)
    partners = _partners(known, m)
    drawn = draw(Plan(np.arange(m), known.row_ids, partners), n_synthetic, seed, known.stream)
    turns = Turns(drawn.turn, drawn.neighbor, drawn.step.astype(np.float64))
    if not shuffled:
        return turns
    ids, keys = known.row_ids[drawn.turn], np.empty(n_synthetic, dtype=np.uint64)
    copy_keys(np.uint64(apart(seed, "order")), known.stream, ids, drawn.copy, keys)
    order = np.lexsort((drawn.copy, ids, keys))
    return turns.take(order)


def first_turns(known: Known, seed: int, n_synthetic: int, bases: int) -> tuple[NDArray[np.int64], Turns]:
    """Draw again only what those bases would have drawn that take the first turns of rows in that order.

    Parameters
    ----------
    known : Known
        Identities, class and method.
    seed : int
        The supposed one.
    n_synthetic : int
        Rows of the class.
    bases : int
        So many bases.

    Returns
    -------
    rows : ndarray of shape (n_rows,), int64
        Which synthetic rows these are.
    turns : Turns
        As `suppose` gives them, bases by their turn.
    """
    m = len(known.row_ids)
    ranks = np.empty(m, dtype=np.uint64)
    rank_keys(np.uint64(seed), known.stream, known.row_ids, ranks)
    first = known.row_ids[np.lexsort((known.row_ids, ranks))[:bases]]
    copy, base = (of.ravel() for of in np.indices((-(-n_synthetic // m), len(first))))
    rows = copy * m + base
    there = rows < n_synthetic
    rows, copy, base = rows[there], copy[there], base[there]
    slot, step = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.float32)
    partners = _partners(known, len(first))
    span = np.ones(partners.shape, dtype=np.float32)
    draw_parents(first, partners, span, base, copy, np.uint64(seed), known.stream, slot, step)
    return rows, Turns(base, slot, step.astype(np.float64))


def _partners(known: Known, bases: int) -> NDArray[np.int64]:
    """Return the numbers of the partners of so many bases."""
    return np.tile(np.arange(max(1, min(known.k_neighbors, len(known.row_ids) - 1))), (bases, 1))


def solve(points: NDArray[np.float64], turns: Turns) -> Solved:
    """Find where the ends of steps lie.

    Parameters
    ----------
    points : ndarray of shape (n_synthetic, n_columns), float64
        Rows about their middle, without nulls.
    turns : Turns
        What they are supposed to be.

    Returns
    -------
    Solved
        Base by base, for the candidates from 0 to the last that has a row.

    Notes
    -----
    A copy lies at ``(1 - step) * base + step * partner``: linear in the base and its partners, and the more copies the
    less noise of the rows is left. Two copies with one partner decide both; once a base is decided, one copy decides a
    partner.
    """
    k, d = int(turns.slot.max(initial=0)) + 1, points.shape[1]
    m = int(turns.base.max(initial=-1)) + 1
    order = np.argsort(turns.base, kind="stable")
    base = turns.base[order]
    start = np.searchsorted(base, np.arange(m + 1))
    copy = np.arange(len(base)) - start[base]
    most = int(copy.max(initial=-1)) + 1
    design, made = np.zeros((m, most, 1 + k)), np.zeros((m, most, d))
    design[base, copy, 0] = 1.0 - turns.step[order]
    design[base, copy, 1 + turns.slot[order]] = turns.step[order]
    made[base, copy] = points[order]
    square = design.transpose(0, 2, 1) @ design
    inverse = np.linalg.pinv(square, rcond=_SINGULAR, hermitian=True)
    ends = inverse @ (design.transpose(0, 2, 1) @ made)
    decided = np.einsum("mij,mji->mi", inverse, square)
    doubt = np.where(decided > 1 - _SURE, np.einsum("mii->mi", inverse), np.inf)
    doubt[np.einsum("mii->mi", square) <= 0] = np.inf
    free = float((np.diff(start) - np.round(decided.sum(axis=1))).sum()) * d
    misfit = float(((made - design @ ends) ** 2).sum()) / free if free > 0 else float("nan")
    return Solved(ends, doubt, misfit)

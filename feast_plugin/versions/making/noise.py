"""Noise: rows of a class with none of their own near; they can be kept from being parents."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from feast_plugin.versions.making.matrix import encode
from resampler.errors import DataError
from resampler.methods.quota import wanted
from resampler.quality.checks.near import NEIGHBORS
from resampler.quality.checks.sample import keyed
from resampler.quality.checks.space import Space

if TYPE_CHECKING:
    from decimal import Decimal

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows


class Surroundings(NamedTuple):
    """Rows of a class among as many of the other classes, chosen by draws that are keyed on their ids.

    Parameters
    ----------
    own, others : ndarray of int64
        Positions in the canonical table.
    X : ndarray of shape (n_own + n_others, n_features), float64
        Their values, those of the class first.
    foreign : ndarray of shape (n_own,), int64
        How many of each one's `resampler.quality.checks.near.NEIGHBORS` nearest rows are of other classes.
    space : Space
        The distance.
    """

    own: NDArray[np.int64]
    others: NDArray[np.int64]
    X: NDArray[np.float64]
    foreign: NDArray[np.int64]
    space: Space

    @property
    def noisy(self) -> NDArray[np.int64]:
        """Positions of the rows with none of their own near."""
        return self.own[self.foreign == NEIGHBORS]


def surroundings(
    rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, scale: NDArray[np.float32], code: int
) -> Surroundings:
    """Look at what surrounds the rows of a class.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Columns, measured.
    scale : ndarray of shape (n_features,), float32
        Unit of distance of each column.
    code : int
        The class.

    Returns
    -------
    Surroundings
        Where there are fewer rows than neighbours are asked for, none is noise.
    """
    own = np.flatnonzero(train & (rows.label == code))
    rest = np.flatnonzero(train & (rows.label != code))
    others = np.sort(rest[keyed(rows.row_id[rest], len(own))])
    names = [c.name for c in contract.columns]
    members = np.concatenate([own, others])
    order = np.argsort(members)  # pages are read in order
    matrix, _ = encode(rows.take(names, members[order]), contract)
    X = np.empty(matrix.shape)
    X[order] = matrix
    X[~np.isfinite(X)] = np.nan
    mask = contract.feature_schema(rows.classes).categorical_mask
    space = Space.of(X, mask, np.where(mask, 1.0, scale.astype(np.float64)))
    if len(members) <= NEIGHBORS:
        return Surroundings(own, others, X, np.zeros(len(own), dtype=np.int64), space)
    nearest = space.nearest(X, NEIGHBORS, rows.row_id[members], np.arange(len(own)))
    return Surroundings(own, others, X, (nearest >= len(own)).sum(axis=1), space)


def noisy_rows(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    contract: Contract,
    scale: NDArray[np.float32],
    ratio: float | Decimal,
) -> NDArray[np.bool_]:
    """Find the noise of the classes that get synthetic rows.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Columns, measured.
    scale : ndarray of shape (n_features,), float32
        Unit of distance of each column.
    ratio : float or decimal.Decimal
        Minority : majority, which decides what classes these are.

    Returns
    -------
    ndarray of shape (n_rows,), bool
        Rows that are no parents.

    Raises
    ------
    GateError
        If every class has the ratio already.
    DataError
        If all rows of a class are noise.
    """
    codes, sizes = np.unique(rows.label[train], return_counts=True)
    found = np.zeros(len(train), dtype=np.bool_)
    for code in wanted(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), ratio):
        around = surroundings(rows, train, contract, scale, code)
        if len(around.noisy) == len(around.own):
            name = rows.classes.classes[code] if rows.classes.classes else code
            raise DataError(
                f"exclude_noisy leaves no row of class {name!r} to be a parent: all of {len(around.own)} have "
                "neighbours of other classes alone: leave it out, or see whether the features say anything of the class"
            )
        found[around.noisy] = True
    return found

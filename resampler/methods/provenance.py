"""`Provenance`: where the synthetic rows of a matrix came from, and all that puts them there again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from resampler.microaggregation import Groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from resampler.grids import Grid
    from resampler.relations import Relation


class Draws(NamedTuple):
    """What a row draws beside the step, where its place (`resampler.kernels.places`) or its grids do.

    Parameters
    ----------
    row_id, number, stream : ndarray of shape (n_synthetic,), int64
        What keys each row's draw beside the seed.
    part : ndarray of shape (n_synthetic,), int64
        Which row of `width` is each row's.
    width : ndarray of shape (n_parts, n_features), float64
        Spread of each numeric column about a row; of no columns where the place has none.
    seed : int
        The seed.
    """

    row_id: NDArray[np.int64]
    number: NDArray[np.int64]
    stream: NDArray[np.int64]
    part: NDArray[np.int64]
    width: NDArray[np.float64]
    seed: int


class Provenance(NamedTuple):
    """Where each synthetic row came from, in the order of the rows.

    Parameters
    ----------
    label : ndarray of shape (n_synthetic,)
        Its class.
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions of the parents in the rows that were given.
    step : ndarray of shape (n_synthetic,), float32
        How far towards the neighbour.
    donor : ndarray of shape (n_synthetic, n_categorical), int64
        Positions of the rows that categorical columns are copied from.
    categorical_features : ndarray of shape (n_categorical,), int64
        Which columns these are.
    place : str
        Where the row lies in the other columns: one of `resampler.kernels.places.PLACES`. On the ``segment`` they are
        ``X[base] + step * (X[neighbor] - X[base])``, rounded in integer columns.
    draws : Draws, optional
        What the place, or putting on grids, draws beside the step, where it does.
    grids : tuple of Grid or None, optional
        By column, what the row was put on; None where values lie anywhere.
    relations : tuple of Relation
        Which columns were made to follow from others then.
    groups : Groups, optional
        Of a hardened row: the groups that it was made from. Then `base` and `neighbor` say which of these, and never
        name a row; `draws` has the identity of the base's group; a row of `donor` only stands for the category that it
        holds: the first of the class that does.
    stand_in : ndarray of shape (n_groups,), int64, optional
        A row of the class and subgroup of each group, the first of them, in it or not: for labels and what is carried
        along.

    Notes
    -----
    This and the rows that were given are all that `resampler.samplers.replay` needs to make the same bits again; of
    hardened rows this alone, beside the type of the columns.
    """

    label: NDArray[Any]
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]
    donor: NDArray[np.int64]
    categorical_features: NDArray[np.int64]
    place: str = "segment"
    draws: Draws | None = None
    grids: tuple[Grid | None, ...] | None = None
    relations: tuple[Relation, ...] = ()
    groups: Groups | None = None
    stand_in: NDArray[np.int64] | None = None

    @property
    def sources(self) -> NDArray[np.int64]:
        """Position of a real row of each one's class and subgroup: its base, or what stands for its group."""
        return self.base if self.stand_in is None else self.stand_in[self.base]

    def take(self, rows: NDArray[Any] | slice) -> Provenance:
        """Keep some of the synthetic rows.

        Parameters
        ----------
        rows : ndarray or slice
            Their positions, or a mask.

        Returns
        -------
        Provenance
            In that order.
        """
        draws = self.draws
        if draws is not None:
            draws = Draws._make((*(column[rows] for column in draws[:4]), draws.width, draws.seed))
        kept = (column[rows] for column in self[:5])
        return Provenance._make((*kept, self.categorical_features, self.place, draws, *self[8:]))


def join(parts: Sequence[Provenance]) -> Provenance:
    """Put the provenance of several classes or subgroups end to end.

    Parameters
    ----------
    parts : sequence of Provenance
        One or more, of the same columns, place, seed and grids.

    Returns
    -------
    Provenance
        Of all their rows.
    """
    first, draws = parts[0], None
    known = [part.draws for part in parts if part.draws is not None]
    if known:
        offset = np.cumsum([0, *(len(each.width) for each in known)])
        keys = [np.concatenate(column) for column in zip(*(each[:3] for each in known), strict=True)]
        part_of = np.concatenate([each.part + at for each, at in zip(known, offset[:-1], strict=True)])
        width = np.concatenate([each.width for each in known])
        draws = Draws._make((*keys, part_of, width, known[0].seed))
    columns = [np.concatenate(column) for column in zip(*(part[:5] for part in parts), strict=True)]
    joined = Provenance._make((*columns, first.categorical_features, first.place, draws, *first[8:]))
    return joined if first.groups is None else _with_groups(joined, parts)


def _with_groups(joined: Provenance, parts: Sequence[Provenance]) -> Provenance:
    """Put the groups of parts end to end, too, and count bases and neighbours through all of them."""
    groups = Groups.joined([part.groups for part in parts if part.groups is not None])
    of = np.repeat(np.arange(len(parts)), [len(part.base) for part in parts])
    before = np.cumsum([0, *(len(part.groups.id) for part in parts if part.groups is not None)])[of]
    return joined._replace(
        base=joined.base + before,
        neighbor=joined.neighbor + before,
        groups=groups,
        stand_in=np.concatenate([part.stand_in for part in parts if part.stand_in is not None]),
    )

"""Whom a base may be joined with, and how far towards each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.select import Selection
    from resampler.methods.task import Task


class Pairing(NamedTuple):
    """Neighbours of bases.

    Parameters
    ----------
    neighbors : ndarray of shape (n_bases, k), int64
        Positions.
    span : ndarray of shape (n_bases, k), float32, or None
        Steps are drawn from 0 to this; None means 1.
    """

    neighbors: NDArray[np.int64]
    span: NDArray[np.float32] | None = None


def own_class(task: Task, chosen: Selection) -> Pairing:
    """Join bases with the nearest rows of their class, and of their subgroup where there are such.

    Parameters
    ----------
    task : Task
        The class.
    chosen : Selection
        Its bases.

    Returns
    -------
    Pairing
        `k_neighbors` each.
    """
    bases, members, k = chosen.bases, task.members, task.parameters.k_neighbors
    if task.table.groups is None:
        return Pairing(task.nearest(bases, k, within=members))
    return Pairing(_within(task, bases, task.table.groups[bases], members, task.table.groups[members]))


def own_cluster(task: Task, chosen: Selection) -> Pairing:
    """Join bases with the nearest rows of their cluster and class.

    Parameters
    ----------
    task : Task
        The class.
    chosen : Selection
        Its bases; `mark` is the cluster of each, and a cluster's rows are all there.

    Returns
    -------
    Pairing
        `k_neighbors` each.
    """
    assert chosen.mark is not None  # noqa: S101 - of `by_cluster`
    return Pairing(_within(task, chosen.bases, chosen.mark, chosen.bases, chosen.mark))


def _within(
    task: Task, bases: NDArray[np.int64], of: NDArray[np.int64], rows: NDArray[np.int64], rows_of: NDArray[np.int64]
) -> NDArray[np.int64]:
    k = task.parameters.k_neighbors
    found = np.empty((len(bases), task.search.count(k)), dtype=np.int64)
    for value in np.unique(of):
        asked = of == value
        found[asked] = task.nearest(bases[asked], k, within=rows[rows_of == value])
    return found


def any_class(task: Task, chosen: Selection) -> Pairing:
    """Join bases with the nearest rows of any class, half the way at most where it is another.

    Parameters
    ----------
    task : Task
        The class.
    chosen : Selection
        Its bases.

    Returns
    -------
    Pairing
        `k_neighbors` each.

    References
    ----------
    Han, Wang, Mao: Borderline-SMOTE. ICIC 2005, section 3.2, doi:10.1007/11538059_91.
    """
    groups = task.table.groups
    if groups is None:
        found = task.nearest(chosen.bases, task.parameters.k_neighbors)
    else:
        found = _within(task, chosen.bases, groups[chosen.bases], np.arange(len(groups)), groups)
    return Pairing(found, np.where(task.foreign(found), 0.5, 1).astype(np.float32))


def towards_or_away(task: Task, chosen: Selection) -> Pairing:
    """Join bases with the nearest rows of their class: towards them from danger, away from them elsewhere.

    Parameters
    ----------
    task : Task
        The class; `out_step` is how far away.
    chosen : Selection
        Its bases; `mark` is 1 for one in danger.

    Returns
    -------
    Pairing
        `k_neighbors` each.
    """
    assert chosen.mark is not None  # noqa: S101 - of `by_support_vectors`
    found = own_class(task, chosen).neighbors
    span = np.where(chosen.mark > 0, 1, -task.parameters.out_step)[:, None] * np.ones(found.shape[1])
    return Pairing(found, span.astype(np.float32))


def itself(task: Task, chosen: Selection) -> Pairing:  # noqa: ARG001 - one signature for all
    """Join each base with itself.

    Parameters
    ----------
    task : Task
        The class.
    chosen : Selection
        Its bases.

    Returns
    -------
    Pairing
        One each, and no way to go.
    """
    return Pairing(chosen.bases[:, None].copy(), np.zeros((len(chosen.bases), 1), dtype=np.float32))


def still(task: Task, chosen: Selection) -> Pairing:
    """Join bases with the nearest rows of their class, for the vote alone.

    Parameters
    ----------
    task : Task
        The class.
    chosen : Selection
        Its bases.

    Returns
    -------
    Pairing
        `k_neighbors` each, and no way to go.
    """
    found = own_class(task, chosen).neighbors
    return Pairing(found, np.zeros(found.shape, dtype=np.float32))

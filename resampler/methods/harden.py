"""Rows made from what is known of groups of rows: microaggregation, then a step between centroids and noise.

A class's rows are cut into groups (`resampler.microaggregation`). A row starts at a group's centroid, goes up to half
the way to the centroid of a near group, and is moved by noise as wide as the group in each column; categories and nulls
are drawn from the group's counts. No row is read when one is made, and its provenance names groups.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from resampler.kernels.microaggregation import pick
from resampler.methods.plan import Plan, draw
from resampler.methods.provenance import Draws
from resampler.microaggregation import SPAN, Groups, form_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from resampler.methods.provenance import Provenance
    from resampler.methods.table import Table
    from resampler.methods.task import Task


def no_groups(nothing: Provenance, table: Table) -> Provenance:
    """Return the provenance of no hardened rows.

    Parameters
    ----------
    nothing : Provenance
        Of no rows.
    table : Table
        Whose columns they have.

    Returns
    -------
    Provenance
        With no groups, and what joins with those of a class.
    """
    none = np.empty(0, dtype=np.int64)
    return nothing._replace(
        groups=Groups.none(table.X.shape[1], nothing.categorical_features),
        stand_in=none,
        draws=Draws(none, none, none, none, np.empty((0, 0)), 0),
    )


def hardened(task: Task, nothing: Provenance) -> Provenance:
    """Say which groups the rows of one class, or of one class of a subgroup, are made from.

    Parameters
    ----------
    task : Task
        The class. Where the table has subgroups that grow as one, no group holds rows of two.
    nothing : Provenance
        Of no rows, with what all of its rows have.

    Returns
    -------
    Provenance
        Copy r of group a is keyed by (seed, class, identity of the group, r). Groups take turns by their sizes.

    Raises
    ------
    DataError
        If there are fewer rows than two groups of any subgroup, or a column has no category that enough rows have.
    """
    part, members = task.part, task.members
    groups, own = _formed(task, members)
    weights = None if len(set(groups.size.tolist())) == 1 else groups.size.astype(np.float64)
    span = np.full(groups.near.shape, SPAN, dtype=np.float32)
    n = part.n_synthetic
    plan = Plan(np.arange(len(groups.id)), groups.id, groups.near, weights, span)
    parents = draw(plan, n, task.seed, part.stream)
    keys = groups.id[parents.turn], parents.copy, np.full(n, part.stream, dtype=np.int64)
    chosen = np.empty((n, len(groups.column)), dtype=np.int64)
    pick(groups, parents.turn, *keys, np.uint64(task.seed), chosen)
    return nothing._replace(
        label=np.full(n, part.label, dtype=task.table.y.dtype),
        base=parents.base,
        neighbor=parents.neighbor,
        step=parents.step,
        donor=part.place(_holders(task, members, groups)[chosen]),
        draws=Draws(*keys, np.zeros(n, dtype=np.int64), np.empty((1, 0)), task.seed),
        groups=groups,
        stand_in=part.place(own),
    )


def _formed(task: Task, members: NDArray[np.int64]) -> tuple[Groups, NDArray[np.int64]]:
    """Return the groups of a class, and for each the first row of its class and subgroup."""
    table, asked = task.table, task.parameters
    if table.groups is None:
        parts = [(members, task.part.name)]
    else:
        of = table.groups[members]
        parts = [(members[of == value], f"{task.part.name} in subgroup {value!r}") for value in np.unique(of).tolist()]
    formed = [
        form_groups(
            table.X[rows],
            task.row_ids(rows),
            group_size=asked.group_size,
            k_neighbors=task.search.count(asked.k_neighbors),
            categorical=table.categorical,
            seed=task.seed,
            stream=task.part.stream,
            names=table.names,
            called=name,
            method=task.search.method,
        )
        for rows, name in parts
    ]
    own = np.repeat([rows[0] for rows, _ in parts], [len(groups.id) for groups in formed])
    return Groups.side_by_side(formed), own


def _holders(task: Task, members: NDArray[np.int64], groups: Groups) -> NDArray[np.int64]:
    """Return, for each code, the first row of the class that has it: a row that stands for the code alone."""
    found = np.empty(len(groups.code), dtype=np.int64)
    for at, j in enumerate(groups.column.tolist()):
        codes, first = np.unique(task.table.X[members, j], return_index=True)
        of = slice(groups.start[at], groups.start[at + 1])
        found[of] = members[first[np.searchsorted(codes, groups.code[of])]]
    return found

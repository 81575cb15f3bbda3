"""How many rows a class has before neighbours are sought: too few to be joined, or so many that it takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from feast_plugin.notices import notice
from resampler.errors import DataError
from resampler.methods.catalog import METHODS
from resampler.methods.quota import parts_of
from resampler.methods.select import every_row

if TYPE_CHECKING:
    from resampler.methods.parameters import Parameters
    from resampler.methods.table import Table

LONG_ROWS = 500_000  # from here on exact neighbours take minutes


def check_sizes(
    table: Table,
    lacking: dict[int, int],
    names: dict[int, Any],
    sampler: str,
    parameters: Parameters,
    group_by: str | None,
    subgroups: str,
    more: str,
) -> None:
    """Refuse classes, and subgroups of them, that have too few rows: all that have, before a search for any.

    Parameters
    ----------
    table : Table
        Rows that may be parents.
    lacking : dict of int to int
        Rows that each class is to get.
    names : dict of int to object
        What messages call a class.
    sampler : str
        A key of `resampler.methods.catalog.METHODS`.
    parameters : Parameters
        Of the method.
    group_by : str or None
        What messages call the column of subgroups.
    subgroups : {"within", "proportional"}
        Whether each is balanced within itself.
    more : str
        What lets more rows be parents, in words that begin with a comma.

    Raises
    ------
    DataError
        If one has fewer rows than a method that joins rows needs.
    """
    k = parameters.k_neighbors if METHODS[sampler].joins else 0
    for code in lacking:
        held = int(np.count_nonzero(table.y == code))
        if held <= k:
            raise DataError(
                f"k_neighbors={k} needs at least {k + 1} rows of class {names[code]!r} in the training split that can "
                f"be parents, got {held}: {'lower k_neighbors' if held > 1 else 'use sampler random'}{more}, change "
                "the split or gather more rows"
            )
    within = subgroups == "within"
    if table.groups is None or not (within or METHODS[sampler].select is every_row):
        return  # which subgroups have bases shows when these are chosen
    small: dict[Any, list[str]] = {}
    for part in parts_of(table.y, lacking, table.groups if within else None, names, table.around):
        of = table.groups[table.y == part.label]
        values, sizes = np.unique(of, return_counts=True)
        asked = (
            {part.group: int(np.count_nonzero(of == part.group))}
            if within
            else dict(zip(values.tolist(), sizes.tolist(), strict=True))
        )
        small.setdefault(names[part.label], []).extend(
            f"{group_by}={value!r} ({size})" for value, size in asked.items() if size <= k
        )
    for name, shown in small.items():
        if shown:
            others = f" and {len(shown) - 5} more" if len(shown) > 5 else ""
            raise DataError(
                f"k_neighbors={k} needs at least {k + 1} rows of class {name!r} in each subgroup of the training split "
                f"that can be parents, too few have {', '.join(shown[:5])}{others}: "
                f"{'lower k_neighbors' if k > 1 else 'use sampler random'}{more} or group by a coarser column"
            )


def say_long(table: Table, lacking: dict[int, int], names: dict[int, Any], *, around: bool) -> None:
    """Say where an exact search will take long, and what makes it short.

    Parameters
    ----------
    table : Table
        Rows that may be parents.
    lacking : dict of int to int
        Rows that each class is to get.
    names : dict of int to object
        What messages call a class.
    around : bool
        Whether the method looks at all classes.
    """
    for code, n in lacking.items():
        rows = len(table.y) if around else int(np.count_nonzero(table.y == code))
        if n and rows > LONG_ROWS:
            notice(
                f"all neighbours of class {names[code]!r} are sought among {rows:,} rows, which may take long: recall "
                "0.5 (--recall 0.5) asks for half of them, and is many times faster"
            )

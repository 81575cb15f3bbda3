"""Which rows a cleaner takes out of an augmented training split."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.making.encoded import encode_by_parts
from feast_plugin.versions.making.mapped import Mapped
from feast_plugin.versions.making.matrix import encode
from feast_plugin.versions.making.nulls import may_be_parents
from resampler.errors import GateError
from resampler.methods.clean import edited, tomek_links
from resampler.methods.quota import wanted
from resampler.methods.table import Search, Table
from resampler.partitioned.search import PartedSearch
from resampler.search_rule import LATEST, earliest_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.recipe import Recipe
    from resampler.engines.workplace import Workplace
    from resampler.methods.clean import Nearest
    from resampler.methods.parameters import Missing

_REMEDY = "undersample drops rows of the larger classes first, and without clean none is sought"


class Cleaned(NamedTuple):
    """What cleaning leaves out.

    Parameters
    ----------
    real : ndarray of shape (n_rows,), bool
        Rows of the canonical table that leave the training split.
    synthetic : ndarray of shape (n_synthetic,), bool
        Synthetic rows that leave it.
    """

    real: NDArray[np.bool_]
    synthetic: NDArray[np.bool_]


def with_rule(recipe: Recipe, rows: CanonicalRows, assignment: NDArray[np.uint8], contract: Contract) -> Recipe:
    """Name in a recipe the rule by which cleaning seeks neighbours: an earlier one, where it seeks as today's does.

    Parameters
    ----------
    recipe : Recipe
        With nothing else left open.
    rows : CanonicalRows
        The canonical table.
    assignment : ndarray of shape (n_rows,), uint8
        Split of each row.
    contract : Contract
        Columns.

    Returns
    -------
    Recipe
        So that one whose rows do not change is the same, and a version of it is found again.
    """
    if recipe.cleaner is None or recipe.search != LATEST:
        return recipe
    codes, sizes = np.unique(rows.label[assignment == TRAIN], return_counts=True)
    try:
        made = wanted(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), recipe.exactly(recipe.ratio))
    except GateError:  # nothing will be made, and nothing cleaned
        made = {}
    n_rows = int(sizes.sum()) + sum(made.values())
    return dataclasses.replace(recipe, search=earliest_alike(n_rows, contract.measured(rows.table).width))


def rows_to_remove(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    made: Augmentation,
    contract: Contract,
    cleaner: str,
    missing: Missing,
    rule: str,
    place: Workplace | None = None,
) -> Cleaned:
    """Find what a cleaner takes out of the training split after it was augmented.

    Synthetic rows go, and real ones of classes that got none. A real row of a class that is filled up always stays,
    since it is what the version is about, and so does a parent.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    made : Augmentation
        The synthetic rows.
    contract : Contract
        Columns.
    cleaner : str
        One of `resampler.methods.clean.CLEANERS`.
    missing : {"inherit", "complete", "refuse"}
        What rows with nulls are.
    rule : str
        By which neighbours are sought (`resampler.search_rule`).
    place : Workplace, optional
        Whose engine seeks neighbours; by default this process does.

    Returns
    -------
    Cleaned
        A row that can be no parent for its nulls or infinite values has no neighbours and stays.

    Notes
    -----
    Memory follows the training split, and so does time. Where the rule's search is approximate, neighbours are found to
    a recall of 0.95 (`resampler.neighbors.nearest_rows`), the same ones in every run.

    References
    ----------
    Tomek 1976, doi:10.1109/TSMC.1976.4309452. Wilson 1972, doi:10.1109/TSMC.1972.4309137. After over-sampling:
    Batista, Prati, Monard, SIGKDD Explorations 6 (2004), doi:10.1145/1007730.1007735.
    """
    members = np.flatnonzero(train)
    contract = contract.measured(rows.table)
    label = np.concatenate([rows.label[members], made.parents.label])
    if place is None or made.lying is None:
        real = rows.take(made.table.column_names, members)
        every, _ = encode(pa.concat_tables([real, made.table]), contract)
        whole = np.flatnonzero(may_be_parents(every, missing))
        matrix = every[whole]
        del real, every
    else:
        sources = [Mapped.canonical(rows, members, place, "cleaned"), made.lying]
        encoded = encode_by_parts(place, "cleaning", sources, contract, missing)
        whole, matrix = np.flatnonzero(encoded.parental), encoded.matrix
    filled = np.unique(made.parents.label)
    parents = np.isin(members, np.concatenate([made.parents.base, made.parents.neighbor]))
    stays = np.append(np.isin(rows.label[members], filled) | parents, np.zeros(made.table.num_rows, dtype=np.bool_))
    may_go = ~stays[whole]
    nearest = _search(matrix, label[whole], made, rule, place)
    if cleaner == "tomek":
        found = tomek_links(nearest, label[whole])
        found = found[may_go[found]]
    else:
        found = edited(nearest, label[whole], np.flatnonzero(may_go))
    gone = np.zeros(len(label), dtype=np.bool_)
    gone[whole[found]] = True
    out = np.zeros(len(train), dtype=np.bool_)
    out[members] = gone[: len(members)]
    return Cleaned(out, gone[len(members) :])


def _search(
    matrix: NDArray[Any], label: NDArray[np.int64], made: Augmentation, rule: str, place: Workplace | None
) -> Nearest:
    """Return a search among the rows, in the units of distance that synthetic rows were made in."""
    mask = made.schema.categorical_mask
    units = np.where(mask, 1.0, made.schema.scale)
    table = Table(matrix, label, categorical=mask if mask.any() else None, units=units)
    among = np.arange(len(matrix))
    penalty = table.penalty_of(among)
    search = Search(rule) if place is None else PartedSearch(place.room("cleaning"), rule, remedy=_REMEDY)

    def nearest(queries: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        return search.find(table, matrix, queries, k, "cleaning", penalty, among)

    return nearest

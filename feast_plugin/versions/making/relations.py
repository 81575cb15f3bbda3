"""Features that follow from others in all rows of the training split, so that synthetic rows can keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.matrix import column_numbers, encode
from resampler.integers import EXACT
from resampler.relations import ROWS, Relation, candidates, in_single

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows


def learn_relations(rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract) -> list[Relation]:
    """Find the features that follow from others.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split: all of its rows have to agree.
    contract : Contract
        Its columns, measured.

    Returns
    -------
    list of Relation
        By place in the matrix, as `resampler.relations.find_relations`. Arrays and integers that a float64 may not hold
        are not looked at.

    Notes
    -----
    A few rows say what may hold; then one pass over the columns of that, in batches.
    """
    plain = {span.start: c for c, span in contract.spans if not (c.categorical or c.array)}
    members = np.flatnonzero(train)
    some = rows.take([c.name for c in contract.columns], members[:: max(1, len(members) // ROWS)])
    sample, _ = encode(some, contract)
    found = candidates(sample, sorted(plain))
    single = {at: in_single(sample[:, at]) for at in plain}

    def _holds(one: Relation, values: dict[int, NDArray[Any]]) -> bool:
        columns = (one.column, *one.terms)
        terms = np.column_stack([values[at] for at in one.terms])
        wide = any(np.abs(values[at]).max(initial=0) >= EXACT for at in columns)
        return not wide and one.holds(values[one.column], terms, single=all(single[at] for at in columns))

    for start in range(0, len(train), BATCH_ROWS):
        chosen = pa.array(train[start : start + BATCH_ROWS])
        values = {}
        for at in {at for one in found for at in (one.column, *one.terms)}:
            part = rows.table[plain[at].name].slice(start, BATCH_ROWS).filter(chosen)
            values[at] = column_numbers(part, plain[at])[:, 0]
        found = [one for one in found if _holds(one, values)]
        rows.release()
    return found


def plain_data(found: list[Relation], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return relations as a manifest notes them.

    Parameters
    ----------
    found : list of Relation
        By place in the matrix.
    names : tuple of str
        Of the columns of the matrix.

    Returns
    -------
    list of dict
        By name.
    """
    return [
        {"column": names[one.column], "terms": [names[at] for at in one.terms], "factor": one.factor} for one in found
    ]


def from_plain_data(noted: list[dict[str, Any]], names: tuple[str, ...]) -> list[Relation]:
    """Return relations as a matrix needs them.

    Parameters
    ----------
    noted : list of dict
        From `plain_data`.
    names : tuple of str
        Of the columns of the matrix.

    Returns
    -------
    list of Relation
        By place in the matrix.
    """
    at = {name: place for place, name in enumerate(names)}
    return [Relation(at[one["column"]], tuple(at[name] for name in one["terms"]), one["factor"]) for one in noted]


def count_broken(table: pa.Table, noted: list[dict[str, Any]], contract: Contract) -> dict[str, int]:
    """Count the rows that do not keep relations.

    Parameters
    ----------
    table : pyarrow.Table
        Synthetic rows, as they are published.
    noted : list of dict
        From `plain_data`.
    contract : Contract
        Columns.

    Returns
    -------
    dict
        By relation, in words; those that all rows keep are left out.
    """
    of = {c.name: c for c in contract.columns}
    broken = {}
    for data in noted:
        one = Relation(data["column"], tuple(data["terms"]), data["factor"])
        if not {one.column, *one.terms} <= of.keys():
            continue  # inputs of on-demand features need not be published
        values = [column_numbers(table[name], of[name]).astype(np.float64) for name in (one.column, *one.terms)]
        single = all(in_single(value) for value in values)
        off = int(np.count_nonzero(~one.kept(values[0][:, 0], np.hstack(values[1:]), single=single)))
        if off:
            broken[str(one)] = off
    return broken

"""Synthetic rows for the minority classes of the training split, in the shape of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.contract import TIMESTAMP, TIMESTAMP_TYPE, Contract
from feast_plugin.versions.matrix import decode, encode, spread, wide_columns
from feast_plugin.versions.recipe import PLAIN
from feast_plugin.versions.sampling import Request, sample, subgroups
from resampler.errors import DataError, GateError
from resampler.integers import interpolate_integers
from resampler.metric import check_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from feast_plugin.versions.contract import StoredFeature
    from feast_plugin.versions.rows import Rows
    from resampler.schema import FeatureSchema

SYNTHETIC_KEY = "synthetic:"


class Parents(NamedTuple):
    """Where each synthetic row came from.

    Parameters
    ----------
    base, neighbor : ndarray of shape (n_synthetic,), int64
        Positions of the parents in the canonical table.
    step : ndarray of shape (n_synthetic,), float32
        In [0, 1).
    label : ndarray of shape (n_synthetic,), int64
        Class, as `Rows.label` codes it.
    """

    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    step: NDArray[np.float32]
    label: NDArray[np.int64]


class Augmentation(NamedTuple):
    """What augmenting the training split gave.

    Parameters
    ----------
    table : pyarrow.Table of n_synthetic rows
        Feature columns in contract order.
    parents : Parents
        Provenance, row by row.
    schema : FeatureSchema
        The contract with the units of distance that the training split gave.
    incomplete : int
        Minority rows of the training split with a null or non-finite feature: kept, and never a parent.
    """

    table: pa.Table
    parents: Parents
    schema: FeatureSchema
    incomplete: int

    def keep(self, chosen: NDArray[np.bool_]) -> Augmentation:
        """Leave synthetic rows out.

        Parameters
        ----------
        chosen : ndarray of shape (n_synthetic,), bool
            Those that stay.

        Returns
        -------
        Augmentation
            Without the others.
        """
        return self._replace(
            table=self.table.filter(pa.array(chosen)), parents=Parents._make(part[chosen] for part in self.parents)
        )


def quotas(counts: Mapping[int, int], ratio: float) -> dict[int, int]:
    """Decide how many synthetic rows each class gets.

    Parameters
    ----------
    counts : dict of int to int
        Real rows a class in the training split.
    ratio : float
        Minority : majority after augmentation, above 0 and at most 1. Every class that is rarer than that is
        filled up to ``floor(ratio * majority)``.

    Returns
    -------
    dict of int to int
        Rows to make, for the classes that need some.

    Raises
    ------
    InvalidInputError
        If `ratio` is out of range.
    DataError
        If the split has one class only.
    GateError
        If every class has that ratio already.
    """
    check_ratio("ratio", ratio)
    if len(counts) < 2:
        raise DataError(
            f"the training split has class {next(iter(counts))!r} only: another split or more rows are needed"
        )
    majority = max(counts.values())
    target = int(ratio * majority)
    wanted = {code: target - count for code, count in counts.items() if count < target}
    if not wanted:
        rarest = min(counts.values())
        raise GateError(
            f"ratio={ratio} is already reached: it asks for {target} rows of each class ({ratio} x {majority} rows of "
            f"the largest, rounded down), and the rarest has {rarest}; ask for more or leave the data as they are"
        )
    return wanted


def augment(
    rows: Rows,
    train: NDArray[np.bool_],
    contract: Contract,
    *,
    ratio: float,
    sampler: str,
    k_neighbors: int,
    seed: int,
    group_by: str | None = None,
    scale: NDArray[np.float32] | None = None,
) -> Augmentation:
    """Make the synthetic rows of the training split.

    Parameters
    ----------
    rows : Rows
        The canonical table; what is not in the training split is never read.
    train : ndarray of shape (n_rows,), bool
        The training split.
    contract : Contract
        Its columns.
    ratio : float
        See `quotas`.
    sampler : str
        One of `feast_plugin.versions.recipe.SAMPLERS`.
    k_neighbors : int
        Neighbours of the same class that a row may be joined with.
    seed : int
        Keys every draw.
    group_by : str, optional
        Join key or feature: only rows that agree in it are joined.
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each column, by default fitted on the training split.

    Returns
    -------
    Augmentation
        Classes in ascending order; within one, as `resampler.synthesize` orders them.

    Raises
    ------
    InvalidInputError, GateError
        As `quotas`.
    DataError
        If a class that needs rows, or a subgroup of it, has no more than `k_neighbors` complete ones.

    Notes
    -----
    Memory grows with the rows of the classes that need synthetic rows; with an adaptive sampler, which looks at what
    surrounds them, with the training split.
    """
    codes, sizes = np.unique(rows.label[train], return_counts=True)
    wanted = quotas(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), ratio)
    contract = contract.measured(rows.table)
    schema = contract.feature_schema(rows.classes)
    schema = schema.with_scale(spread(rows, train, contract) if scale is None else scale)

    # A plain sampler looks at the classes that need rows; an adaptive one at what surrounds them.
    seen = np.flatnonzero(train & np.isin(rows.label, list(wanted))) if sampler in PLAIN else np.flatnonzero(train)
    real = rows.take([c.name for c in contract.columns], seen)
    matrix, vocabularies = encode(real, contract)
    complete = np.isfinite(matrix).all(axis=1)
    incomplete = int(np.count_nonzero(~complete & np.isin(rows.label[seen], list(wanted))))
    seen, matrix = seen[complete], matrix[complete]
    row_ids = rows.row_id[seen]
    groups = None if group_by is None else subgroups(group_by, rows.take([group_by], seen)[group_by])
    by_id = np.argsort(row_ids)

    made: list[NDArray[Any]] = []
    parents: list[Parents] = []
    for code, quota in sorted(wanted.items()):
        members = np.flatnonzero(rows.label[seen] == code)
        name = rows.classes.classes[code] if rows.classes.classes else code
        if len(members) <= k_neighbors:
            raise DataError(
                f"k_neighbors={k_neighbors} needs at least {k_neighbors + 1} complete rows of class {name!r} in the "
                f"training split, got {len(members)}: lower k_neighbors, change the split or gather more rows"
            )
        synthetic = sample(Request(sampler, matrix, members, row_ids, schema, name, k_neighbors, seed, quota, groups))
        base, neighbor = (
            seen[by_id[np.searchsorted(row_ids, ids, sorter=by_id)]]
            for ids in (synthetic.base_id, synthetic.neighbor_id)
        )
        made.append(synthetic.X)
        parents.append(Parents(base, neighbor, synthetic.step, np.full(quota, code, dtype=np.int64)))
    family = Parents(*(np.concatenate(part) for part in zip(*parents, strict=True)))
    return Augmentation(
        table=_with_wide_integers(
            decode(np.concatenate(made), contract, vocabularies), rows, family, wide_columns(real, contract)
        ),
        parents=family,
        schema=schema,
        incomplete=incomplete,
    )


def _with_wide_integers(table: pa.Table, rows: Rows, parents: Parents, wide: list[StoredFeature]) -> pa.Table:
    """Make the columns of integers that a float64 does not hold from their parents' integers."""
    for c in wide:
        pair = [rows.take([c.name], at)[c.name].combine_chunks() for at in (parents.base, parents.neighbor)]
        base, neighbor = (np.asarray(part.flatten() if c.array else part) for part in pair)
        whole = pa.array(interpolate_integers(base, neighbor, np.repeat(parents.step, c.width)))
        table = table.set_column(table.schema.get_field_index(c.name), c.name, c.folded(whole))
    return table


def publishable(rows: Rows, made: Augmentation, contract: Contract, schema: pa.Schema) -> pa.Table:
    """Give synthetic rows the columns of a published split.

    No synthetic row pretends to be a real entity: an integer key lies below 0 and below every real key, a string
    key begins with ``synthetic:``, each row its own. The event timestamp is the base's, so that the row stands in
    the training period.

    Parameters
    ----------
    rows : Rows
        The canonical table.
    made : Augmentation
        The rows.
    contract : Contract
        Its columns.
    schema : pyarrow.Schema
        Of the split.

    Returns
    -------
    pyarrow.Table
        In the order of `made`.

    Raises
    ------
    DataError
        If a real key begins with ``synthetic:``, or an integer key leaves no room below.
    """
    n = made.table.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: _synthetic_keys(name, rows.table[name], n, key_type) for name, key_type in contract.join_keys.items()
    }
    if rows.timestamps is not None:
        columns[TIMESTAMP] = pa.array(rows.timestamps[made.parents.base], pa.int64()).cast(TIMESTAMP_TYPE)
    columns |= dict(zip(made.table.column_names, made.table.columns, strict=True))
    label = pa.array(made.parents.label)
    if rows.classes.classes:
        label = pa.array(rows.classes.classes, pa.string()).take(label)
    columns[contract.published_label] = label.cast(schema.field(contract.published_label).type)
    columns[contract.published_synthetic] = pa.array(np.ones(n, dtype=np.bool_))
    return pa.table(columns, schema=schema)


def _synthetic_keys(name: str, real: pa.ChunkedArray, n: int, key_type: pa.DataType) -> pa.Array:
    if pa.types.is_string(key_type):
        taken = pc.sum(pc.starts_with(real, SYNTHETIC_KEY)).as_py()
        if taken:
            raise DataError(
                f"join key {name!r} has {taken} values that begin with {SYNTHETIC_KEY!r}, which marks synthetic rows: "
                "rename them, or leave synthetic rows of an earlier snapshot out of the entity frame"
            )
        return pa.array([f"{SYNTHETIC_KEY}{i}" for i in range(n)], pa.string())
    first = min(pc.min(real).as_py(), 0) - 1
    floor = np.iinfo(key_type.to_pandas_dtype()).min
    if first - n < floor:
        raise DataError(f"join key {name!r} reaches down to {first + 1}: {n} synthetic keys have no room below")
    return pa.array(first - np.arange(n), key_type)

"""Synthetic rows for the minority classes of the training split, in the shape of the real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.contract import TIMESTAMP, TIMESTAMP_TYPE, Column, Contract
from feast_plugin.retrieve import BATCH_ROWS
from feast_plugin.sampling import PLAIN, Request, sample
from resampler.errors import ContractError, GateError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from feast_plugin.retrieve import Rows
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


def array_widths(table: pa.Table, contract: Contract) -> dict[str, int]:
    """Measure the array columns.

    Parameters
    ----------
    table : pyarrow.Table
        Retrieved rows.
    contract : Contract
        Its columns.

    Returns
    -------
    dict of str to int
        Length of each array column.

    Raises
    ------
    ContractError
        If a column's arrays differ in length, or are empty.
    """
    widths = {}
    for c in contract.columns:
        if c.array:
            lengths = pc.unique(pc.list_value_length(table[c.name]).drop_null()).to_pylist()
            if len(lengths) != 1 or lengths[0] == 0:
                raise ContractError(
                    f"array feature {c.reference} must have one length in every row, got {sorted(lengths)[:5]}"
                )
            widths[c.name] = lengths[0]
    return widths


def check_ratio(ratio: float) -> None:
    """Check a ratio.

    Parameters
    ----------
    ratio : float
        Minority : majority.

    Raises
    ------
    InvalidInputError
        Unless it is above 0 and at most 1.
    """
    if not 0 < ratio <= 1:
        raise InvalidInputError(f"ratio must be above 0 and at most 1, got {ratio}")


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
        If `ratio` is out of range, or the split has one class only.
    GateError
        If every class has that ratio already.
    """
    check_ratio(ratio)
    if len(counts) < 2:
        raise InvalidInputError(
            f"the training split has class {next(iter(counts))!r} only: another split or more rows are needed"
        )
    majority = max(counts.values())
    target = int(ratio * majority)
    wanted = {code: target - count for code, count in counts.items() if count < target}
    if not wanted:
        rarest = min(counts.values())
        raise GateError(
            f"ratio={ratio} is already reached: the rarest class has {rarest} rows for {majority} of the largest "
            f"({rarest / majority:.4f}); ask for more or leave the data as they are"
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
        One of `feast_plugin.sampling.SAMPLERS`.
    k_neighbors : int
        Neighbours of the same class that a row may be joined with.
    seed : int
        Keys every draw.
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each column, by default fitted on the training split.

    Returns
    -------
    Augmentation
        Classes in ascending order; within one, as `resampler.synthesize` orders them.

    Raises
    ------
    InvalidInputError
        As `quotas`, or if a class that needs rows has no more than `k_neighbors` complete ones.

    Notes
    -----
    Memory grows with the rows of the classes that need synthetic rows; with an adaptive sampler, which looks at what
    surrounds them, with the training split.
    """
    codes, sizes = np.unique(rows.label[train], return_counts=True)
    wanted = quotas(dict(zip(codes.tolist(), sizes.tolist(), strict=True)), ratio)
    schema = contract.feature_schema(rows.classes, array_widths(rows.table, contract))
    schema = schema.with_scale(_spread(rows.table, train, contract, schema) if scale is None else scale)

    # A plain sampler looks at the classes that need rows; an adaptive one at what surrounds them.
    seen = np.flatnonzero(train & np.isin(rows.label, list(wanted))) if sampler in PLAIN else np.flatnonzero(train)
    real = rows.table.select([c.name for c in contract.columns]).take(pa.array(seen))
    matrix, vocabularies = _encode(real, contract, schema)
    complete = np.isfinite(matrix).all(axis=1)
    incomplete = int(np.count_nonzero(~complete & np.isin(rows.label[seen], list(wanted))))
    seen, matrix = seen[complete], matrix[complete]
    row_ids = rows.row_id[seen]
    by_id = np.argsort(row_ids)

    made: list[NDArray[Any]] = []
    parents: list[Parents] = []
    for code, quota in sorted(wanted.items()):
        members = np.flatnonzero(rows.label[seen] == code)
        name = rows.classes.classes[code] if rows.classes.classes else code
        if len(members) <= k_neighbors:
            raise InvalidInputError(
                f"k_neighbors={k_neighbors} needs at least {k_neighbors + 1} complete rows of class {name!r} in the "
                f"training split, got {len(members)}: lower k_neighbors, change the split or gather more rows"
            )
        synthetic = sample(Request(sampler, matrix, members, row_ids, schema, name, k_neighbors, seed, quota))
        base, neighbor = (
            seen[by_id[np.searchsorted(row_ids, ids, sorter=by_id)]]
            for ids in (synthetic.base_id, synthetic.neighbor_id)
        )
        made.append(synthetic.X)
        parents.append(Parents(base, neighbor, synthetic.step, np.full(quota, code, dtype=np.int64)))
    return Augmentation(
        table=_decode(np.concatenate(made), contract, schema, vocabularies),
        parents=Parents(*(np.concatenate(part) for part in zip(*parents, strict=True))),
        schema=schema,
        incomplete=incomplete,
    )


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
    InvalidInputError
        If a real key begins with ``synthetic:``, or an integer key leaves no room below.
    """
    n = made.table.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray] = {
        name: _synthetic_keys(name, rows.table[name], n, key_type) for name, key_type in contract.join_keys.items()
    }
    columns[TIMESTAMP] = pa.array(rows.timestamps[made.parents.base], pa.int64()).cast(TIMESTAMP_TYPE)
    columns |= dict(zip(made.table.column_names, made.table.columns, strict=True))
    label = pa.array(made.parents.label)
    if rows.classes.classes:
        label = pa.array(rows.classes.classes, pa.string()).take(label)
    columns[contract.published_label] = label
    columns[contract.published_synthetic] = pa.array(np.ones(n, dtype=np.bool_))
    return pa.table(columns, schema=schema)


def _synthetic_keys(name: str, real: pa.ChunkedArray, n: int, key_type: pa.DataType) -> pa.Array:
    if pa.types.is_string(key_type):
        taken = pc.sum(pc.starts_with(real, SYNTHETIC_KEY)).as_py()
        if taken:
            raise InvalidInputError(
                f"join key {name!r} has {taken} values that begin with {SYNTHETIC_KEY!r}, which marks synthetic rows: "
                "rename them, or leave synthetic rows of an earlier snapshot out of the entity frame"
            )
        return pa.array([f"{SYNTHETIC_KEY}{i}" for i in range(n)], pa.string())
    first = min(pc.min(real).as_py(), 0) - 1
    floor = np.iinfo(key_type.to_pandas_dtype()).min
    if first - n < floor:
        raise InvalidInputError(f"join key {name!r} reaches down to {first + 1}: {n} synthetic keys have no room below")
    return pa.array(first - np.arange(n), key_type)


def _spread(
    table: pa.Table, train: NDArray[np.bool_], contract: Contract, schema: FeatureSchema
) -> NDArray[np.float32]:
    """Fit units of distance to the training split's deviations; 1 for constant and categorical columns."""
    scale = np.ones(schema.n_features, dtype=np.float32)
    j = 0
    for c in contract.columns:
        width = _width(c, schema, j)
        if not c.categorical:
            total = _Moments(width)
            for start in range(0, len(train), BATCH_ROWS):
                chosen = pa.array(train[start : start + BATCH_ROWS])
                total.add(_numbers(table[c.name].slice(start, BATCH_ROWS).filter(chosen), c, width))
            scale[j : j + width] = _unit(total.deviation())
        j += width
    return scale


def _unit(deviation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to the nearest power of two; 1 for no deviation.

    A finer unit of distance would buy nothing and would move with every new row, and neighbours with it. This one
    stays, whatever the order of summation, and so do the synthetic rows of rows that did not change.
    """
    mantissa, exponent = np.frexp(deviation)
    nearest = np.ldexp(1.0, exponent - (mantissa < np.sqrt(0.5)))
    return np.where((deviation > 0) & np.isfinite(deviation), nearest, 1.0)


class _Moments:
    """Mean and spread of a column's finite values, taken in batch by batch (Chan, Golub, LeVeque 1983)."""

    def __init__(self, width: int) -> None:
        self.n = np.zeros(width)
        self.mean = np.zeros(width)
        self.m2 = np.zeros(width)

    def add(self, values: NDArray[Any]) -> None:
        finite = np.isfinite(values)
        n = finite.sum(axis=0)
        some = np.maximum(n, 1)
        values = np.where(finite, values, 0).astype(np.float64)
        mean = values.sum(axis=0) / some
        m2 = (np.where(finite, values - mean, 0) ** 2).sum(axis=0)
        total = np.maximum(self.n + n, 1)
        shift = np.where(n > 0, mean - self.mean, 0)
        self.m2 += m2 + shift**2 * self.n * n / total
        self.mean += shift * n / total
        self.n += n

    def deviation(self) -> NDArray[np.float64]:
        return np.sqrt(self.m2 / np.maximum(self.n, 1))


def _width(c: Column, schema: FeatureSchema, j: int) -> int:
    if not c.array:
        return 1
    return sum(name.startswith(f"{c.name}[") for name in schema.names[j:])


def _numbers(column: pa.ChunkedArray, c: Column, width: int) -> NDArray[Any]:
    """Return one column as numbers, shape (n_rows, width); a null is NaN."""
    if not c.array:
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        return column.to_numpy().reshape(-1, 1)
    flat = column.combine_chunks()
    out = np.full((len(flat), width), np.nan)
    valid = flat.is_valid().to_numpy(zero_copy_only=False)
    out[valid] = flat.drop_null().flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    return out


def _encode(table: pa.Table, contract: Contract, schema: FeatureSchema) -> tuple[NDArray[Any], dict[str, pa.Array]]:
    """Return the rows as one matrix, and what the codes of each categorical column mean.

    float32 where it holds every column exactly, float64 where a double or a wide integer would lose digits.
    """
    narrow = all(f.categorical or f.dtype in ("float32", "bool") for f in schema.features)
    matrix = np.empty((table.num_rows, schema.n_features), dtype=np.float32 if narrow else np.float64)
    vocabularies: dict[str, pa.Array] = {}
    j = 0
    for c in contract.columns:
        width = _width(c, schema, j)
        if c.categorical:
            # Sorted, so that a code does not depend on which row came first.
            values = pc.unique(table[c.name]).drop_null()
            vocabularies[c.name] = values.take(pc.sort_indices(values))
            codes = pc.index_in(table[c.name], value_set=vocabularies[c.name])
            matrix[:, j] = codes.cast(pa.float64()).to_numpy()
        else:
            matrix[:, j : j + width] = _numbers(table[c.name], c, width)
        j += width
    return matrix, vocabularies


def _decode(
    matrix: NDArray[Any], contract: Contract, schema: FeatureSchema, vocabularies: Mapping[str, pa.Array]
) -> pa.Table:
    columns: dict[str, pa.Array] = {}
    j = 0
    for c in contract.columns:
        width = _width(c, schema, j)
        values = matrix[:, j : j + width]
        j += width
        if c.categorical:
            columns[c.name] = vocabularies[c.name].take(pa.array(values[:, 0].astype(np.int64)))
            continue
        inner = c.arrow_type.value_type if c.array else c.arrow_type
        if not pa.types.is_floating(inner):
            # Rounding to even keeps the mean; truncation, as elsewhere, drags it towards zero.
            values = np.rint(values)
        flat = pa.array(values.ravel()).cast(inner, safe=False)
        columns[c.name] = (
            pa.ListArray.from_arrays(pa.array(np.arange(0, len(flat) + 1, width), pa.int32()), flat)
            if c.array
            else flat
        )
    return pa.table(columns)

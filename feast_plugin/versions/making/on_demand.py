"""On-demand features of synthetic rows: computed from the inputs that were made with the rows, as serving would."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.notices import notice
from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE
from feast_plugin.versions.making.made import compute_here
from feast_plugin.versions.making.units import spread
from resampler.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.recipe import Recipe
    from resampler.engines.workplace import Workplace

    Transformation = Callable[[pa.Table], pa.Table]

TRIED_ROWS = 1_000  # real ones whose computed values are compared with those that were retrieved
TOLERANCE = 1e-5  # relative: an engine may hand over a column in another type


def chosen(recipe: Recipe, contract: Contract) -> str | None:
    """Decide what becomes of on-demand features.

    Parameters
    ----------
    recipe : Recipe
        As it was asked for.
    contract : Contract
        Of the rows.

    Returns
    -------
    {"computed", "interpolated"} or None
        None where there are no such features.

    Raises
    ------
    ContractError
        If they are to be computed and an input cannot be made for synthetic rows.
    """
    if not contract.on_demand:
        if recipe.on_demand is not None:
            notice(f"on_demand={recipe.on_demand!r} changes nothing: no feature asked for is computed on demand")
        return None
    found = recipe.on_demand or recipe.on_demand_by_default
    if found == "computed" and contract.obstacle is not None:
        raise ContractError(contract.obstacle)
    return found


def computed(
    rows: CanonicalRows,
    train: NDArray[np.bool_],
    made: Augmentation,
    contract: Contract,
    compute: Transformation,
    scale: NDArray[np.float32] | None,
    place: Workplace | None = None,
) -> Augmentation:
    """Compute the on-demand features of synthetic rows, and leave out what they alone were computed from.

    Parameters
    ----------
    rows : CanonicalRows
        The canonical table.
    train : ndarray of shape (n_rows,), bool
        The training split.
    made : Augmentation
        Synthetic rows in the columns of `contract.drawn`.
    contract : Contract
        What is published.
    compute : callable
        From a table of features and inputs to one of on-demand features.
    scale : ndarray of shape (n_features,), float32, optional
        Unit of distance of each published column, by default fitted on the training split.
    place : Workplace, optional
        Where rows that tasks made lie: features are computed in this process, some rows at a time.

    Returns
    -------
    Augmentation
        In the columns of `contract`.

    Raises
    ------
    ContractError
        If a transformation fails.
    """

    def publish(table: pa.Table, first: int = 0) -> pa.Table:
        """Return some of the rows in the columns that are published.

        Parameters
        ----------
        table : pyarrow.Table
            These rows, as they were drawn.
        first : int
            Number of the first of them.

        Returns
        -------
        pyarrow.Table
            As many rows.
        """
        of = slice(first, first + table.num_rows)
        if table.num_rows:
            times = None if made.times is None else made.times[of]
            found = compute(_inputs(rows, table, contract, times, made.parents.label[of]))
        else:
            found = pa.table({c.name: pa.array([], c.arrow_type) for c in contract.computed})
        columns = [(found if c.name in found.column_names else table)[c.name] for c in contract.columns]
        return pa.table(columns, names=[c.name for c in contract.columns])

    if made.table.num_rows:
        _compare(rows, made, contract, compute)
    lying = made.lying
    if place is None or lying is None:
        table = publish(made.table)
    else:
        lying = compute_here(place, "computed", lying, publish)
        table = lying.table()
    drawn_scale = np.asarray(made.schema.scale, dtype=np.float32)
    if scale is None:
        scale = _scale(rows, train, contract, drawn_scale)
    schema = contract.measured(rows.table).feature_schema(rows.classes)
    drawn = [feature for feature in made.schema.features if feature.name in schema.names]
    nullable = [feature.name for feature in drawn if feature.column.nullable]
    kept = {feature.name: feature.grid for feature in drawn if feature.grid is not None}
    return made._replace(
        table=table,
        lying=lying,
        schema=schema.with_scale(scale).with_rules(nullable, kept),
        drawn_scale=drawn_scale,
    )


def _scale(
    rows: CanonicalRows, train: NDArray[np.bool_], contract: Contract, drawn_scale: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Fit the units of distance of the published columns: a stream that takes the contract measures by them."""
    own = contract.drawn.measured(rows.table)
    rest = replace(contract.as_retrieved, columns=tuple(contract.computed)).measured(rows.table)
    fitted = {c.name: drawn_scale[span] for c, span in own.spans}
    found = spread(rows, train, rest)
    fitted |= {c.name: found[span] for c, span in rest.spans}
    return np.concatenate([fitted[c.name] for c in contract.columns])


def _inputs(
    rows: CanonicalRows,
    table: pa.Table,
    contract: Contract,
    times: NDArray[np.int64] | None,
    label: NDArray[np.int64],
) -> pa.Table:
    """Add to rows what a view may read beside features: the time that each is published with, and the class."""
    if times is not None:
        table = table.append_column(TIMESTAMP, pa.array(times, pa.int64()).cast(TIMESTAMP_TYPE))
    value = rows.classes.column.to_value(label)
    name = contract.label_reference.partition(":")[2] if contract.label_in_frame else contract.label
    return table.append_column(name, value.cast(rows.table[contract.label].type))


def _compare(rows: CanonicalRows, made: Augmentation, contract: Contract, compute: Transformation) -> None:
    """Say where a view gives real rows other values than were retrieved: it depends on more than its inputs."""
    at = np.unique(made.parents.sources)[:TRIED_ROWS]
    real = rows.take([*(c.name for c in contract.drawn.columns), *(c.name for c in contract.computed)], at)
    times = None if rows.timestamps is None else rows.timestamps[at]
    inputs = _inputs(rows, real.select([c.name for c in contract.drawn.columns]), contract, times, rows.label[at])
    again = compute(inputs)
    for c in contract.computed:
        n = _unequal(real[c.name], again[c.name])
        if n:
            notice(
                f"on-demand feature {c.reference} has other values for {n} of {len(at)} real rows when it is computed "
                "again: it depends on more than its inputs (the clock, chance, other rows), and a version of it may "
                "not come out again"
            )


def _unequal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> int:
    if pa.types.is_list(a.type):
        return sum(not _close(x, y) for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True))
    if pa.types.is_floating(a.type):
        x, y = (column.fill_null(np.nan).to_numpy() for column in (a, b))
        return int(np.count_nonzero(~np.isclose(x, y, rtol=TOLERANCE, equal_nan=True)))
    same = pc.or_kleene(pc.equal(a, b), pc.and_(pc.is_null(a), pc.is_null(b)))
    return len(a) - int(pc.sum(pc.fill_null(same, fill_value=False)).as_py() or 0)


def _close(x: list[float] | None, y: list[float] | None) -> bool:
    if x is None or y is None:
        return x is y
    a, b = np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
    return a.shape == b.shape and bool(np.isclose(a, b, rtol=TOLERANCE, equal_nan=True).all())

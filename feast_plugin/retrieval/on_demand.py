"""On-demand features: what they are computed from, and their transformation as a function of that."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from feast.errors import FeastObjectNotFoundException
from feast.field import Field
from feast.types import from_value_type

from feast_plugin.retrieval.columns import stored_feature
from feast_plugin.versions.inputs.cast import cast_column
from feast_plugin.versions.inputs.contract import REQUEST, TIMESTAMP, Contract, OnDemandView, StoredFeature, column_name
from resampler.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from feast import FeatureStore

    from feast_plugin.retrieval.projected import Projected

REMEDY = "leave its features out, or take --on-demand interpolated"


def is_on_demand(view: Any) -> bool:
    """Say whether a view's features are computed from others.

    Parameters
    ----------
    view : feast view
        Of any kind.

    Returns
    -------
    bool
        True for an `OnDemandFeatureView`.
    """
    return hasattr(view, "source_feature_view_projections")


def inputs_of(contract: Contract, views: Sequence[Projected]) -> Contract:
    """Find what on-demand features are computed from.

    Parameters
    ----------
    contract : Contract
        The features asked for, and the label.
    views : sequence of Projected
        Where they are from.

    Returns
    -------
    Contract
        With `inputs` and `on_demand`; where synthetic values of an input cannot be made, with the `obstacle`.
    """
    on_demand = [one for one in views if is_on_demand(one.view)]
    if not on_demand:
        return contract
    # The label is an input like any other; what computes it alone needs none.
    computing = [one for one in on_demand if any(c.reference.partition(":")[0] == one.name for c in contract.columns)]
    known = {c.reference for c in contract.columns} | {contract.label_reference}
    taken = {*contract.join_keys, *(c.name for c in contract.columns), contract.label, TIMESTAMP}
    inputs: dict[str, StoredFeature] = {}
    obstacle = None
    for one in computing:
        for view, field in _fields(one.view):
            reference, full = f"{view}:{field.name}", view != REQUEST and contract.full_feature_names
            name = column_name(reference, full=full)
            if reference in known or reference in inputs or (view == REQUEST and name in (TIMESTAMP, contract.label)):
                continue
            try:
                column = stored_feature(view, field, full=full)
            except ContractError as error:
                obstacle = (
                    obstacle or f"on-demand view {one.name!r} cannot be computed for synthetic rows: {error}; {REMEDY}"
                )
                continue
            if name in taken:
                obstacle = obstacle or (
                    f"on-demand view {one.name!r} cannot be computed for synthetic rows: its input {reference} has the "
                    f"name of {_kind(name, contract)}: {REMEDY}"
                )
                continue
            inputs[reference] = column
            taken.add(name)
    views_used = tuple(OnDemandView(one.name, one.view.name, _definition(one.view)) for one in computing)
    return replace(contract, inputs=tuple(inputs.values()), on_demand=views_used, obstacle=obstacle)


def _kind(name: str, contract: Contract) -> str:
    return "a join key, of which a synthetic row has none" if name in contract.join_keys else "another column"


def _fields(view: Any) -> Iterator[tuple[str, Field]]:
    """Yield the declared inputs, each with the view that it is of."""
    for projection in view.source_feature_view_projections.values():
        for field in projection.features:
            yield projection.name, field
    declared = {
        field.name: field
        for source in view.source_request_sources.values()
        if isinstance(source.schema, list)
        for field in source.schema
    }
    for name, value_type in view.get_request_data_schema().items():
        yield REQUEST, declared.get(name) or Field(name=name, dtype=from_value_type(value_type))


def _definition(view: Any) -> str:
    made = view.feature_transformation
    text = getattr(made, "udf_string", "") or ""
    plan = getattr(made, "substrait_plan", b"") or b""
    return hashlib.sha256(f"{view.mode}\0{text}\0".encode() + plan).hexdigest()


def transformation(store: FeatureStore, contract: Contract) -> Callable[[pa.Table], pa.Table]:
    """Return the transformation of a contract's on-demand views.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry has the views.
    contract : Contract
        Names them, and the columns.

    Returns
    -------
    callable
        From a table of the features and inputs to one of the on-demand features, typed by the contract, in its order.
        It raises `ContractError` where a view raises or gives something else.

    Raises
    ------
    ContractError
        If a view is gone, or computes something else than it did when the contract was read.
    """
    views = [(one, _view(store, one)) for one in contract.on_demand]
    full = contract.full_feature_names

    def _compute(table: pa.Table) -> pa.Table:
        columns = {}
        for one, view in views:
            wanted = [c for c in contract.computed if c.reference.partition(":")[0] == one.name]
            for c, column in zip(wanted, _transformed(one.name, view, table, wanted, full=full), strict=True):
                columns[c.name] = column
                table = table.append_column(c.name, column)  # as in a retrieval, where later views see it
        return pa.table({c.name: columns[c.name] for c in contract.computed})

    return _compute


def _transformed(
    name: str, view: Any, table: pa.Table, wanted: Sequence[StoredFeature], *, full: bool
) -> list[pa.ChunkedArray]:
    try:
        found = view.transform_arrow(table, full)
    except Exception as error:  # whatever a user's function raises
        raise ContractError(
            f"on-demand view {name!r} could not be computed for the synthetic rows: {type(error).__name__}: {error}: "
            f"it is given {', '.join(table.column_names)}, and no join key; mend it, {REMEDY}"
        ) from error
    columns = []
    for c in wanted:
        if c.name not in found.column_names or found.num_rows != table.num_rows:
            raise ContractError(
                f"on-demand view {name!r} must give {c.name!r} for each of {table.num_rows} rows, got "
                f"{', '.join(found.column_names)} for {found.num_rows}: mend it, {REMEDY}"
            )
        columns.append(cast_column(c.name, found[c.name], c.arrow_type))
    return columns


def _view(store: FeatureStore, one: OnDemandView) -> Any:
    try:
        view = copy.copy(store.registry.get_on_demand_feature_view(one.view, store.project))
    except FeastObjectNotFoundException:
        raise ContractError(
            f"on-demand view {one.view!r} is no longer in project {store.project!r}: apply it again"
        ) from None
    if _definition(view) != one.definition:
        raise ContractError(
            f"on-demand view {one.view!r} computes something else than it did when the version was made: apply it as "
            "it was, or create another version"
        )
    view.projection = copy.copy(view.projection)
    view.projection.name_alias = None if one.name == one.view else one.name
    return view

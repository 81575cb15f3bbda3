"""The contract of a retrieval: which columns the registry's views promise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.retrieval.columns import DTYPE_OF, stored_feature
from feast_plugin.retrieval.on_demand import inputs_of, is_on_demand
from feast_plugin.retrieval.projected import Projected, projections, view_of
from feast_plugin.versions.inputs.contract import (
    KEY_DTYPES,
    NAMESPACE,
    Contract,
    StoredFeature,
    check_names,
    column_name,
)
from resampler.dtypes import DTYPES
from resampler.errors import ContractError, DataError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa
    from feast import FeatureStore
    from feast.feature_service import FeatureService
    from feast.field import Field


def build_contract(
    store: FeatureStore,
    features: FeatureService | Sequence[str],
    label: str,
    *,
    frame_columns: Collection[str] | None,
    full_feature_names: bool = False,
) -> Contract:
    """Read the contract from the registry.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry holds the views.
    features : feast.FeatureService or sequence of str
        A service, or references ``view:feature``.
    label : str
        A column of the entity frame, a feature of `features`, or a reference to any feature or label view.
    frame_columns : collection of str, optional
        Columns of the entity frame; None where there is none.
    full_feature_names : bool
        As in `FeatureStore.get_historical_features`.

    Returns
    -------
    Contract
        The features without the label.

    Raises
    ------
    ContractError
        If a feature's type cannot be resampled, a view has changed under a service, or two columns clash.
    InvalidInputError
        If the label could be several columns.
    DataError
        If it is nowhere to be found.
    """
    columns: list[StoredFeature] = []
    join_keys: dict[str, pa.DataType] = {}
    request: dict[str, None] = {}
    views = list(projections(store, features))
    for projected in views:
        columns += [stored_feature(projected.name, field, full=full_feature_names) for field in projected.fields]
        join_keys |= _join_keys(store, projected, request)
    reference = _label_reference(label, columns, frame_columns)
    label_type = next((c.arrow_type for c in columns if c.reference == reference), None)
    if ":" in label and reference not in {c.reference for c in columns}:
        extra = next(projections(store, [label]))
        join_keys |= _join_keys(store, extra, request)
        dtype = DTYPE_OF.get(extra.fields[0].dtype)
        label_type = None if dtype is None else DTYPES[dtype].arrow_type
    contract = Contract(
        columns=tuple(c for c in columns if c.reference != reference),
        label=label if reference.startswith(f"{NAMESPACE}:") else column_name(reference, full=full_feature_names),
        label_reference=reference,
        join_keys=join_keys,
        request=tuple(request),
        full_feature_names=full_feature_names,
        label_type=label_type,
    )
    check_names(contract)
    return inputs_of(contract, views)


def _join_keys(store: FeatureStore, projected: Projected, request: dict[str, None]) -> dict[str, pa.DataType]:
    view = projected.view
    if is_on_demand(view):  # an on-demand view has its sources' keys
        request.update(dict.fromkeys(view.get_request_data_schema()))
        keys: dict[str, pa.DataType] = {}
        for projection in view.source_feature_view_projections.values():
            source = view_of(store, projection.name)
            keys |= _join_keys(store, Projected(projection.name, source, (), projection.join_key_map), request)
        return keys
    found = [key for key in view.entity_columns if not key.name.startswith("__dummy")]
    named = [name for name in view.entities if not name.startswith("__dummy")]
    if len(found) < len(named):
        raise ContractError(
            f"view {projected.name!r} is keyed by {named}, of which the registry knows {len(found)}: apply its entities"
        )
    return {projected.join_key_map.get(key.name, key.name): _key_type(projected.name, key) for key in found}


def _key_type(view: str, key: Field) -> pa.DataType:
    dtype = DTYPE_OF.get(key.dtype)
    if dtype not in KEY_DTYPES:
        raise ContractError(f"join key {key.name!r} of view {view!r} must be Int32, Int64 or String, got {key.dtype}")
    return DTYPES[dtype].arrow_type


def _label_reference(label: str, columns: Sequence[StoredFeature], frame_columns: Collection[str] | None) -> str:
    in_views = [c.reference for c in columns if label in (c.name, c.reference)]
    in_frame = frame_columns is not None and label in frame_columns
    if len(in_views) > 1:
        raise InvalidInputError(f"label {label!r} could be any of {', '.join(in_views)}: write it as view:feature")
    if in_frame and in_views:
        raise InvalidInputError(
            f"label {label!r} stands in the entity frame and is feature {in_views[0]}: rename one of them"
        )
    if in_frame:
        return f"{NAMESPACE}:{label}"
    if in_views:
        return in_views[0]
    if ":" in label:
        return label
    raise DataError(
        f"label {label!r} is neither a column of the entity frame ({', '.join(sorted(frame_columns or ()))}) nor a "
        f"feature ({', '.join(c.reference for c in columns)}): name one of them, or another feature as view:feature"
    )

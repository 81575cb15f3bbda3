"""The contract of a stream, from a feature service: what snapshot and stream then have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from feast.types import String

from feast_plugin.notices import shown
from feast_plugin.registries import REGISTRIES
from feast_plugin.registries.feast import open_store
from feast_plugin.retrieval.contract import build_contract
from feast_plugin.retrieval.projected import projections
from feast_plugin.retrieval.retrieval import find_features
from feast_plugin.versions.inputs.contract import NAMESPACE
from resampler.errors import ContractError
from resampler.schema import Feature, FeatureSchema, Label

if TYPE_CHECKING:
    from feast.field import Field

    from feast_plugin.versions.inputs.contract import StoredFeature


def from_feature_service(repo: str, feature_service: str, label: str) -> FeatureSchema:
    """Read what a stream of a service's features must hold.

    Parameters
    ----------
    repo : str
        Directory of ``feature_store.yaml``.
    feature_service : str
        Name of the service.
    label : str
        A column of the stream beside the features, a feature, or ``view:feature``.

    Returns
    -------
    FeatureSchema
        Features in the order of the service; element j of an array feature ``x`` is the column ``x[j]``. Tags ``nulls``
        and ``grid`` of a field say what they say in a contract.

    Raises
    ------
    ContractError
        If a feature's type cannot be resampled, or the registry does not say what a stream has to know beforehand:
        a String's values (tag ``categories``, separated by commas) or an array's length (tag ``width``).
    InvalidInputError
        If repository, service or label cannot be found.
    """
    REGISTRIES["repo"].check(repo)
    with shown():
        store = open_store(repo)
        service = find_features(store, feature_service, None)
        fields = {f"{p.name}:{field.name}": field for p in projections(store, service) for field in p.fields}
        named = {reference for reference, field in fields.items() if label in (reference, field.name)}
        beside = not named and ":" not in label
        contract = build_contract(store, service, label, frame_columns=[label] if beside else None)
        if contract.label_reference not in fields and not contract.label_reference.startswith(f"{NAMESPACE}:"):
            (extra,) = projections(store, [label])
            (fields[label],) = extra.fields
    features = [f for column in contract.columns for f in _features(column, fields[column.reference])]
    return FeatureSchema(tuple(features), _label(contract.label, fields.get(contract.label_reference)))


def _features(feature: StoredFeature, field: Field) -> list[Feature]:
    if feature.array:
        width = field.tags.get("width", "")
        if not width.isdigit() or not int(width):
            raise ContractError(
                f"feature {feature.reference} is an array, and a stream must know its length: tag it width=N"
            )
        feature = replace(feature, length=int(width))
    rules: dict[str, Any] = {name: field.tags[name] for name in ("nulls", "grid") if name in field.tags}
    if "grid" in rules:
        try:
            rules["grid"] = float(rules["grid"])
        except ValueError as error:
            raise ContractError(f"{feature.reference}: tag grid must be a step, got {rules['grid']!r}") from error
    if feature.column.closed:
        rules["categories"] = _values(field, feature.reference)
    return [replace(element, **rules) for element in feature.elements()]


def _label(name: str, field: Field | None) -> Label:
    if field is None or field.dtype != String:
        return Label(name)
    return Label(name, "string", _values(field, f"label {name}"))


def _values(field: Field, what: str) -> tuple[str, ...]:
    values = tuple(filter(None, field.tags.get("categories", "").split(",")))
    if not values:
        raise ContractError(f"{what} is a String, and a stream must know its values: tag it categories=red,green")
    return values

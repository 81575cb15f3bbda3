"""`Projected`: the views that a service or a list of references asks for, as the registry has them now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from feast.errors import FeatureViewNotFoundException
from feast.feature_service import FeatureService

from feast_plugin.retrieval.sources import check_source
from resampler.errors import ContractError, InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from feast import FeatureStore
    from feast.field import Field


@dataclass(frozen=True, slots=True)
class Projected:
    """A view as a service or a list of references asks for it.

    Parameters
    ----------
    name : str
        What its features are called by: the view's name, or its alias in the service.
    view : feast view
        As the registry has it.
    fields : sequence of feast.field.Field
        Those that are asked for.
    join_key_map : dict of str to str
        The view's keys that have another name in the retrieval.
    """

    name: str
    view: Any
    fields: Sequence[Field]
    join_key_map: Mapping[str, str]


def projections(store: FeatureStore, features: FeatureService | Sequence[str]) -> Iterator[Projected]:
    """Read the views that a service or a list of references asks for.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry holds the views.
    features : feast.FeatureService or sequence of str
        A service, or references ``view:feature``.

    Yields
    ------
    Projected
        One a view, in the order asked for.

    Raises
    ------
    ContractError
        If a view or feature is unknown, has changed under the service, or its source cannot be read as it is meant.
    InvalidInputError
        If a reference is none.
    """
    if isinstance(features, FeatureService):
        for projection in features.feature_view_projections:
            view = view_of(store, projection.name)
            _check_drift(features.name, projection, view)
            check_source(store, view)
            yield Projected(projection.name_to_use(), view, projection.features, projection.join_key_map)
        return
    wanted: dict[str, list[str]] = {}
    for reference in features:
        view_name, _, feature = reference.partition(":")
        if not view_name or not feature:
            raise InvalidInputError(f"feature {reference!r} must be written view:feature")
        wanted.setdefault(view_name, []).append(feature)
    for view_name, names in wanted.items():
        view = view_of(store, view_name)
        check_source(store, view)
        fields = {field.name: field for field in view.features}
        missing = [name for name in names if name not in fields]
        if missing:
            raise ContractError(f"feature view {view_name!r} has no feature {missing[0]!r}; it has {', '.join(fields)}")
        yield Projected(view_name, view, [fields[name] for name in names], {})


def view_of(store: FeatureStore, name: str) -> Any:
    """Return a view of any kind.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry holds it.
    name : str
        Of the view.

    Returns
    -------
    feast view
        As the registry has it.

    Raises
    ------
    ContractError
        If the project has none of that name.
    """
    try:
        return store.registry.get_any_feature_view(name, store.project)
    except FeatureViewNotFoundException:
        known = sorted(view.name for view in store.list_all_feature_views())
        raise ContractError(
            f"feature view {name!r} is not in project {store.project!r}; it has {', '.join(known) or 'none'}"
        ) from None


def _check_drift(service: str, projection: Any, view: Any) -> None:
    # A service keeps the fields that it was applied with, whatever its view has become since.
    now = {field.name: field.dtype for field in view.features}
    for field in projection.features:
        if field.name not in now:
            raise ContractError(
                f"feature service {service!r} promises {projection.name}:{field.name}, which the view no longer "
                "has: apply the service again"
            )
        if now[field.name] != field.dtype:
            raise ContractError(
                f"feature service {service!r} promises {projection.name}:{field.name} as {field.dtype}, the view "
                f"now has {now[field.name]}: apply the service again"
            )

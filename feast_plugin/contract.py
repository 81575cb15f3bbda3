"""The contract of a snapshot: which columns Feast promises, in which order, of which type."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from feast.errors import FeatureViewNotFoundException
from feast.feature_service import FeatureService
from feast.types import Array, Bool, Float32, Float64, Int32, Int64, PrimitiveFeastType, String

from feast_plugin.retrieval.sources import check_source
from resampler.errors import ContractError, DataError, InvalidInputError
from resampler.schema import Feature, FeatureSchema, Label

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from feast import FeatureStore
    from feast.field import Field

TIMESTAMP = "event_timestamp"  # the one name that Feast reads a saved dataset's time from
TIMESTAMP_TYPE = pa.timestamp("us", tz="UTC")  # DuckDB 2.0 cannot read nanoseconds in UTC
SYNTHETIC = "is_synthetic"
NAMESPACE = "resampler"  # of columns that no feature view owns, and of our saved datasets

_DTYPES = {Float32: "float32", Float64: "float64", Int32: "int32", Int64: "int64", Bool: "bool", String: "string"}
_ARROW = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}
_CATEGORICAL_BY_DEFAULT = ("bool", "string")
SEMANTICS = ("categorical", "numeric")


@dataclass(frozen=True, slots=True)
class Column:
    """One feature as Feast knows it.

    Parameters
    ----------
    reference : str
        ``view:feature``.
    name : str
        Its column in a retrieval.
    dtype : str
        Of its values, as `resampler.schema.Feature` spells it.
    categorical : bool
        Never interpolated.
    array : bool
        Each value is a list of `dtype`, all of one length: an embedding.
    """

    reference: str
    name: str
    dtype: str
    categorical: bool = False
    array: bool = False

    @property
    def arrow_type(self) -> pa.DataType:
        """Type of the column on disk."""
        return pa.list_(_ARROW[self.dtype]) if self.array else _ARROW[self.dtype]


@dataclass(frozen=True)
class Contract:
    """What a retrieval must deliver and a snapshot holds.

    Parameters
    ----------
    columns : tuple of Column
        Features, in the order of the service; the label is not among them.
    label : str
        Column of the label.
    label_reference : str
        ``view:feature``, or ``resampler:column`` for a column of the entity frame.
    join_keys : dict of str to pyarrow.DataType
        Entity columns and their types, in the order of the views.
    request : tuple of str
        Columns that on-demand views take from the entity frame.
    full_feature_names : bool
        Columns are named ``view__feature``.
    label_type : pyarrow.DataType, optional
        What a view promises of the label; by default as the entity frame has it
        (`feast_plugin.retrieval.cast.cast_label`).
    """

    columns: tuple[Column, ...]
    label: str
    label_reference: str
    join_keys: Mapping[str, pa.DataType]
    request: tuple[str, ...] = ()
    full_feature_names: bool = False
    label_type: pa.DataType | None = None

    @property
    def label_in_frame(self) -> bool:
        """Whether the label comes with the entity frame."""
        return self.label_reference.startswith(f"{NAMESPACE}:")

    @property
    def keys(self) -> tuple[str, ...]:
        """What identifies a row: event timestamp and join keys, which is also the canonical order."""
        return (TIMESTAMP, *self.join_keys)

    @property
    def published_label(self) -> str:
        """The label's column in the snapshot."""
        return column_name(self.label_reference, full=self.full_feature_names)

    @property
    def published_synthetic(self) -> str:
        """Column of the mark that tells synthetic rows from real ones."""
        return column_name(f"{NAMESPACE}:{SYNTHETIC}", full=self.full_feature_names)

    @property
    def references(self) -> list[str]:
        """References of the saved dataset: features, label and mark, in column order."""
        return [*(c.reference for c in self.columns), self.label_reference, f"{NAMESPACE}:{SYNTHETIC}"]

    def arrow_schema(self, label_type: pa.DataType) -> pa.Schema:
        """Return the columns of the snapshot.

        Parameters
        ----------
        label_type : pyarrow.DataType
            bool, int32, int64 or string.

        Returns
        -------
        pyarrow.Schema
            Join keys, event timestamp, features, label, mark.
        """
        return pa.schema(
            [
                *self.join_keys.items(),
                (TIMESTAMP, TIMESTAMP_TYPE),
                *((c.name, c.arrow_type) for c in self.columns),
                (self.published_label, label_type),
                (self.published_synthetic, pa.bool_()),
            ]
        )

    def feature_schema(self, label: Label, widths: Mapping[str, int]) -> FeatureSchema:
        """Return the contract as the resampler sees it: one float a column, arrays spread out.

        Parameters
        ----------
        label : Label
            The class column.
        widths : dict of str to int
            Length of each array column.

        Returns
        -------
        FeatureSchema
            Features in column order; element j of an array column ``x`` is ``x[j]``.
        """
        features: list[Feature] = []
        for c in self.columns:
            names = [f"{c.name}[{j}]" for j in range(widths[c.name])] if c.array else [c.name]
            features += [Feature(name, c.dtype, c.categorical) for name in names]
        return FeatureSchema(tuple(features), label)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns of a snapshot as plain JSON types, for its manifest.

        Returns
        -------
        dict
            What `from_dict` reads, and the names that a reader of the files wants.
        """
        return {
            "features": [asdict(c) for c in self.columns],
            "label": self.published_label,
            "label_reference": self.label_reference,
            "synthetic": self.published_synthetic,
            "references": self.references,
            # A list: the order is that of the rows, and JSON objects have none.
            "join_keys": [{"name": name, "dtype": str(key_type)} for name, key_type in self.join_keys.items()],
            "full_feature_names": self.full_feature_names,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Contract:
        """Read the contract that published files follow.

        Parameters
        ----------
        data : dict
            From `to_dict`.

        Returns
        -------
        Contract
            Its label is the published one.
        """
        return cls(
            columns=tuple(Column(**c) for c in data["features"]),
            label=data["label"],
            label_reference=data["label_reference"],
            join_keys={key["name"]: _ARROW[key["dtype"]] for key in data["join_keys"]},
            full_feature_names=data["full_feature_names"],
        )


def column_name(reference: str, *, full: bool) -> str:
    """Return the column that Feast gives a reference.

    Parameters
    ----------
    reference : str
        ``view:feature``.
    full : bool
        Whether the view's name is part of it.

    Returns
    -------
    str
        ``feature`` or ``view__feature``.
    """
    view, _, feature = reference.partition(":")
    return f"{view}__{feature}" if full else feature


def check_group(group_by: str | None, contract: Contract) -> str | None:
    """Check the column that subgroups are told by.

    Parameters
    ----------
    group_by : str, optional
        A join key or a feature: what a version stores, so that it can be made again from its own files.
    contract : Contract
        Names both.

    Returns
    -------
    str or None
        The same.

    Raises
    ------
    InvalidInputError
        If it is another column, or an array.
    """
    columns = [*contract.join_keys, *(c.name for c in contract.columns if not c.array)]
    if group_by is not None and group_by not in columns:
        raise InvalidInputError(f"group_by must be a join key or a feature ({', '.join(columns)}), got {group_by!r}")
    return group_by


@dataclass(frozen=True, slots=True)
class _Projected:
    """A view as a service or a list of references asks for it."""

    name: str
    view: Any
    fields: Sequence[Field]
    join_key_map: Mapping[str, str]


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
    columns: list[Column] = []
    join_keys: dict[str, pa.DataType] = {}
    request: dict[str, None] = {}
    for projected in _projections(store, features):
        columns += [_column(projected.name, field, full=full_feature_names) for field in projected.fields]
        join_keys |= _join_keys(store, projected, request)
    reference = _label_reference(label, columns, frame_columns)
    label_type = next((c.arrow_type for c in columns if c.reference == reference), None)
    if ":" in label and reference not in {c.reference for c in columns}:
        extra = next(_projections(store, [label]))
        join_keys |= _join_keys(store, extra, request)
        label_type = _ARROW.get(_DTYPES.get(extra.fields[0].dtype, ""))
    contract = Contract(
        columns=tuple(c for c in columns if c.reference != reference),
        label=label if reference.startswith(f"{NAMESPACE}:") else column_name(reference, full=full_feature_names),
        label_reference=reference,
        join_keys=join_keys,
        request=tuple(request),
        full_feature_names=full_feature_names,
        label_type=label_type,
    )
    _check_names(contract)
    return contract


def _projections(store: FeatureStore, features: FeatureService | Sequence[str]) -> Iterator[_Projected]:
    if isinstance(features, FeatureService):
        for projection in features.feature_view_projections:
            view = _view(store, projection.name)
            _check_drift(features.name, projection, view)
            check_source(store, view)
            yield _Projected(projection.name_to_use(), view, projection.features, projection.join_key_map)
        return
    wanted: dict[str, list[str]] = {}
    for reference in features:
        view_name, _, feature = reference.partition(":")
        if not view_name or not feature:
            raise InvalidInputError(f"feature {reference!r} must be written view:feature")
        wanted.setdefault(view_name, []).append(feature)
    for view_name, names in wanted.items():
        view = _view(store, view_name)
        check_source(store, view)
        fields = {field.name: field for field in view.features}
        missing = [name for name in names if name not in fields]
        if missing:
            raise ContractError(f"feature view {view_name!r} has no feature {missing[0]!r}; it has {', '.join(fields)}")
        yield _Projected(view_name, view, [fields[name] for name in names], {})


def _view(store: FeatureStore, name: str) -> Any:
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


def _column(view: str, field: Field, *, full: bool) -> Column:
    reference = f"{view}:{field.name}"
    array = isinstance(field.dtype, Array)
    base: PrimitiveFeastType = field.dtype.base_type if array else field.dtype
    dtype = _DTYPES.get(base)
    if dtype is None or (array and dtype in _CATEGORICAL_BY_DEFAULT):
        raise ContractError(
            f"feature {reference} has type {field.dtype}, which cannot be resampled: use Float32, Float64, Int32, "
            "Int64, Bool, String or an array of numbers, or leave the feature out"
        )
    semantic = field.tags.get("semantic")
    if semantic is not None and semantic not in SEMANTICS:
        raise ContractError(f"feature {reference}: tag semantic must be one of {SEMANTICS}, got {semantic!r}")
    if semantic == "numeric" and dtype == "string":
        raise ContractError(f"feature {reference} is a String and cannot be tagged semantic=numeric")
    if semantic == "categorical" and (array or dtype.startswith("float")):
        raise ContractError(f"feature {reference} is {field.dtype}; a categorical one must be Int, Bool or String")
    categorical = semantic == "categorical" if semantic else dtype in _CATEGORICAL_BY_DEFAULT
    return Column(reference, column_name(reference, full=full), dtype, categorical, array)


def _join_keys(store: FeatureStore, projected: _Projected, request: dict[str, None]) -> dict[str, pa.DataType]:
    view = projected.view
    if hasattr(view, "source_feature_view_projections"):  # an on-demand view has its sources' keys
        request.update(dict.fromkeys(view.get_request_data_schema()))
        keys: dict[str, pa.DataType] = {}
        for projection in view.source_feature_view_projections.values():
            source = _view(store, projection.name)
            keys |= _join_keys(store, _Projected(projection.name, source, (), projection.join_key_map), request)
        return keys
    found = [key for key in view.entity_columns if not key.name.startswith("__dummy")]
    named = [name for name in view.entities if not name.startswith("__dummy")]
    if len(found) < len(named):
        raise ContractError(
            f"view {projected.name!r} is keyed by {named}, of which the registry knows {len(found)}: apply its entities"
        )
    return {projected.join_key_map.get(key.name, key.name): _key_type(projected.name, key) for key in found}


def _key_type(view: str, key: Field) -> pa.DataType:
    types = {Int32: pa.int32(), Int64: pa.int64(), String: pa.string()}
    if key.dtype not in types:
        raise ContractError(f"join key {key.name!r} of view {view!r} must be Int32, Int64 or String, got {key.dtype}")
    return types[key.dtype]


def _label_reference(label: str, columns: Sequence[Column], frame_columns: Collection[str] | None) -> str:
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


def _check_names(contract: Contract) -> None:
    if not contract.columns:
        raise ContractError("a snapshot needs at least one feature beside the label, got none")
    names = contract.arrow_schema(pa.int64()).names
    clashes = sorted({name for name in names if names.count(name) > 1})
    if clashes:
        raise ContractError(
            f"column {clashes[0]!r} would stand twice in the snapshot: use full_feature_names or rename it"
        )

"""The contract of a snapshot: which columns it promises, in which order, of which type."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from resampler.columns import CATEGORICAL, NUMERIC, Column
from resampler.dtypes import BOOLEAN, DTYPES, TEXT
from resampler.errors import ContractError, InvalidInputError
from resampler.schema import Feature, FeatureSchema, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMESTAMP = "event_timestamp"  # the one name that Feast reads a saved dataset's time from
TIMESTAMP_TYPE = pa.timestamp("us", tz="UTC")  # DuckDB 2.0 cannot read nanoseconds in UTC
SYNTHETIC = "is_synthetic"
REQUEST = "request"  # of columns that a caller of the online store brings along
NAMESPACE = "resampler"  # of columns that no feature view owns, and of our saved datasets

CATEGORICAL_BY_DEFAULT = (BOOLEAN, TEXT)  # families of dtypes
STORED_DTYPES = ("float32", "float64", "int32", "int64", "bool", "string")
KEY_DTYPES = ("int32", "int64", "string")  # of join keys
_PUBLISHED = ("reference", "name", "dtype", "categorical", "array")


@dataclass(frozen=True, slots=True)
class StoredFeature:
    """One feature as a version stores it.

    Parameters
    ----------
    reference : str
        ``view:feature``.
    name : str
        Its column in a retrieval.
    dtype : str
        Of its values, as `resampler.columns.Column` spells it.
    categorical : bool
        Never interpolated.
    array : bool
        Each value is a list of `dtype`, all of one length: an embedding.
    length : int, optional
        Of the arrays, once `measured` on rows. Rows have it, the contract does not.
    """

    reference: str
    name: str
    dtype: str
    categorical: bool = False
    array: bool = False
    length: int | None = None

    @property
    def column(self) -> Column:
        """What a value may be; of an array, each of its elements."""
        return Column(self.name, self.dtype, CATEGORICAL if self.categorical else NUMERIC)

    @property
    def arrow_type(self) -> pa.DataType:
        """Type of the column on disk."""
        of = self.column.type.arrow_type
        return pa.list_(of) if self.array else of

    @property
    def width(self) -> int:
        """Numbers in a value: 1, or the length of an array."""
        if not self.array:
            return 1
        if self.length is None:
            raise ContractError(f"array feature {self.reference} must be measured on rows before its elements are used")
        return self.length

    def measured(self, values: pa.ChunkedArray) -> StoredFeature:
        """Return the feature with the length that its arrays have.

        Parameters
        ----------
        values : pyarrow.ChunkedArray
            Rows of the column.

        Returns
        -------
        StoredFeature
            Itself where it is no array.

        Raises
        ------
        ContractError
            If the arrays differ in length, or are empty.
        """
        if not self.array:
            return self
        lengths = pc.unique(pc.list_value_length(values).drop_null()).to_pylist()
        if len(lengths) != 1 or lengths[0] == 0:
            raise ContractError(
                f"array feature {self.reference} must have one length in every row, got {sorted(lengths)[:5]}"
            )
        return replace(self, length=lengths[0])

    def folded(self, numbers: pa.Array) -> pa.Array:
        """Return numbers as values of the column.

        Parameters
        ----------
        numbers : pyarrow.Array of n_rows * width
            Row after row.

        Returns
        -------
        pyarrow.Array of n_rows
            The same where the feature is no array.
        """
        if not self.array:
            return numbers
        return pa.ListArray.from_arrays(pa.array(np.arange(0, len(numbers) + 1, self.width), pa.int32()), numbers)

    def elements(self) -> list[Feature]:
        """Return the feature as the resampler sees it: one number a column.

        Returns
        -------
        list of Feature
            As many as `width`; element j of an array ``x`` is ``x[j]``.
        """
        names = [f"{self.name}[{j}]" for j in range(self.width)] if self.array else [self.name]
        return [Feature(name, self.dtype, self.categorical) for name in names]


@dataclass(frozen=True, slots=True)
class OnDemandView:
    """A view whose features are computed from others.

    Parameters
    ----------
    name : str
        What its features are called by: ``name:feature``.
    view : str
        What the registry calls it.
    definition : str
        The sha256 of what it computes.
    """

    name: str
    view: str
    definition: str


@dataclass(frozen=True)
class Contract:
    """What a retrieval must deliver and a snapshot holds.

    Parameters
    ----------
    columns : tuple of StoredFeature
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
        (`feast_plugin.versions.inputs.cast.cast_label`).
    timestamped : bool
        Rows have an event timestamp. Feast's always do, those of a table need none.
    inputs : tuple of StoredFeature
        What on-demand features are computed from and the snapshot does not publish: features of other views, and
        request data, with references ``request:column``.
    on_demand : tuple of OnDemandView
        The views whose features are computed, in the order in which they are.
    obstacle : str, optional
        Why they cannot be computed for synthetic rows, where they cannot.
    """

    columns: tuple[StoredFeature, ...]
    label: str
    label_reference: str
    join_keys: Mapping[str, pa.DataType]
    request: tuple[str, ...] = ()
    full_feature_names: bool = False
    label_type: pa.DataType | None = None
    timestamped: bool = True
    inputs: tuple[StoredFeature, ...] = ()
    on_demand: tuple[OnDemandView, ...] = ()
    obstacle: str | None = None

    @property
    def computed(self) -> list[StoredFeature]:
        """The features that are computed from others."""
        names = {one.name for one in self.on_demand}
        return [c for c in self.columns if c.reference.partition(":")[0] in names]

    @property
    def own(self) -> Contract:
        """The contract without what is computed: of the features that stand for themselves."""
        computed = self.computed
        return replace(self, columns=tuple(c for c in self.columns if c not in computed)).as_retrieved

    @property
    def definitions(self) -> dict[str, Any]:
        """What a manifest's `inputs` say of the views that compute features; nothing where there is none."""
        return {"on_demand": {one.name: one.definition for one in self.on_demand}} if self.on_demand else {}

    @property
    def drawn(self) -> Contract:
        """The columns that synthetic rows are made in: those of `own`, then what the others are computed from."""
        own = self.own
        return replace(own, columns=(*own.columns, *self.inputs))

    @property
    def as_retrieved(self) -> Contract:
        """The contract with nothing to compute: on-demand features are columns like all others."""
        return replace(self, inputs=(), on_demand=(), obstacle=None)

    @property
    def categorical(self) -> list[str]:
        """Names of the categorical features."""
        return [c.name for c in self.columns if c.categorical]

    @property
    def numeric(self) -> list[str]:
        """Names of the other features."""
        return [c.name for c in self.columns if not c.categorical]

    @property
    def label_in_frame(self) -> bool:
        """Whether the label comes with the entity frame."""
        return self.label_reference.startswith(f"{NAMESPACE}:")

    @property
    def keys(self) -> tuple[str, ...]:
        """What identifies a row: event timestamp, if there is one, and join keys; also the canonical order."""
        return (*((TIMESTAMP,) if self.timestamped else ()), *self.join_keys)

    @property
    def published_label(self) -> str:
        """The label's column in the snapshot."""
        return column_name(self.label_reference, full=self.full_feature_names)

    @property
    def published_synthetic(self) -> str:
        """Column of the mark of synthetic rows."""
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
                *([(TIMESTAMP, TIMESTAMP_TYPE)] if self.timestamped else []),
                *((c.name, c.arrow_type) for c in self.columns),
                (self.published_label, label_type),
                (self.published_synthetic, pa.bool_()),
            ]
        )

    def measured(self, table: pa.Table) -> Contract:
        """Return the contract with the length of every array feature.

        Parameters
        ----------
        table : pyarrow.Table
            All rows that the contract describes.

        Returns
        -------
        Contract
            The same columns.

        Raises
        ------
        ContractError
            If a column's arrays differ in length, or are empty.
        """
        return replace(self, columns=tuple(c.measured(table[c.name]) for c in self.columns))

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return sum(c.width for c in self.columns)

    @property
    def spans(self) -> list[tuple[StoredFeature, slice]]:
        """The features of a measured contract, each with the place of its numbers in a row."""
        ends = accumulate(c.width for c in self.columns)
        return [(c, slice(end - c.width, end)) for c, end in zip(self.columns, ends, strict=True)]

    def feature_schema(self, label: Label) -> FeatureSchema:
        """Return a measured contract as the resampler sees it: one float a column, arrays spread out.

        Parameters
        ----------
        label : Label
            The class column.

        Returns
        -------
        FeatureSchema
            Features in column order; element j of an array column ``x`` is ``x[j]``.
        """
        return FeatureSchema(tuple(feature for c in self.columns for feature in c.elements()), label)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns of a snapshot as plain JSON types, for its manifest.

        Returns
        -------
        dict
            What `from_dict` reads, and the names that a reader of the files wants.
        """
        return {
            "features": [{name: getattr(c, name) for name in _PUBLISHED} for c in self.columns],
            "label": self.published_label,
            "label_reference": self.label_reference,
            "synthetic": self.published_synthetic,
            "references": self.references,
            # A list: the order is that of the rows, and JSON objects have none.
            "join_keys": [{"name": name, "dtype": str(key_type)} for name, key_type in self.join_keys.items()],
            "full_feature_names": self.full_feature_names,
        } | self._extras

    @property
    def _extras(self) -> dict[str, Any]:
        """What few contracts have, and manifests of others say nothing of."""
        found: dict[str, Any] = {} if self.timestamped else {"timestamped": False}
        if self.on_demand:
            found["inputs"] = [{name: getattr(c, name) for name in _PUBLISHED} for c in self.inputs]
            found["on_demand"] = [asdict(one) for one in self.on_demand]
        return found

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
            columns=tuple(StoredFeature(**c) for c in data["features"]),
            label=data["label"],
            label_reference=data["label_reference"],
            join_keys={key["name"]: DTYPES[key["dtype"]].arrow_type for key in data["join_keys"]},
            full_feature_names=data["full_feature_names"],
            timestamped=data.get("timestamped", True),
            inputs=tuple(StoredFeature(**c) for c in data.get("inputs", [])),
            on_demand=tuple(OnDemandView(**one) for one in data.get("on_demand", [])),
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
    """Check the column that subgroups are formed by.

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
    if group_by in {c.name for c in contract.computed}:
        raise InvalidInputError(
            f"group_by must not be a feature that is computed from others, got {group_by!r}: a synthetic row's would "
            "be another than its subgroup's; group by what it is computed from, or take --on-demand interpolated"
        )
    if group_by is not None and group_by not in columns:
        raise InvalidInputError(f"group_by must be a join key or a feature ({', '.join(columns)}), got {group_by!r}")
    return group_by


def check_names(contract: Contract) -> None:
    """Check that a contract has features, and no column twice.

    Parameters
    ----------
    contract : Contract
        Before any row was read.

    Raises
    ------
    ContractError
        If it has no feature beside the label, or two columns of one name.
    """
    if not contract.columns:
        raise ContractError("a snapshot needs at least one feature beside the label, got none")
    names = contract.arrow_schema(pa.int64()).names
    clashes = sorted({name for name in names if names.count(name) > 1})
    if clashes:
        raise ContractError(
            f"column {clashes[0]!r} would stand twice in the snapshot: rename it, leave it out or, in Feast, use "
            "full_feature_names"
        )

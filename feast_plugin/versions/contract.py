"""The contract of a snapshot: which columns it promises, in which order, of which type."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from resampler.errors import ContractError, InvalidInputError
from resampler.schema import Feature, FeatureSchema, Label

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMESTAMP = "event_timestamp"  # the one name that Feast reads a saved dataset's time from
TIMESTAMP_TYPE = pa.timestamp("us", tz="UTC")  # DuckDB 2.0 cannot read nanoseconds in UTC
SYNTHETIC = "is_synthetic"
NAMESPACE = "resampler"  # of columns that no feature view owns, and of our saved datasets

ARROW_TYPES = {
    "float32": pa.float32(),
    "float64": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "string": pa.string(),
}
CATEGORICAL_BY_DEFAULT = ("bool", "string")


@dataclass(frozen=True, slots=True)
class Column:
    """One feature.

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
        return pa.list_(ARROW_TYPES[self.dtype]) if self.array else ARROW_TYPES[self.dtype]


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
        (`feast_plugin.versions.cast.cast_label`).
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
            join_keys={key["name"]: ARROW_TYPES[key["dtype"]] for key in data["join_keys"]},
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
            f"column {clashes[0]!r} would stand twice in the snapshot: use full_feature_names or rename it"
        )

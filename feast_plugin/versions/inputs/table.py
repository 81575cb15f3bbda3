"""`TableSource`: rows of a table at hand, with no feature store: keys, event time, features and label in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feast_plugin.versions.inputs.cast import note_timestamps
from feast_plugin.versions.inputs.conform import cast_table, check_nulls, checked_frame
from feast_plugin.versions.inputs.contract import (
    CATEGORICAL_BY_DEFAULT,
    KEY_DTYPES,
    NAMESPACE,
    STORED_DTYPES,
    TIMESTAMP,
    Contract,
    StoredFeature,
    check_names,
)
from feast_plugin.versions.inputs.frame import open_table
from feast_plugin.versions.inputs.ordered import pieces_of, read_by_parts
from feast_plugin.versions.inputs.request import Request
from feast_plugin.versions.inputs.rows import canonical_rows
from feast_plugin.versions.inputs.source import Source
from feast_plugin.versions.inputs.typed import Asked, with_lists
from resampler.dtypes import FLOAT, dtype_for
from resampler.errors import ContractError, InvalidInputError, absent_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.inputs.tombstones import Tombstones
    from resampler.engines.workplace import Workplace


class TableSource(Source):
    """Rows of a table, or of its Parquet or CSV file.

    Columns keep the names and the order that they have; the event time's becomes ``event_timestamp``.

    Parameters
    ----------
    request : Request
        The table, its label and join keys; which columns are features, event time and codes.
    column : str, optional
        That the split is decided by. It is a feature only if `request` names it as one.

    Raises
    ------
    InvalidInputError
        As `Request.check_table`.
    DataError
        If the table cannot be read, or has no column of a name that was given.
    ContractError
        If a feature is of a type that cannot be resampled, or a column would stand twice.
    """

    def __init__(self, request: Request, column: str | None = None) -> None:
        request.check_table()
        self._request = request
        self._frame = open_table(request.entity_df)
        self._column = column
        super().__init__(self._read_contract())

    @classmethod
    def again(
        cls, columns: Mapping[str, Any], timestamp: str | None, frame: Mapping[str, Any], column: str | None
    ) -> TableSource:
        """Find a version's rows again.

        Parameters
        ----------
        columns : dict
            The version's, as its manifest has them.
        timestamp : str or None
            Column of the event time.
        frame : dict
            The table, as `entity_df`.
        column : str, optional
            That the split is decided by.

        Returns
        -------
        TableSource
            With the version's columns.

        Raises
        ------
        InvalidInputError, DataError, ContractError
            As the class.
        """
        return cls(
            Request(
                label=columns["label_reference"].partition(":")[2],
                features=[c["name"] for c in columns["features"]],
                join_keys=[key["name"] for key in columns["join_keys"]],
                categorical=[c["name"] for c in columns["features"] if c["categorical"]] or None,
                timestamp=timestamp,
                **frame,
            ),
            column,
        )

    @property
    def origin(self) -> dict[str, Any]:
        """No project and no feature service."""
        return {"project": None, "feature_service": None}

    @property
    def notes(self) -> dict[str, Any]:
        """Path of the table, and its column of the event time."""
        found = {"entity_frame": self._frame.notes}
        return found | ({"timestamp": self._request.timestamp} if self.contract.timestamped else {})

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows of the table, and their bytes."""
        return self._frame.size

    def rows(self, spool: Path, forgotten: Tombstones, place: Workplace | None = None) -> CanonicalRows:
        """Read the table.

        Parameters
        ----------
        spool : Path
            A local directory with room for the rows once.
        forgotten : Tombstones
            Entities that are left out.
        place : Workplace, optional
            As in `Source.rows`.

        Returns
        -------
        CanonicalRows
            In canonical form on disk.

        Raises
        ------
        ContractError
            If a feature is null in every row.
        DataError
            If there is no row, a key, a time, a label or the split's column is null, or a key stands twice.
        """
        contract, timestamp = self.contract, self._request.timestamp
        names = [*contract.join_keys, *(c.name for c in contract.columns), contract.label]
        names += [name for name in (timestamp, self._column) if name is not None and name not in names]
        needed = [*contract.keys, contract.label]
        if self._column is not None and self._column not in needed:
            needed.append(self._column)
        if place is not None:
            asked = Asked(contract, self._column, forgotten, tuple(names), timestamp or "", tuple(needed))
            columns = [TIMESTAMP if name == timestamp else name for name in names]
            return read_by_parts(place, *pieces_of(place, self._frame, names), asked, columns)
        table = self._frame.read(names)
        if timestamp is not None:
            table = table.rename_columns([TIMESTAMP if name == timestamp else name for name in table.column_names])
            note_timestamps(table[TIMESTAMP], timestamp)
        checked_frame(table.select(needed), contract)
        table = forgotten.leave_out(cast_table(with_lists(table), contract, self._column))
        check_nulls(table, contract)
        return canonical_rows(table, contract, spool)

    def _read_contract(self) -> Contract:
        request, schema = self._request, self._frame.schema
        keys = tuple(request.join_keys or ())
        given: dict[str, Sequence[str | None]] = {
            "label": [request.label],
            "join_keys": keys,
            "timestamp": [request.timestamp],
        }
        given |= {"features": request.features or (), "categorical": request.categorical or (), "split": [self._column]}
        for option, names in given.items():
            for name in names:
                if name is not None and name not in schema.names:
                    raise absent_column(option, name, "the table has", schema.names)
        if self._column is not None and self._column == request.timestamp:
            raise InvalidInputError(f"column {self._column!r} is the event time: split by it with time:0.7,0.15,0.15")
        if repeated := sorted({name for name in schema.names if schema.names.count(name) > 1}):
            raise ContractError(
                f"column {repeated[0]!r} stands twice in the table: rename one of them, or leave it out"
            )
        taken = {*keys, request.label, request.timestamp, self._column}
        features = request.features or [name for name in schema.names if name not in taken]
        codes = set(request.categorical or ())
        columns = tuple(_feature(schema.field(name), categorical=name in codes) for name in features)
        if strangers := sorted(codes - {c.name for c in columns}):
            raise ContractError(
                f"categorical names {strangers[0]!r}, which is no feature; they are {', '.join(features)}"
            )
        contract = Contract(
            columns=columns,
            label=request.label,
            label_reference=f"{NAMESPACE}:{request.label}",
            join_keys={name: _key_type(schema.field(name)) for name in keys},
            timestamped=request.timestamp is not None,
        )
        check_names(contract)
        return contract


def _is_array(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _feature(field: pa.Field, *, categorical: bool) -> StoredFeature:
    array = _is_array(field.type)
    dtype = dtype_for(field.type.value_type if array else field.type, STORED_DTYPES)  # what is narrower widens
    if dtype is None or (array and dtype.family in CATEGORICAL_BY_DEFAULT):
        time = ", or say that it is the event time (timestamp)" if pa.types.is_timestamp(field.type) else ""
        raise ContractError(
            f"column {field.name!r} has type {field.type}, which cannot be resampled: cast it to floats, integers, "
            f"booleans, text or lists of numbers, or leave it out by naming the features{time}"
        )
    if categorical and (array or dtype.family == FLOAT):
        raise ContractError(
            f"column {field.name!r} is {field.type}; a categorical one must be integer, boolean or text"
        )
    categorical = categorical or dtype.family in CATEGORICAL_BY_DEFAULT
    return StoredFeature(field.name, field.name, dtype.name, categorical, array)


def _key_type(field: pa.Field) -> pa.DataType:
    dtype = dtype_for(field.type, KEY_DTYPES)
    if dtype is None:
        raise ContractError(f"join key {field.name!r} must be integer or text, got {field.type}")
    return dtype.arrow_type

"""From an entity frame to the canonical table: retrieved point in time, cast to the contract, ordered by key."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from feast import FeatureService

from feast_plugin.contract import TIMESTAMP, TIMESTAMP_TYPE, Contract
from feast_plugin.identity import row_ids
from resampler.errors import ContractError, InvalidInputError, ResamplerError
from resampler.schema import Label

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from feast import FeatureStore
    from numpy.typing import NDArray

BATCH_ROWS = 131_072  # rows held at once while a table passes through


class Rows(NamedTuple):
    """The retrieved rows in canonical order: by event timestamp, then by join keys.

    Parameters
    ----------
    table : pyarrow.Table of n_rows
        Join keys, event timestamp, features, label and the split rule's column, memory-mapped.
    row_id : ndarray of shape (n_rows,), int64
        Identities.
    timestamps : ndarray of shape (n_rows,), int64
        Microseconds since 1970, UTC.
    label : ndarray of shape (n_rows,), int64
        Class of each row: the integer itself, or the position in `classes`.
    classes : Label
        Name, type and classes of the label.
    """

    table: pa.Table
    row_id: NDArray[np.int64]
    timestamps: NDArray[np.int64]
    label: NDArray[np.int64]
    classes: Label


def open_frame(frame: str | Path | pd.DataFrame | pa.Table) -> pa.Table | pq.ParquetFile:
    """Open an entity frame without reading more of it than need be.

    Parameters
    ----------
    frame : str, Path, pandas.DataFrame or pyarrow.Table
        A frame, or the path of a ``.parquet`` or ``.csv`` file.

    Returns
    -------
    pyarrow.Table or pyarrow.parquet.ParquetFile
        What `frame_columns` and `read_frame` take.

    Raises
    ------
    InvalidInputError
        If the file is absent, unreadable or of another kind.
    """
    if isinstance(frame, pa.Table):
        return frame
    if not isinstance(frame, str | Path):
        return pa.Table.from_pandas(frame, preserve_index=False)
    path = Path(frame)
    try:
        if path.suffix == ".parquet":
            return pq.ParquetFile(path)
        if path.suffix == ".csv":
            return pyarrow.csv.read_csv(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InvalidInputError(f"entity frame {str(path)!r} cannot be read: {error}") from error
    raise InvalidInputError(f"entity frame {str(path)!r} must be a .parquet or a .csv file")


def frame_columns(frame: pa.Table | pq.ParquetFile) -> list[str]:
    """Name the columns of an opened frame.

    Parameters
    ----------
    frame : pyarrow.Table or pyarrow.parquet.ParquetFile
        From `open_frame`.

    Returns
    -------
    list of str
        In order.
    """
    schema = frame.schema_arrow if isinstance(frame, pq.ParquetFile) else frame.schema
    return list(schema.names)


def read_frame(frame: pa.Table | pq.ParquetFile, contract: Contract, *, extra: str | None) -> pa.Table:
    """Read of an entity frame what the retrieval needs, and check it before Feast works for minutes.

    Parameters
    ----------
    frame : pyarrow.Table or pyarrow.parquet.ParquetFile
        From `open_frame`. Columns that nothing asks for are left out: under a feature's name they would clash.
    contract : Contract
        Says which columns are needed.
    extra : str, optional
        The split rule's column, where the frame has it.

    Returns
    -------
    pyarrow.Table
        Join keys, timestamp in UTC microseconds, request data, label, split column.

    Raises
    ------
    InvalidInputError
        If a column is missing, a key, a timestamp or a label null, or a key stands twice at one instant.
    """
    names = frame_columns(frame)
    wanted = [*contract.join_keys, TIMESTAMP, *contract.request]
    wanted += [contract.label] if contract.label_in_frame else []
    wanted += [extra] if extra in names and extra not in wanted else []
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InvalidInputError(
            f"entity frame lacks column {missing[0]!r}; it has {', '.join(names)}: "
            "name the time column event_timestamp and give every join key"
        )
    table = frame.read(columns=wanted) if isinstance(frame, pq.ParquetFile) else frame.select(wanted)
    if table.num_rows == 0:
        raise InvalidInputError("entity frame has no row")
    for name in wanted:
        if table[name].null_count and name not in contract.request:
            raise InvalidInputError(
                f"entity frame column {name!r} must have no null, got {table[name].null_count}: drop those rows"
            )
    table = _set(table, TIMESTAMP, _cast_timestamp(table[TIMESTAMP]))
    for name, key_type in contract.join_keys.items():
        table = _set(table, name, _cast(name, table[name], key_type))
    _check_unique(table.select(contract.keys), "entity frame")
    return table


def retrieve(
    store: FeatureStore,
    features: FeatureService | Sequence[str],
    contract: Contract,
    frame: pa.Table,
    *,
    extra: str | None,
    spool: Path,
) -> Rows:
    """Run the point-in-time retrieval and put its rows in canonical form on disk.

    Parameters
    ----------
    store : feast.FeatureStore
        Where the features are.
    features : feast.FeatureService or sequence of str
        What to retrieve; with a label reference of its own, references only.
    contract : Contract
        What must come back.
    frame : pyarrow.Table
        From `read_frame`.
    extra : str, optional
        The split rule's column.
    spool : Path
        A local directory with room for the rows once; the file in it is removed as soon as it is mapped.

    Returns
    -------
    Rows
        As many as the frame has.

    Raises
    ------
    ContractError
        If a column is missing, of another type than promised, or null in every row.
    InvalidInputError
        If rows got lost, or the label is null or constant.
    ResamplerError
        If Feast or its engine fails.
    """
    references = [*(c.reference for c in contract.columns)]
    if not contract.label_in_frame:
        references.append(contract.label_reference)
    try:
        retrieved = store.get_historical_features(
            entity_df=frame.to_pandas(),
            features=features if _covers(features, contract) else references,
            full_feature_names=contract.full_feature_names,
        ).to_arrow()
    except Exception as error:  # whatever an engine raises: a missing source, a type, a lost connection
        raise ResamplerError(f"Feast could not retrieve the features: {type(error).__name__}: {error}") from error
    table = conform(retrieved, contract, extra)
    del retrieved
    if table.num_rows != frame.num_rows:
        raise InvalidInputError(
            f"the retrieval returned {table.num_rows} rows for {frame.num_rows} of the entity frame: "
            "rows must be unique in join keys and event timestamp"
        )
    return canonical_rows(table, contract, spool)


def canonical_rows(table: pa.Table, contract: Contract, spool: Path) -> Rows:
    """Bring rows into canonical order, on disk, and say who they are.

    Parameters
    ----------
    table : pyarrow.Table
        Columns typed by the contract; keys are unique.
    contract : Contract
        Names keys and label.
    spool : Path
        A local directory with room for the rows once; the file in it is removed as soon as it is mapped.

    Returns
    -------
    Rows
        As many as `table` has.

    Raises
    ------
    InvalidInputError
        If the label is constant.
    """
    order = pc.sort_indices(table, sort_keys=[(key, "ascending") for key in contract.keys])
    table = _spool(table, order, spool / f"{uuid.uuid4().hex}.arrow")
    label, classes = _encode_label(table[contract.label], contract.published_label)
    return Rows(
        table=table,
        row_id=row_ids(table, contract.keys),
        timestamps=table[TIMESTAMP].cast(pa.int64()).to_numpy(),
        label=label,
        classes=classes,
    )


def _covers(features: FeatureService | Sequence[str], contract: Contract) -> bool:
    # A service goes to Feast as it is, for its aliases; a label from outside it takes a list of references.
    if not isinstance(features, FeatureService):
        return False
    promised = {f"{p.name_to_use()}:{f.name}" for p in features.feature_view_projections for f in p.features}
    return contract.label_in_frame or contract.label_reference in promised


def _set(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def _check_unique(keys: pa.Table, what: str) -> None:
    counts = keys.group_by(keys.column_names).aggregate([([], "count_all")])
    if counts.num_rows == keys.num_rows:
        return
    repeated = counts.filter(pc.greater(counts["count_all"], 1))
    example = repeated.slice(0, 1).to_pylist()[0]
    times = example.pop("count_all")
    shown = ", ".join(f"{name}={value}" for name, value in example.items())
    raise InvalidInputError(
        f"{what} must hold each key once at one instant, got {repeated.num_rows} repeated, first {shown} "
        f"({times} times): Feast would silently drop all but one"
    )


def _cast_timestamp(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        if pa.types.is_timestamp(column.type) and column.type.tz is None:
            return column.cast(pa.timestamp("us"), safe=False).cast(TIMESTAMP_TYPE)  # naive means UTC, as in Feast
        if pa.types.is_timestamp(column.type) or pa.types.is_string(column.type) or pa.types.is_date(column.type):
            return column.cast(TIMESTAMP_TYPE, safe=False)
    except pa.ArrowInvalid as error:
        raise InvalidInputError(f"column {TIMESTAMP!r} holds what is no timestamp: {error}") from error
    raise InvalidInputError(f"column {TIMESTAMP!r} must be a timestamp, got {column.type}")


def _cast(name: str, column: pa.ChunkedArray, to: pa.DataType) -> pa.ChunkedArray:
    """Undo what engines do to types: integers with nulls come as doubles, nulls as NaN, strings as objects."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_floating(kind):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, kind), column)
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    fits = (
        kind == to
        or pa.types.is_null(kind)
        or (numeric and (pa.types.is_integer(to) or pa.types.is_floating(to) or pa.types.is_boolean(to)))
        or (text and pa.types.is_string(to))
        or (pa.types.is_boolean(kind) and pa.types.is_integer(to))
        or (pa.types.is_list(to) and (pa.types.is_list(kind) or pa.types.is_large_list(kind)))
    )
    if not fits:
        raise ContractError(f"column {name!r} must be {to} by the contract, the data is {kind}")
    try:
        # Rounding a double to the float that the contract promises is meant; losing an integer's digits is not.
        return column.cast(to, safe=not (pa.types.is_floating(to) or pa.types.is_list(to)))
    except pa.ArrowInvalid as error:
        raise ContractError(f"column {name!r} must be {to} by the contract: {error}") from error


def conform(table: pa.Table, contract: Contract, extra: str | None) -> pa.Table:
    """Cast what an engine returned to what the contract promises.

    Parameters
    ----------
    table : pyarrow.Table
        A retrieval; columns that the contract does not name are left out.
    contract : Contract
        Columns and their types.
    extra : str, optional
        The split rule's column, which is kept.

    Returns
    -------
    pyarrow.Table
        Join keys, event timestamp, features, label and `extra`; NaN is null.

    Raises
    ------
    ContractError
        If a column is missing, of another type than promised, or null in every row.
    InvalidInputError
        If the label has a null, or the split rule's column is absent.
    """
    names = [*contract.join_keys, TIMESTAMP, *(c.name for c in contract.columns), contract.label]
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ContractError(f"the retrieval lacks column {missing[0]!r}; it has {', '.join(table.column_names)}")
    columns = {name: _cast(name, table[name], key_type) for name, key_type in contract.join_keys.items()}
    columns[TIMESTAMP] = _cast_timestamp(table[TIMESTAMP])
    for c in contract.columns:
        columns[c.name] = _cast(c.name, table[c.name], c.arrow_type)
        if columns[c.name].null_count == table.num_rows:
            raise ContractError(
                f"feature {c.reference} is null in every row: no value is as old as its ttl allows, or none matches"
            )
    columns[contract.label] = _cast_label(contract.label, table[contract.label])
    if extra is not None and extra not in columns:
        if extra not in table.column_names:
            raise InvalidInputError(
                f"split column {extra!r} is neither in the entity frame nor a feature; there are "
                f"{', '.join(table.column_names)}"
            )
        columns[extra] = _cast_rule_column(extra, table[extra])
    return pa.table(columns)


def _cast_rule_column(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_boolean(kind) or pa.types.is_integer(kind):
        return column
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    raise InvalidInputError(f"split column {name!r} must be integer, boolean or string, got {column.type}")


def _spool(table: pa.Table, order: pa.Array, path: Path) -> pa.Table:
    """Write the table in canonical order and map it back, so that its rows need no memory of ours."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        for start in range(0, len(order), BATCH_ROWS):
            writer.write_table(table.take(order.slice(start, BATCH_ROWS)).combine_chunks())
    mapped = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    path.unlink()
    return mapped


def _cast_label(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    column = _cast(name, column, pa.string() if text else pa.int64())
    if column.null_count:
        raise InvalidInputError(f"label {name!r} must have no null, got {column.null_count} among {len(column)} rows")
    return column


def _encode_label(column: pa.ChunkedArray, name: str) -> tuple[NDArray[np.int64], Label]:
    values = sorted(pc.unique(column).to_pylist())
    if len(values) < 2:
        raise InvalidInputError(f"label {name!r} must have two classes or more, got only {values[0]!r}")
    if pa.types.is_string(column.type):
        codes = pc.index_in(column, value_set=pa.array(values, pa.string()))
        return codes.to_numpy().astype(np.int64), Label(name, "string", tuple(values))
    return column.to_numpy(), Label(name, "int64")

"""Rows brought to what a contract promises: cast, and checked for what no row may lack or repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from feast_plugin.versions.inputs.cast import cast_column, cast_label, cast_rule_column, cast_timestamp
from feast_plugin.versions.inputs.contract import TIMESTAMP
from feast_plugin.versions.inputs.repeats import find_repeated
from resampler.errors import ContractError, DataError

if TYPE_CHECKING:
    from feast_plugin.versions.inputs.contract import Contract


def conform(table: pa.Table, contract: Contract, extra: str | None) -> pa.Table:
    """Cast what an engine returned to what the contract promises, and check what no row may lack.

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
        As `cast_table`.

    Raises
    ------
    ContractError, DataError
        As `cast_table` and `check_nulls`.
    """
    table = cast_table(table, contract, extra)
    check_nulls(table, contract)
    return table


def cast_table(table: pa.Table, contract: Contract, extra: str | None) -> pa.Table:
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
        If a column is missing or of another type than promised.
    DataError
        If the split rule's column is absent.
    """
    features = [*contract.columns, *contract.inputs]
    names = [*contract.keys, *(c.name for c in features), contract.label]
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ContractError(f"the retrieval lacks column {missing[0]!r}; it has {', '.join(table.column_names)}")
    columns = {name: cast_column(name, table[name], key_type) for name, key_type in contract.join_keys.items()}
    if contract.timestamped:
        columns[TIMESTAMP] = cast_timestamp(table[TIMESTAMP])
    for c in features:
        columns[c.name] = cast_column(c.name, table[c.name], c.arrow_type)
    columns[contract.label] = cast_label(contract.label, table[contract.label], contract.label_type)
    if extra is not None and extra not in columns:
        if extra not in table.column_names:
            raise DataError(
                f"split column {extra!r} is neither in the entity frame nor a feature; there are "
                f"{', '.join(table.column_names)}"
            )
        columns[extra] = cast_rule_column(extra, table[extra])
    return pa.table(columns)


def check_nulls(table: pa.Table, contract: Contract) -> None:
    """Check that every row has a label, and every feature a value in some row.

    Parameters
    ----------
    table : pyarrow.Table
        From `cast_table`, all rows of the retrieval.
    contract : Contract
        Its columns.

    Raises
    ------
    ContractError
        If a feature is null in every row.
    DataError
        If the label is null in one.
    """
    for c in (*contract.columns, *contract.inputs):
        if table[c.name].null_count == table.num_rows:
            raise ContractError(
                f"feature {c.reference} is null in every row: leave it out; of a feature store, see whether its keys "
                "match, and its values are as young as its ttl asks for"
            )
    nulls = table[contract.label].null_count
    if nulls:
        raise DataError(f"label {contract.label!r} must have no null, got {nulls} among {table.num_rows} rows")


def checked_frame(table: pa.Table, contract: Contract) -> pa.Table:
    """Check rows that features are to be joined to.

    Parameters
    ----------
    table : pyarrow.Table
        Join keys and event timestamp, and what else the frame has.
    contract : Contract
        Names the keys.

    Returns
    -------
    pyarrow.Table
        The same, keys and timestamp cast.

    Raises
    ------
    DataError
        If there is no row, a null outside of request data, or a key stands twice at one instant.
    """
    if table.num_rows == 0:
        raise DataError("there is no row: the entity frame, or the table, is empty")
    for name in table.column_names:
        if table[name].null_count and name not in contract.request:
            raise DataError(f"column {name!r} must have no null, got {table[name].null_count}: drop those rows")
    if contract.timestamped:
        table = _set(table, TIMESTAMP, cast_timestamp(table[TIMESTAMP]))
    for name, key_type in contract.join_keys.items():
        table = _set(table, name, cast_column(name, table[name], key_type))
    check_unique(table.select(contract.keys))
    return table


def check_unique(keys: pa.Table) -> None:
    """Check that no entity stands twice at one instant.

    Parameters
    ----------
    keys : pyarrow.Table
        Join keys and event timestamp.

    Raises
    ------
    DataError
        If one does.
    """
    found = find_repeated(keys)
    if found is None:
        return
    at = " at one instant" if TIMESTAMP in keys.column_names else ""
    raise DataError(
        f"each key must stand once{at}, got {found.number} repeated, first {found.example}: keep one row "
        "of each, or distinguish them by another join key"
    )


def _set(table: pa.Table, name: str, column: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)

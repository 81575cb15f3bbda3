"""Rows brought to what a contract promises: cast, and checked for what no row may lack or repeat."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa

from feast_plugin.versions.inputs.cast import cast_column, cast_label, cast_rule_column, cast_timestamp
from feast_plugin.versions.inputs.contract import TIMESTAMP
from feast_plugin.versions.inputs.repeats import find_repeated
from resampler.errors import ContractError, DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
    casts = casts_of(table.column_names, contract, extra)
    return pa.table({name: cast(table[name]) for name, cast in casts.items()})


def casts_of(
    names: Sequence[str], contract: Contract, extra: str | None
) -> dict[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]]:
    """Say how each column is cast to what the contract promises.

    Parameters
    ----------
    names : sequence of str
        Columns of a retrieval.
    contract : Contract
        Columns and their types.
    extra : str, optional
        The split rule's column.

    Returns
    -------
    dict of str to callable
        By column, in the order of `cast_table`; each raises what `cast_table` does of its column.

    Raises
    ------
    ContractError
        If a column is missing.
    DataError
        If the split rule's column is absent.
    """
    features = [*contract.columns, *contract.inputs]
    needed = [*contract.keys, *(c.name for c in features), contract.label]
    missing = [name for name in needed if name not in names]
    if missing:
        raise ContractError(f"the retrieval lacks column {missing[0]!r}; it has {', '.join(names)}")
    casts: dict[str, Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {}
    for name, kind in contract.join_keys.items():
        casts[name] = partial(cast_column, name, to=kind)
    if contract.timestamped:
        casts[TIMESTAMP] = cast_timestamp
    for c in features:
        casts[c.name] = partial(cast_column, c.name, to=c.arrow_type)
    casts[contract.label] = partial(cast_label, contract.label, promised=contract.label_type)
    if extra is not None and extra not in casts:
        if extra not in names:
            raise DataError(
                f"split column {extra!r} is neither in the entity frame nor a feature; there are {', '.join(names)}"
            )
        casts[extra] = partial(cast_rule_column, extra)
    return casts


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
    check_null_counts({name: table[name].null_count for name in table.column_names}, table.num_rows, contract)


def check_null_counts(nulls: Mapping[str, int], n_rows: int, contract: Contract) -> None:
    """Check that every row has a label, and every feature a value in some row.

    Parameters
    ----------
    nulls : mapping of str to int
        By column of `cast_table`.
    n_rows : int
        Of the retrieval.
    contract : Contract
        Its columns.

    Raises
    ------
    ContractError, DataError
        As `check_nulls`.
    """
    for c in (*contract.columns, *contract.inputs):
        if nulls[c.name] == n_rows:
            raise ContractError(
                f"feature {c.reference} is null in every row: leave it out; of a feature store, see whether its keys "
                "match, and its values are as young as its ttl asks for"
            )
    if of_label := nulls[contract.label]:
        raise DataError(f"label {contract.label!r} must have no null, got {of_label} among {n_rows} rows")


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
    check_frame_counts({name: table[name].null_count for name in table.column_names}, table.num_rows, contract)
    if contract.timestamped:
        table = _set(table, TIMESTAMP, cast_timestamp(table[TIMESTAMP]))
    for name, key_type in contract.join_keys.items():
        table = _set(table, name, cast_column(name, table[name], key_type))
    check_unique(table.select(contract.keys))
    return table


def check_frame_counts(nulls: Mapping[str, int], n_rows: int, contract: Contract) -> None:
    """Check that there are rows that features can be joined to.

    Parameters
    ----------
    nulls : mapping of str to int
        By column that no row may lack.
    n_rows : int
        Of the frame.
    contract : Contract
        Names request data, which may be null.

    Raises
    ------
    DataError
        If there is no row, or a null outside of request data.
    """
    if n_rows == 0:
        raise DataError("there is no row: the entity frame, or the table, is empty")
    for name, n in nulls.items():
        if n and name not in contract.request:
            raise DataError(f"column {name!r} must have no null, got {n}: drop those rows")


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

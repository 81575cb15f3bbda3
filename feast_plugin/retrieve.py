"""From an entity frame to the canonical table: retrieved point in time, cast to the contract, ordered by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from feast import FeatureService

from feast_plugin.cast import cast_column, cast_label, cast_rule_column, cast_timestamp
from feast_plugin.contract import TIMESTAMP, Contract
from feast_plugin.frame import checked_frame
from feast_plugin.rows import Rows, canonical_rows
from resampler.errors import ContractError, DataError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from feast import FeatureStore


def retrieve(
    store: FeatureStore,
    features: FeatureService | Sequence[str],
    contract: Contract,
    frame: pa.Table | str,
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
    frame : pyarrow.Table or str
        From `feast_plugin.frame.read_frame`.
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
    DataError
        If rows got lost, or the label is null or constant; and of SQL, what `read_frame` finds in other frames.
    ResamplerError
        If Feast or its engine fails.
    """
    references = [*(c.reference for c in contract.columns)]
    if not contract.label_in_frame:
        references.append(contract.label_reference)
    try:
        retrieved = store.get_historical_features(
            entity_df=frame if isinstance(frame, str) else frame.to_pandas(),
            features=features if _covers(features, contract) else references,
            full_feature_names=contract.full_feature_names,
        ).to_arrow()
    except Exception as error:  # whatever an engine raises: a missing source, a type, a lost connection
        raise ResamplerError(f"Feast could not retrieve the features: {type(error).__name__}: {error}") from error
    table = conform(retrieved, contract, extra)
    del retrieved
    if isinstance(frame, str):
        checked_frame(table.select([*contract.keys, contract.label]), contract)
    elif table.num_rows != frame.num_rows:
        raise DataError(
            f"the retrieval returned {table.num_rows} rows for {frame.num_rows} of the entity frame: "
            "rows must be unique in join keys and event timestamp"
        )
    return canonical_rows(table, contract, spool)


def _covers(features: FeatureService | Sequence[str], contract: Contract) -> bool:
    # A service goes to Feast as it is, for its aliases; a label from outside it takes a list of references.
    if not isinstance(features, FeatureService):
        return False
    promised = {f"{p.name_to_use()}:{f.name}" for p in features.feature_view_projections for f in p.features}
    return contract.label_in_frame or contract.label_reference in promised


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
    DataError
        If the label has a null, or the split rule's column is absent.
    """
    names = [*contract.join_keys, TIMESTAMP, *(c.name for c in contract.columns), contract.label]
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise ContractError(f"the retrieval lacks column {missing[0]!r}; it has {', '.join(table.column_names)}")
    columns = {name: cast_column(name, table[name], key_type) for name, key_type in contract.join_keys.items()}
    columns[TIMESTAMP] = cast_timestamp(table[TIMESTAMP])
    for c in contract.columns:
        columns[c.name] = cast_column(c.name, table[c.name], c.arrow_type)
        if columns[c.name].null_count == table.num_rows:
            raise ContractError(
                f"feature {c.reference} is null in every row: no value is as old as its ttl allows, or none matches"
            )
    columns[contract.label] = cast_label(contract.label, table[contract.label])
    if extra is not None and extra not in columns:
        if extra not in table.column_names:
            raise DataError(
                f"split column {extra!r} is neither in the entity frame nor a feature; there are "
                f"{', '.join(table.column_names)}"
            )
        columns[extra] = cast_rule_column(extra, table[extra])
    return pa.table(columns)

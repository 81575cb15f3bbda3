"""The entity frame: which rows a snapshot is about. A table, a file, SQL that the store runs, or a span of time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from feast.infra.offline_stores.offline_utils import get_offline_store_from_config

from feast_plugin.notices import notice
from feast_plugin.retrieval.sources import at_absolute_paths
from feast_plugin.retrieval.sql import checked_sql
from feast_plugin.versions.inputs.cast import cast_timestamp, note_timestamps
from feast_plugin.versions.inputs.conform import checked_frame
from feast_plugin.versions.inputs.contract import TIMESTAMP, TIMESTAMP_TYPE
from feast_plugin.versions.inputs.frame import EntityFrame, open_table
from feast_plugin.versions.inputs.request import frame_file, is_select, read_time, span
from resampler.errors import DataError, ResamplerError

if TYPE_CHECKING:
    import pandas as pd
    from feast import FeatureStore

    from feast_plugin.versions.inputs.contract import Contract

# Feast's offline server takes no open span; pandas knows no earlier and no later times in nanoseconds.
_FIRST, _LAST = datetime(1700, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def open_frame(
    store: FeatureStore,
    entity_df: str | Path | pd.DataFrame | pa.Table | None,
    start_date: str | datetime | None = None,
    end_date: str | datetime | None = None,
) -> EntityFrame:
    """Open an entity frame without reading more of it than need be.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose offline store runs the SQL.
    entity_df : str, Path, pandas.DataFrame or pyarrow.Table, optional
        A frame, the path or URI of a ``.parquet``, ``.csv`` or ``.sql`` file, or a SELECT.
    start_date, end_date : str or datetime, optional
        In place of a frame: the label's view from one instant to the other, both included; ISO 8601, UTC where no
        zone is named.

    Returns
    -------
    EntityFrame
        What `read_frame` takes.

    Raises
    ------
    InvalidInputError
        If neither a frame nor a time is given, or both, or what is given cannot be understood.
    DataError
        If the file is absent or cannot be read.
    """
    if entity_df is None:
        first, last = span(start_date, end_date)
        for name, value in (("start_date", start_date), ("end_date", end_date)):
            if value is not None and read_time(name, value).tzinfo is None:
                notice(f"{name} {value} has no time zone and is taken as UTC: write the offset of your zone (+02:00)")
        return EntityFrame(None, {"start_date": _text(first), "end_date": _text(last)}, (first, last))
    if isinstance(entity_df, str) and is_select(entity_df):
        return _open_sql(store, entity_df, entity_df)
    if not isinstance(entity_df, str | Path) or not (file := frame_file(entity_df)).path.endswith(".sql"):
        return open_table(entity_df)
    where = str(entity_df) if "://" in str(entity_df) else file.path
    try:
        return _open_sql(store, file.read().decode(), where)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"entity frame {where!r} cannot be read: {error}") from error


def read_frame(store: FeatureStore, frame: EntityFrame, contract: Contract, *, extra: str | None) -> pa.Table | str:
    """Read of an entity frame what the retrieval needs, and check it before Feast works for minutes.

    Parameters
    ----------
    store : feast.FeatureStore
        Reads the label's view where the frame is a span of time.
    frame : EntityFrame
        From `open_frame`. Columns that nothing asks for are left out: under a feature's name they would clash.
    contract : Contract
        Says which columns are needed.
    extra : str, optional
        The split rule's column, where the frame has it.

    Returns
    -------
    pyarrow.Table or str
        Join keys, timestamp in UTC microseconds, request data, label, split column; SQL stays what it is.

    Raises
    ------
    DataError
        If a column is missing, a key, a timestamp or a label null, or a key stands twice at one instant.
    """
    if isinstance(frame.data, tuple):
        table = _read_span(store, contract, *frame.data)
    else:
        wanted = list(dict.fromkeys([*contract.join_keys, TIMESTAMP, *contract.request]))  # a view may ask for a key
        wanted += [contract.label] if contract.label_in_frame else []
        names = frame.columns or []
        wanted += [extra] if extra in names and extra not in wanted else []
        missing = [name for name in wanted if name not in names]
        if missing:
            raise DataError(
                f"entity frame lacks column {missing[0]!r}; it has {', '.join(names)}: "
                "name the time column event_timestamp and give every join key"
            )
        if unread := [name for name in names if name not in wanted]:
            notice(
                f"columns of the entity frame that are not read: {', '.join(unread)}; a snapshot holds the features "
                "asked for, join keys, event_timestamp, request data and the label"
            )
        if isinstance(frame.data, str):
            return frame.data  # its rows are checked when they come back with the features
        table = frame.read(wanted)
        if table.num_rows:
            note_timestamps(table[TIMESTAMP])
    return checked_frame(table, contract)


def _open_sql(store: FeatureStore, text: str, note: str) -> EntityFrame:
    sql, names = checked_sql(text, store.config.offline_store.type)
    return EntityFrame(names, {"entity_df": note}, sql)


def _read_span(store: FeatureStore, contract: Contract, start: datetime | None, end: datetime | None) -> pa.Table:
    """Take the rows of the label's view; Feast's own retrieval by time alone fails or doubles rows on some stores."""
    if contract.request:
        raise DataError(f"request data {list(contract.request)} come with an entity frame: give one, not a time span")
    name = contract.label_reference.partition(":")[0]
    store = at_absolute_paths(store)
    view = store.registry.get_any_feature_view(name, store.project)
    own = [key.name for key in view.entity_columns]
    missing = [key for key in contract.join_keys if key not in own]
    if missing:
        raise DataError(
            f"the label's view {name!r} has no join key {missing[0]!r}; it has {', '.join(own)}: a span of time takes "
            "its rows from that view, so give an entity frame"
        )
    source = view.batch_source
    stored_as = {new: old for old, new in source.field_mapping.items()}
    keys = {stored_as.get(key, key): key for key in contract.join_keys}
    label = contract.label_reference.partition(":")[2]
    try:
        table = (
            get_offline_store_from_config(store.config.offline_store)
            .pull_all_from_table_or_query(
                config=store.config,
                data_source=source,
                join_key_columns=list(keys),
                feature_name_columns=[stored_as.get(label, label)],
                timestamp_field=source.timestamp_field,
                created_timestamp_column=source.created_timestamp_column or None,
                start_date=start or _FIRST,
                end_date=end or _LAST,
            )
            .to_arrow()
        )
    except Exception as error:  # whatever an engine raises
        raise ResamplerError(f"Feast could not read view {name!r}: {type(error).__name__}: {error}") from error
    columns = {new: table[old] for old, new in keys.items()}
    columns[TIMESTAMP] = cast_timestamp(table[source.timestamp_field])
    # A row that was corrected stands there twice: the retrieval finds the newest.
    rows = pa.table(columns).group_by(list(columns)).aggregate([])
    for bound, inside in ((start, pc.greater_equal), (end, pc.less_equal)):
        if bound is not None:
            rows = rows.filter(inside(rows[TIMESTAMP], pa.scalar(bound, TIMESTAMP_TYPE)))
    return rows


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()

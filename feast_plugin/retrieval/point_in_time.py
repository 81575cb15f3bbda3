"""From an entity frame to the canonical table: retrieved point in time, cast to the contract, ordered by key."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from feast import FeatureService, utils

from feast_plugin.retrieval.created import filter_of
from feast_plugin.retrieval.dropped import missing_rows, retrieve_dropped
from feast_plugin.retrieval.exported import exported
from feast_plugin.retrieval.sources import at_absolute_paths, check_rows
from feast_plugin.versions.inputs.cast import note_timestamps
from feast_plugin.versions.inputs.conform import cast_table, casts_of, check_nulls, checked_frame
from feast_plugin.versions.inputs.contract import REQUEST, TIMESTAMP, Contract
from feast_plugin.versions.inputs.ordered import columns_of, given, put, read_by_parts
from feast_plugin.versions.inputs.rows import CanonicalRows, canonical_rows
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.inputs.typed import Asked
from resampler.errors import DataError, ResamplerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from feast import FeatureStore
    from feast.infra.offline_stores.offline_store import RetrievalJob

    from feast_plugin.retrieval.exported import Exported
    from feast_plugin.versions.inputs.pieces import Piece
    from resampler.engines.workplace import Workplace


def retrieve(
    store: FeatureStore,
    features: FeatureService | Sequence[str],
    contract: Contract,
    frame: pa.Table | str,
    *,
    extra: str | None,
    created: bool = False,
    spool: Path,
    forgotten: Tombstones,
    place: Workplace | None = None,
) -> CanonicalRows:
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
        From `feast_plugin.retrieval.frame.read_frame`.
    extra : str, optional
        The split rule's column.
    created : bool
        Take no value that was created after its row's event timestamp (`feast_plugin.retrieval.created`).
    spool : Path
        A local directory with room for the rows once; the file in it is removed as soon as it is mapped.
    forgotten : Tombstones
        Entities that are left out.
    place : Workplace, optional
        As in `feast_plugin.versions.inputs.source.Source.rows`.

    Returns
    -------
    CanonicalRows
        As many as the frame has of other entities: rows that the store dropped are put back
        (`feast_plugin.retrieval.dropped`).

    Raises
    ------
    ContractError
        If a column is missing, of another type than promised, or null in every row, or the store cannot read a
        source as it is meant (`feast_plugin.retrieval.sources`).
    DataError
        If the store returned rows that it was not asked for, or the label is null or constant; and of SQL, what
        `read_frame` finds in other frames.
    ResamplerError
        If Feast or its engine fails.
    """
    store = at_absolute_paths(store)
    if not isinstance(frame, str):
        frame = forgotten.leave_out(frame)
    asked = _asked(features, contract)
    with feast_errors():
        for view in utils._get_feature_views_to_use(store.registry, store.project, asked)[0]:
            check_rows(store, view)

    def _begin() -> RetrievalJob:
        return store.get_historical_features(
            entity_df=frame if isinstance(frame, str) else frame.to_pandas(),
            features=asked,
            full_feature_names=contract.full_feature_names,
            **filter_of(created=created),
        )

    if place is not None:
        with feast_errors():
            files = exported(place, _begin)
        if files is not None:
            return _read_exported(files, store, contract, frame, extra, forgotten, place)
        put_before = given(place)
        if put_before is not None:
            return _in_order(put_before, contract, extra, forgotten, place)
    with feast_errors():
        job = _begin()
        retrieved = job.to_arrow()
    if isinstance(frame, str) and retrieved.num_rows and TIMESTAMP in retrieved.column_names:
        note_timestamps(retrieved[TIMESTAMP])
    table = cast_table(retrieved, contract, extra)
    del retrieved
    if isinstance(frame, str):
        checked_frame(table.select([*contract.keys, contract.label]), contract)
        table = forgotten.leave_out(table)
    elif table.num_rows < frame.num_rows:
        rows = missing_rows(frame, table, contract)
        with feast_errors():
            restored = retrieve_dropped(store, asked, rows, job, created=created)
        table = pa.concat_tables([table, cast_table(restored, contract, extra)])
    if not isinstance(frame, str):
        _check_rows(store, frame, table.num_rows)
    check_nulls(table, contract)
    if place is not None:  # the memory of that store is not ours to bound; from here on tasks go on
        pieces = put(place, table)
        del table
        return _in_order(pieces, contract, extra, forgotten, place)
    return canonical_rows(table, contract, spool)


def _check_rows(store: FeatureStore, frame: pa.Table, n: int) -> None:
    if n != frame.num_rows:
        raise DataError(
            f"the {store.config.offline_store.type} offline store returned {n} rows for {frame.num_rows} "
            "of the entity frame, some of them twice or never asked for: retrieve through another store"
        )


def _in_order(
    pieces: list[Piece], contract: Contract, extra: str | None, forgotten: Tombstones, place: Workplace
) -> CanonicalRows:
    """Bring rows into canonical order that are as the contract promises, and of no forgotten entity."""
    names = list(casts_of(columns_of(pieces[0]), contract, extra))
    asked = Asked(contract, extra, Tombstones(forgotten.home, forgotten.key), tuple(names), noted=False)
    return read_by_parts(place, pieces, None, asked, names)


def _read_exported(
    files: Exported,
    store: FeatureStore,
    contract: Contract,
    frame: pa.Table | str,
    extra: str | None,
    forgotten: Tombstones,
    place: Workplace,
) -> CanonicalRows:
    """Read what a store's workers wrote, and remove it."""
    casts_of(files.schema.names, contract, extra)  # what lacks is said of all columns that there are
    names = [name for name in files.schema.names if name in casts_of(files.schema.names, contract, extra)]
    schema = pa.schema([files.schema.field(name) for name in names])
    if isinstance(frame, str):
        asked = Asked(contract, extra, forgotten, tuple(names), needed=(*contract.keys, contract.label), schema=schema)
        rows = read_by_parts(place, files.pieces, None, asked, names)
    else:  # which has neither rows that were forgotten, nor what is to be said of its times
        left = Tombstones(forgotten.home, forgotten.key)
        asked = Asked(contract, extra, left, tuple(names), noted=False, schema=schema)
        check = partial(_check_rows, store, frame)
        rows = read_by_parts(place, files.pieces, None, asked, names, check)
    files.remove()
    return rows


@contextlib.contextmanager
def feast_errors() -> Iterator[None]:
    """Report what an engine raises as an error of ours.

    Yields
    ------
    None
        Once.

    Raises
    ------
    ResamplerError
        In place of any other.
    """
    try:
        yield
    except ResamplerError:
        raise
    except Exception as error:  # whatever an engine raises: a missing source, a type, a lost connection
        raise ResamplerError(f"Feast could not retrieve the features: {type(error).__name__}: {error}") from error


def _asked(features: FeatureService | Sequence[str], contract: Contract) -> FeatureService | list[str]:
    """Give a service to Feast as it is, for its aliases; a label from outside it takes a list of references."""
    if isinstance(features, FeatureService):
        promised = {f"{p.name_to_use()}:{f.name}" for p in features.feature_view_projections for f in p.features}
        if contract.label_in_frame or contract.label_reference in promised:
            return features
    references = [c.reference for c in contract.columns]
    references += [c.reference for c in contract.inputs if not c.reference.startswith(f"{REQUEST}:")]
    return references if contract.label_in_frame else [*references, contract.label_reference]

"""Where a view's rows are read from: file sources as every offline store must see them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset
from feast import FileSource
from feast.data_format import DeltaFormat

from feast_plugin.versions.inputs.repeats import find_repeated
from resampler.errors import ContractError

if TYPE_CHECKING:
    from feast import FeatureStore

DASK = ("dask", "file")  # one offline store under two names


def at_absolute_paths(store: FeatureStore) -> FeatureStore:
    """Return the store with the paths of its file sources resolved.

    A relative path is meant from the repository. Feast's DuckDB store takes it from the working directory.

    Parameters
    ----------
    store : feast.FeatureStore
        Is not changed.

    Returns
    -------
    feast.FeatureStore
        The same store; views from its registry name absolute paths.
    """
    resolved = copy.copy(store)
    resolved._registry = _Resolving(store.registry, Path(store.repo_path).resolve())
    return resolved


class _Resolving:
    """A registry that is only read, whose views have sources at absolute paths."""

    def __init__(self, registry: Any, repo: Path) -> None:
        self._behind = registry
        self._repo = repo

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)

    def get_any_feature_view(self, *args: Any, **kwargs: Any) -> Any:
        return self._resolved(self._behind.get_any_feature_view(*args, **kwargs))

    def get_feature_view(self, *args: Any, **kwargs: Any) -> Any:
        return self._resolved(self._behind.get_feature_view(*args, **kwargs))

    def get_feature_view_by_version(self, *args: Any, **kwargs: Any) -> Any:
        return self._resolved(self._behind.get_feature_view_by_version(*args, **kwargs))

    def _resolved(self, view: Any) -> Any:
        source = getattr(view, "batch_source", None)
        if not isinstance(source, FileSource) or _is_absolute(source.path):
            return view
        view = copy.deepcopy(view)
        view.batch_source.file_options.uri = str(self._repo / source.path)
        return view


def _is_absolute(path: str) -> bool:
    return "://" in path or Path(path).is_absolute()


def check_source(store: FeatureStore, view: Any) -> None:
    """Check that the offline store reads a view's source as it is meant.

    Parameters
    ----------
    store : feast.FeatureStore
        Its configuration names the offline store.
    view : feast view
        Any that a contract may name.

    Raises
    ------
    ContractError
        If the store is Dask and the source a Delta table: every Parquet file that it ever had would be read, deleted
        rows and all.
    """
    source = getattr(view, "batch_source", None)
    if store.config.offline_store.type in DASK and isinstance(getattr(source, "file_format", None), DeltaFormat):
        raise ContractError(
            f"view {view.name!r} reads a Delta table, whose log the Dask offline store ignores: use the DuckDB store"
        )


def check_rows(store: FeatureStore, view: Any) -> None:
    """Check that the offline store makes of a view's rows what every store makes of them.

    Parameters
    ----------
    store : feast.FeatureStore
        Its configuration names the offline store.
    view : feast view
        A view whose rows are retrieved; its source's path is absolute.

    Raises
    ------
    ContractError
        If the store is Dask and rows of the source have no event timestamp, for it takes them as values of any time;
        or if an entity stands in the source several times at one instant, distinguished by a created timestamp, for its
        sort is not stable and an older row may win.
    """
    source = getattr(view, "batch_source", None)
    if store.config.offline_store.type not in DASK or not isinstance(source, FileSource):
        return
    stored_as = {new: old for old, new in source.field_mapping.items()}
    time = stored_as.get(source.timestamp_field, source.timestamp_field)
    keys = [stored_as.get(key.name, key.name) for key in view.entity_columns if not key.name.startswith("__dummy")]
    filesystem, path = FileSource.create_filesystem_and_path(
        source.path, source.s3_endpoint_override, source.resolve_credentials()
    )
    try:
        rows = pyarrow.dataset.dataset(path, filesystem=filesystem)
        timeless = rows.count_rows(filter=pyarrow.dataset.field(time).is_null())
        table = rows.to_table(columns=[*keys, time]) if source.created_timestamp_column else None
    except (OSError, pa.ArrowInvalid):
        return  # the retrieval says what is wrong with it
    if timeless:
        raise ContractError(
            f"view {view.name!r} has {timeless} rows without {time!r}, which the Dask offline store takes as values of "
            "any time, the future too: use the DuckDB store, or take them out of the source"
        )
    if table is not None:
        _check_corrections(table, view.name, source.created_timestamp_column)


def _check_corrections(rows: pa.Table, view: str, created: str) -> None:
    found = find_repeated(rows)
    if found is None:
        return
    raise ContractError(
        f"view {view!r} has {found.number} corrected rows, first {found.example}, and the Dask offline "
        f"store does not reliably take the newest by {created!r}: use the DuckDB store, or keep only the newest in the "
        "source"
    )

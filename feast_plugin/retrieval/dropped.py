"""Rows of the entity frame that a store dropped: put back, with nulls for what no view has of them.

Feast's Dask store joins view after view and drops a row as soon as one view has only values outside its ttl or in the
future; with several entities it also keeps one row for each key of the first view. Other stores keep every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from feast import utils
from feast.infra.offline_stores.offline_store import RetrievalJob

from feast_plugin.retrieval.created import filter_of
from feast_plugin.versions.inputs.contract import TIMESTAMP, column_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feast import FeatureService, FeatureStore

    from feast_plugin.versions.inputs.contract import Contract

_ROW = "resampler_row"  # travels through the store beside the keys


def missing_rows(frame: pa.Table, returned: pa.Table, contract: Contract) -> pa.Table:
    """Find the rows that a store did not return.

    Parameters
    ----------
    frame : pyarrow.Table
        What it was asked for; keys are unique.
    returned : pyarrow.Table
        What it returned, keys typed by the contract.
    contract : Contract
        Names the keys.

    Returns
    -------
    pyarrow.Table
        Rows of `frame`, in its order.
    """
    keys = list(contract.keys)
    numbered = frame.select(keys).append_column(_ROW, pa.array(np.arange(frame.num_rows)))
    lost = numbered.join(returned.select(keys), keys, join_type="left anti")[_ROW]
    return frame.take(pa.array(np.sort(lost.to_numpy())))


def retrieve_dropped(
    store: FeatureStore, features: FeatureService | Sequence[str], rows: pa.Table, job: RetrievalJob, *, created: bool
) -> pa.Table:
    """Retrieve rows that a store drops, one view at a time.

    Parameters
    ----------
    store : feast.FeatureStore
        Where the features are.
    features : feast.FeatureService or sequence of str
        What was asked for.
    rows : pyarrow.Table
        From `missing_rows`.
    job : feast.infra.offline_stores.offline_store.RetrievalJob
        The retrieval that dropped them: says which on-demand views are computed, and how columns are named.
    created : bool
        Take no value that was created after its row's event timestamp.

    Returns
    -------
    pyarrow.Table
        `rows` and every feature; null where its view has none for the row. On-demand features are computed from
        these nulls, as they are on stores that keep the rows.
    """
    registry, project = store.registry, store.project
    views, on_demand = utils._get_feature_views_to_use(registry, project, features)
    references = utils._get_features(registry, project, features, allow_cache=True)
    grouped, _ = utils._group_feature_refs(references, views, on_demand)
    table = rows
    for view, names in grouped:
        found = _of_view(store, view, sorted(names), rows, full=job.full_feature_names, created=created)
        for name, column in found.items():
            table = table.append_column(name, column)
    return _Joined(job, table).to_arrow()


def _of_view(
    store: FeatureStore, view: Any, names: Sequence[str], rows: pa.Table, *, full: bool, created: bool
) -> dict[str, pa.ChunkedArray]:
    """Join one view to the rows: each of its keys is asked for once an instant, and the answer goes to all its rows."""
    renamed = view.projection.join_key_map
    keys = [*(renamed.get(key.name, key.name) for key in view.entity_columns), TIMESTAMP]
    frame = rows.select(keys).to_pandas()
    group = frame.groupby(keys, sort=False).ngroup().to_numpy()
    _, first = np.unique(group, return_index=True)
    asked = frame.iloc[first].reset_index(drop=True)
    asked[_ROW] = np.arange(len(asked))
    references = [f"{view.projection.name_to_use()}:{name}" for name in names]
    found = (
        store._get_provider()
        .get_historical_features(
            store.config, [view], references, asked, store.registry, store.project, full, **filter_of(created=created)
        )
        .to_arrow()
    )
    at = np.full(len(asked), -1)
    at[found[_ROW].to_numpy()] = np.arange(found.num_rows)
    taken = pa.array(at[group], mask=at[group] < 0)
    columns = [column_name(reference, full=full) for reference in references]
    return {name: found[name].take(taken) for name in columns}


class _Joined(RetrievalJob):  # type: ignore[misc]
    """Rows whose views are joined: Feast computes the on-demand features when they are asked for."""

    def __init__(self, job: RetrievalJob, table: pa.Table) -> None:
        self._job = job
        self._table = table

    @property
    def full_feature_names(self) -> bool:
        return bool(self._job.full_feature_names)

    @property
    def on_demand_feature_views(self) -> list[Any]:
        return list(self._job.on_demand_feature_views)

    @property
    def metadata(self) -> Any:
        return self._job.metadata

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002
        return self._table

"""A retrieval job whose rows are augmented, for those who save datasets with Feast's own call."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from feast import FeatureStore
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata

from feast_plugin.retrieval.contract import build_contract
from feast_plugin.retrieval.on_demand import transformation
from feast_plugin.versions.files.parquet import ParquetFile
from feast_plugin.versions.inputs.conform import conform
from feast_plugin.versions.inputs.rows import canonical_rows
from feast_plugin.versions.inputs.split import TRAIN
from feast_plugin.versions.making.cleaning import with_rule
from feast_plugin.versions.making.publishable import Publishable
from feast_plugin.versions.making.reached import settled
from feast_plugin.versions.making.recipe import Recipe
from feast_plugin.versions.making.training import augment_training, resolve, undersampled
from feast_plugin.versions.outputs import published_rows
from resampler.errors import InvalidInputError
from resampler.secret import SecretKey
from resampler.storage import Location

if TYPE_CHECKING:
    import pandas as pd
    from feast.saved_dataset import SavedDatasetStorage

    from resampler.grids import Grids
    from resampler.methods.parameters import Missing, NoDanger
    from resampler.relations import Relations


def augment(job: RetrievalJob, store: FeatureStore | None = None, **options: Any) -> AugmentedRetrievalJob:
    """Wrap a retrieval job, so that what Feast saves or reads of it is augmented.

    Parameters
    ----------
    job : feast.infra.offline_stores.offline_store.RetrievalJob
        From `FeatureStore.get_historical_features`.
    store : feast.FeatureStore, optional
        Whose registry knows the job's views; by default that of the repository that the job comes from.
    **options : Any
        `label` and the other keywords of `AugmentedRetrievalJob`.

    Returns
    -------
    AugmentedRetrievalJob
        The job.

    Raises
    ------
    InvalidInputError
        As `AugmentedRetrievalJob`, or if the job does not say where it is from.

    Examples
    --------
    >>> job = store.get_historical_features(entity_df, features)                              # doctest: +SKIP
    >>> store.create_saved_dataset(augment(job, label="fraud", ratio=0.5), "fraud", storage)  # doctest: +SKIP
    """
    if store is None:
        repo = getattr(job, "repo_path", None)
        if repo is None:
            raise InvalidInputError(f"a {type(job).__name__} does not say which repository it is from: give store")
        store = FeatureStore(repo_path=str(repo))
    return AugmentedRetrievalJob(job, store, **options)


class AugmentedRetrievalJob(RetrievalJob):  # type: ignore[misc]
    """The rows of another job, and synthetic ones behind them.

    Every row counts as a training row: retrieve the training period alone. `feast_plugin.create_snapshot` splits,
    versions and verifies beside that, puts back rows that a store drops, and leaves forgotten entities out.

    Parameters
    ----------
    job : feast.infra.offline_stores.offline_store.RetrievalJob
        From `FeatureStore.get_historical_features`.
    store : feast.FeatureStore
        Whose registry knows the job's views.
    label : str
        A column of the entity frame, or a feature.
    ratio : float
        Minority : majority afterwards, above 0 and at most 1.
    seed : int
        Keys every draw.
    k_neighbors : int
        Neighbours of its class that a row may be joined with.
    if_reached, missing, grid, relations, on_demand, sampler, clean, undersample, group_by, subgroups, no_danger, \
shrinkage, exclude_noisy, secret_key
        As in `feast_plugin.create_snapshot`.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule, or the label is nowhere to be found.
    ContractError
        If a feature's type cannot be resampled.
    """

    def __init__(
        self,
        job: RetrievalJob,
        store: FeatureStore,
        *,
        label: str,
        ratio: float = 0.2,
        if_reached: str = "refuse",
        seed: int = 0,
        k_neighbors: int = 5,
        missing: Missing = "inherit",
        grid: Grids = "auto",
        relations: Relations = "report",
        on_demand: str | None = None,
        sampler: str | None = None,
        clean: str | None = None,
        undersample: float | None = None,
        group_by: str | None = None,
        subgroups: str = "within",
        no_danger: NoDanger = "plain",
        shrinkage: float | None = None,
        exclude_noisy: bool = False,
        secret_key: SecretKey | str | None = None,
    ) -> None:
        self._job = job
        recipe = Recipe(
            ratio=ratio,
            if_reached=if_reached,
            seed=seed,
            k_neighbors=k_neighbors,
            missing=missing,
            grid=grid,
            relations=relations,
            on_demand=on_demand,
            sampler=sampler,
            clean=clean,
            undersample=undersample,
            group_by=group_by,
            subgroups=subgroups,
            no_danger=no_danger,
            shrinkage=shrinkage,
            exclude_noisy=exclude_noisy,
            secret_key=SecretKey.of(secret_key),
        )
        self._contract = build_contract(
            store,
            list(job.metadata.features),
            label,
            frame_columns=job.metadata.keys,
            full_feature_names=job.full_feature_names,
        )
        self._recipe = resolve(recipe, self._contract)
        self._compute = None
        if self._recipe.computes:
            self._compute = transformation(store, self._contract)
        else:
            self._contract = self._contract.as_retrieved

    @property
    def full_feature_names(self) -> bool:
        """As in the job behind."""
        return bool(self._job.full_feature_names)

    @property
    def on_demand_feature_views(self) -> list[Any]:
        """None: the job behind has computed them."""
        return []

    @property
    def metadata(self) -> RetrievalMetadata:
        """References and keys of the columns, and the job's window of time."""
        behind = self._job.metadata
        return RetrievalMetadata(
            features=self._contract.references,
            # Beyond the keys of registered views Feast keeps none: label and mark are references of ours.
            keys=list(self._contract.join_keys),
            min_event_timestamp=behind.min_event_timestamp,
            max_event_timestamp=behind.max_event_timestamp,
        )

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        contract = self._contract
        with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
            table = conform(self._job.to_arrow(timeout=timeout), contract, None)
            rows = canonical_rows(table, contract, Path(spool))
            everywhere = np.full(table.num_rows, TRAIN, dtype=np.uint8)
            assignment = undersampled(everywhere, rows, self._recipe)
            recipe = with_rule(settled(self._recipe, rows, assignment), rows, assignment, contract)
            assignment, made, _ = augment_training(rows, assignment, contract, recipe, compute=self._compute)
            train = assignment == TRAIN
            schema = contract.arrow_schema(rows.table[contract.label].type)
            real = published_rows(rows.table.filter(pa.array(train)), contract, schema)
            columns = Publishable.of(rows, made.table.num_rows, contract, schema)
            return pa.concat_tables([real, columns.table(made.table, made.parents.label, made.times)])

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    def persist(
        self, storage: SavedDatasetStorage, allow_overwrite: bool | None = False, timeout: int | None = None
    ) -> None:
        """Write the rows where Feast reads saved datasets from.

        Parameters
        ----------
        storage : feast.infra.offline_stores.file_source.SavedDatasetFileStorage
            An absolute path or URI of a Parquet file, or of a directory for one.
        allow_overwrite : bool
            Write over what is there.
        timeout : int, optional
            Passed on to the job behind.

        Raises
        ------
        InvalidInputError
            If `storage` is no file storage, or its path not absolute.
        feast.errors.SavedDatasetLocationAlreadyExists
            If something is there and may not be overwritten.
        """
        if not isinstance(storage, SavedDatasetFileStorage):
            raise InvalidInputError(f"storage must be a SavedDatasetFileStorage, got {type(storage).__name__}")
        uri = storage.file_options.uri
        if "://" not in uri and not Path(uri).is_absolute():
            raise InvalidInputError(f"storage path {uri!r} must be absolute: DuckDB reads it from wherever it stands")
        target = Location.parse(uri)
        if target.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=uri)
        table = self._to_arrow_internal(timeout)
        if uri.endswith(".parquet"):
            parent, _, name = uri.rpartition("/")
            directory = Location.parse(parent)
        else:
            directory, name = target, "part-00000.parquet"
        with ParquetFile(directory, name, table.schema) as file:
            file.write(table)

"""Create a version: retrieve, check, split, augment the training split, write, publish."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast import FeatureService
from feast.errors import FeastObjectNotFoundException

from feast_plugin.registry import register, saved_datasets
from feast_plugin.retrieval.contract import build_contract
from feast_plugin.retrieval.frame import open_frame, read_frame
from feast_plugin.retrieval.retrieve import retrieve
from feast_plugin.versions.catalog import Catalog
from feast_plugin.versions.contract import check_group
from feast_plugin.versions.manifest import FILE, Manifest, recipe_digest
from feast_plugin.versions.parameters import DEFAULT_SPLIT, Sampling, check_request
from feast_plugin.versions.sampling import resolve_sampler
from feast_plugin.versions.split import left_after
from feast_plugin.versions.tombstones import Tombstones
from feast_plugin.versions.write import Draft, check_files, write_version
from resampler.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    from feast import FeatureStore
    from numpy.typing import NDArray

    from feast_plugin.versions.rows import Rows
    from feast_plugin.versions.split import SplitRule

ALGORITHM = 1  # raised when equal recipes begin to give other rows


@dataclass(frozen=True)
class Snapshot:
    """A published version.

    Parameters
    ----------
    manifest : Manifest
        What it is.
    uri : str
        Where its files are.
    reused : bool
        Whether an equal version was there already.
    """

    manifest: Manifest
    uri: str
    reused: bool

    @property
    def name(self) -> str:
        """Name of the snapshot."""
        return self.manifest.name

    @property
    def version(self) -> int:
        """Number of the version, from 1."""
        return self.manifest.version

    @property
    def digest(self) -> str:
        """The sha256 of inputs, parameters and content."""
        return self.manifest.digest

    @property
    def datasets(self) -> dict[str, str]:
        """Name of the `SavedDataset` of each split."""
        return self.manifest.datasets

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            Keys name, version, digest, reused, datasets, counts.
        """
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "reused": self.reused,
            "datasets": self.datasets,
            "counts": self.manifest.counts,
        }


def create_snapshot(
    store: FeatureStore,
    *,
    name: str,
    feature_service: str | FeatureService | None = None,
    features: Sequence[str] | None = None,
    entity_df: str | Path | pd.DataFrame | pa.Table | None = None,
    start_date: str | datetime | None = None,
    end_date: str | datetime | None = None,
    label: str,
    root: str | Path | None = None,
    ratio: float = 0.2,
    seed: int = 0,
    split: str | SplitRule = DEFAULT_SPLIT,
    sampler: str | None = None,
    k_neighbors: int = 5,
    clean: str | None = None,
    undersample: float | None = None,
    group_by: str | None = None,
    full_feature_names: bool = False,
    retain: str = "full",
) -> Snapshot:
    """Retrieve training data, augment its training split, and publish all as a version.

    Parameters
    ----------
    store : feast.FeatureStore
        Where the features are, and whose registry the version goes to.
    name : str
        Of the snapshot: a letter, then up to 62 letters, digits, ``_`` or ``-``.
    feature_service : str or feast.FeatureService, optional
        What to retrieve; this or `features`.
    features : sequence of str, optional
        References ``view:feature``.
    entity_df : str, Path, pandas.DataFrame or pyarrow.Table, optional
        Entity frame, the path or URI of a ``.parquet``, ``.csv`` or ``.sql`` file, or a SELECT where the offline store
        takes SQL: join keys and ``event_timestamp``, once each.
    start_date, end_date : str or datetime, optional
        In place of a frame: every row of the label's view between two instants, both included; one may be left out.
    label : str
        The class: a column of the frame, a feature of the service, or ``view:feature`` of any view or label view.
    root : str or Path, optional
        Where snapshots are kept: a path or a URI of `pyarrow.fs`; by default ``snapshots`` in the store's repository.
    ratio : float
        Minority : majority in the training split afterwards, above 0 and at most 1.
    seed : int
        From 0 to 2**64 - 1; keys every draw.
    split : str or SplitRule
        See `feast_plugin.versions.split.SplitRule`.
    sampler : {"smote", "smotenc", "borderline", "adasyn"}, optional
        By default smotenc where the contract has categorical features, else smote. The last two start from rows
        that meet other classes, and take mixed features too.
    k_neighbors : int
        Neighbours of its class that a row may be joined with.
    clean : {"tomek", "enn"}, optional
        Then take out of the training split what stands where the classes meet: synthetic rows, and real ones of
        classes that got none (`feast_plugin.versions.cleaning`).
    undersample : float, optional
        First leave training rows of the larger classes out until smallest : larger is this.
    group_by : str, optional
        A join key or a feature: only rows that agree in it are joined, and every subgroup grows in proportion.
    full_feature_names : bool
        Name columns ``view__feature``; the columns of ours are then ``resampler__is_synthetic`` and, of a label from
        the frame, ``resampler__<label>``, since Feast reads no other names back.
    retain : {"full", "sample", "recipe"}
        How many synthetic rows to store: all, the first 1,000, or none. `feast_plugin.rebuild` makes the same
        bytes again.

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    InvalidInputError
        If a parameter breaks its rule.
    DataError
        If the frame, the label, the split or a class that is too small does.
    ContractError
        If the data are not what the views promise.
    GateError
        If the ratio is reached already.
    CorruptStateError
        If an earlier version or the registry was damaged or changed.

    Notes
    -----
    Nothing is published unless all succeeds. Versions appear when their manifest does, and are registered after;
    what a killed run left is removed or completed by the next one. Entities that were forgotten
    (`feast_plugin.forget_entity`) are left out, and a `feast_plugin.notices.SnapshotWarning` says so.
    """
    sampling = Sampling(ratio, seed, k_neighbors, sampler, clean, undersample)
    rule = check_request(
        name=name,
        split=split,
        retain=retain,
        feature_service=feature_service,
        features=features,
        entity_df=entity_df,
        start_date=start_date,
        end_date=end_date,
    )
    catalog = Catalog.open(name, root, store.repo_path)
    service = _resolve(store, feature_service, features)
    frame = open_frame(store, entity_df, start_date, end_date)
    contract = build_contract(store, service, label, frame_columns=frame.columns, full_feature_names=full_feature_names)
    chosen = {
        "clean": clean,
        "group_by": check_group(group_by, contract),
        "undersample": None if undersample is None else float(undersample),
    }
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        entities = read_frame(store, frame, contract, extra=rule.column)
        rows = retrieve(
            store,
            service,
            contract,
            entities,
            extra=rule.column,
            spool=Path(spool),
            forgotten=Tombstones.read(catalog.home),
        )
        draft = Draft(
            contract=contract,
            rows=rows,
            assignment=assign(rows, rule, undersample, seed),
            seed=seed,
            ratio=float(ratio),
            parameters={
                "algorithm": ALGORITHM,
                "k_neighbors": k_neighbors,
                "sampler": resolve_sampler(sampling.sampler, contract),
                "split": str(rule),
            }
            | {key: value for key, value in chosen.items() if value is not None},
            inputs={
                "rows": rows.table.num_rows,
                "sha256": rows.sha256(),
                "project": store.project,
                "feature_service": service.name if isinstance(service, FeatureService) else None,
                "references": contract.references,
            },
            retain=retain,
            notes={"entity_frame": frame.told},
        )
        with catalog.home.locked():
            return publish(store, catalog, draft)


def assign(rows: Rows, rule: SplitRule, undersampled: float | None, seed: int) -> NDArray[np.uint8]:
    """Split the rows, and leave out those that undersampling drops.

    Parameters
    ----------
    rows : Rows
        In canonical order.
    rule : SplitRule
        Divides them.
    undersampled : float, optional
        Ratio to undersample the training split to.
    seed : int
        Keys the draws.

    Returns
    -------
    ndarray of shape (n_rows,), uint8
        Positions in `SPLITS`, or `LEFT_OUT`.

    Raises
    ------
    InvalidInputError
        As `SplitRule.assign` and `feast_plugin.versions.split.undersample`.
    """
    assignment = rule.assign(
        timestamps=rows.timestamps,
        row_id=rows.row_id,
        label=rows.label,
        values=rows.table[rule.column] if rule.column else None,
        seed=seed,
    )
    return left_after(assignment, rows, undersampled, seed)


def publish(store: FeatureStore, catalog: Catalog, draft: Draft) -> Snapshot:
    """Write a version and register it, or find the equal one that is there; call it with the catalog locked.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry it goes to.
    catalog : Catalog
        The snapshot's versions.
    draft : Draft
        What to write.

    Returns
    -------
    Snapshot
        The version.

    Raises
    ------
    InvalidInputError, GateError
        As `write_version`; nothing is published then.
    DataError
        If a row is of an entity that was forgotten since it was read.
    CorruptStateError
        If the equal version or its registration was damaged or changed.
    """
    recipe = recipe_digest(
        seed=draft.seed,
        ratio=draft.ratio,
        parameters=draft.parameters,
        inputs=draft.inputs,
        contract=draft.contract.measured(draft.rows.table).feature_schema(draft.rows.classes).hash,
    )
    catalog.tidy()
    Tombstones.read(catalog.home).check_absent(draft.rows.table)
    versions = [catalog.load(number) for number in catalog.numbers()]
    newest = versions[-1] if versions else None
    if newest is not None and newest.inputs["project"] == store.project:
        # A run that was killed after publishing left its version unregistered.
        register(store, saved_datasets(newest, catalog.directory(newest.version)))
    for manifest in reversed(versions):
        if manifest.recipe == recipe and manifest.retain == draft.retain:
            directory = catalog.directory(manifest.version)
            check_files(manifest, directory)
            register(store, saved_datasets(manifest, directory))
            return Snapshot(manifest, directory.uri, reused=True)
    version = catalog.next_number()
    directory = catalog.directory(version)
    try:
        manifest = write_version(draft, catalog.name, version, directory)
        for stored in manifest.rebuildable:
            (directory / stored.path).remove()
        (directory / FILE).publish(manifest.to_json().encode())
        register(store, saved_datasets(manifest, directory))
    except BaseException:
        directory.remove()
        raise
    return Snapshot(manifest, directory.uri, reused=False)


def _resolve(
    store: FeatureStore, service: str | FeatureService | None, features: Sequence[str] | None
) -> FeatureService | list[str]:
    if features is not None:
        return list(features)
    if isinstance(service, FeatureService):
        return service
    try:
        return store.get_feature_service(service)
    except FeastObjectNotFoundException:
        known = sorted(s.name for s in store.list_feature_services())
        raise ContractError(
            f"feature service {service!r} is not in project {store.project!r}; it has {', '.join(known) or 'none'}"
        ) from None

"""Create a version: retrieve, check, split, augment the training split, write, publish."""

from __future__ import annotations

import contextlib
import importlib.metadata
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from feast import FeatureService
from feast.errors import FeastObjectNotFoundException
from tqdm import tqdm

from feast_plugin import lineage
from feast_plugin.augment import array_widths, augment, check_ratio, publishable
from feast_plugin.contract import Contract, build_contract
from feast_plugin.identity import ContentDigest
from feast_plugin.manifest import FILE, Catalog, Manifest, SplitEntry, version_name
from feast_plugin.parquet import ParquetFile
from feast_plugin.registry import register, saved_datasets
from feast_plugin.retrieve import BATCH_ROWS, Rows, frame_columns, open_frame, read_frame, retrieve
from feast_plugin.split import SPLITS, TRAIN, SplitRule
from feast_plugin.storage import Location, check_name
from resampler.errors import CorruptStateError, InvalidInputError
from resampler.metric import check_positive, check_seed

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from feast import FeatureStore
    from numpy.typing import NDArray

    from feast_plugin.manifest import StoredFile

ALGORITHM = 1  # raised when equal recipes begin to give other rows
DEFAULT_SPLIT = "time:0.7,0.15,0.15"
SAMPLERS = ("smote", "smotenc")


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
        return {split: entry.dataset for split, entry in self.manifest.splits.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            Keys name, version, digest, reused, uri, datasets, counts.
        """
        return {
            "name": self.name,
            "version": self.version,
            "digest": self.digest,
            "reused": self.reused,
            "uri": self.uri,
            "datasets": self.datasets,
            "counts": self.manifest.counts,
        }


def create_snapshot(
    store: FeatureStore,
    *,
    name: str,
    feature_service: str | FeatureService | None = None,
    features: Sequence[str] | None = None,
    entity_df: str | Path | pd.DataFrame | pa.Table,
    label: str,
    root: str | Path,
    ratio: float = 0.2,
    seed: int = 0,
    split: str | SplitRule = DEFAULT_SPLIT,
    sampler: str | None = None,
    k_neighbors: int = 5,
    full_feature_names: bool = False,
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
    entity_df : str, Path, pandas.DataFrame or pyarrow.Table
        Entity frame, or the path of a ``.parquet`` or ``.csv`` file: join keys and ``event_timestamp``, once each.
    label : str
        The class: a column of the frame, a feature of the service, or ``view:feature`` of any view or label view.
    root : str or Path
        Where snapshots are kept: a path or a URI of `pyarrow.fs`.
    ratio : float
        Minority : majority in the training split afterwards, above 0 and at most 1.
    seed : int
        From 0 to 2**64 - 1; keys every draw.
    split : str or SplitRule
        See `feast_plugin.split.SplitRule`.
    sampler : {"smote", "smotenc"}, optional
        By default smotenc where the contract has categorical features, else smote.
    k_neighbors : int
        Neighbours of its class that a row may be joined with.
    full_feature_names : bool
        Name columns ``view__feature``.

    Returns
    -------
    Snapshot
        The new version, or an earlier one with equal inputs and parameters.

    Raises
    ------
    InvalidInputError
        If a parameter, the frame, the label or the split breaks its rule.
    ContractError
        If the data are not what the views promise.
    GateError
        If the ratio is reached already.
    CorruptStateError
        If an earlier version or the registry was damaged or changed.

    Notes
    -----
    Nothing is published unless all succeeds. Versions appear when their manifest does, and are registered after;
    what a killed run left is removed or completed by the next one.
    """
    catalog = Catalog(Location.parse(root), check_name(name))
    rule = split if isinstance(split, SplitRule) else SplitRule.parse(split)
    check_seed(seed)
    check_positive("k_neighbors", k_neighbors)
    check_ratio(ratio)
    service = _resolve(store, feature_service, features)
    frame = open_frame(entity_df)
    contract = build_contract(
        store, service, label, frame_columns=frame_columns(frame), full_feature_names=full_feature_names
    )
    sampler = _resolve_sampler(sampler, contract)
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        entities = read_frame(frame, contract, extra=rule.column)
        rows = retrieve(store, service, contract, entities, extra=rule.column, spool=Path(spool))
        recipe = {
            "algorithm": ALGORITHM,
            "contract": contract.feature_schema(rows.classes, array_widths(rows.table, contract)).hash,
            "inputs": {"rows": rows.table.num_rows, "sha256": _content(rows.table)},
            "k_neighbors": k_neighbors,
            "ratio": float(ratio),
            "sampler": sampler,
            "seed": seed,
            "source": {
                "project": store.project,
                "feature_service": service.name if isinstance(service, FeatureService) else None,
                "features": contract.references,
                "full_feature_names": full_feature_names,
            },
            "split": str(rule),
        }
        return _publish(store, catalog, contract, rule, rows, recipe)


def _resolve(
    store: FeatureStore, service: str | FeatureService | None, features: Sequence[str] | None
) -> FeatureService | list[str]:
    if (service is None) == (features is None):
        raise InvalidInputError("give either feature_service or features")
    if features is not None:
        return list(features)
    if isinstance(service, FeatureService):
        return service
    try:
        return store.get_feature_service(service)
    except FeastObjectNotFoundException:
        known = sorted(s.name for s in store.list_feature_services())
        raise InvalidInputError(
            f"feature service {service!r} is not in project {store.project!r}; it has {', '.join(known) or 'none'}"
        ) from None


def _resolve_sampler(sampler: str | None, contract: Contract) -> str:
    mixed = [c.name for c in contract.columns if c.categorical]
    fitting = "smotenc" if mixed else "smote"
    if sampler is None:
        return fitting
    if sampler not in SAMPLERS:
        raise InvalidInputError(f"sampler must be one of {SAMPLERS}, got {sampler!r}")
    if sampler != fitting:
        raise InvalidInputError(
            f"sampler {sampler!r} does not fit: the contract has categorical features {mixed}: use {fitting!r}"
        )
    return sampler


def _content(table: pa.Table) -> str:
    digest = ContentDigest(table.schema)
    for start in range(0, table.num_rows, BATCH_ROWS):
        digest.update(table.slice(start, BATCH_ROWS))
    return digest.hexdigest()


def _publish(
    store: FeatureStore,
    catalog: Catalog,
    contract: Contract,
    rule: SplitRule,
    rows: Rows,
    recipe: dict[str, Any],
) -> Snapshot:
    with catalog.home.locked():
        catalog.tidy()
        versions = [catalog.load(number) for number in catalog.numbers()]
        if versions:  # a run that was killed after publishing left its version unregistered
            newest = versions[-1]
            register(store, saved_datasets(newest, catalog.directory(newest.version)))
        for manifest in reversed(versions):
            if manifest.recipe == recipe:
                directory = catalog.directory(manifest.version)
                check_files(manifest, directory)
                register(store, saved_datasets(manifest, directory))
                return Snapshot(manifest, directory.uri, reused=True)
        version = catalog.next_number()
        directory = catalog.directory(version)
        try:
            manifest = _write(catalog.name, version, directory, contract, rule, rows, recipe)
            (directory / FILE).publish(manifest.to_json().encode())
            register(store, saved_datasets(manifest, directory))
        except BaseException:
            directory.remove()
            raise
    return Snapshot(manifest, directory.uri, reused=False)


def check_files(manifest: Manifest, directory: Location) -> None:
    """Check that a version's files are those that were written.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    directory : Location
        Of its files.

    Raises
    ------
    CorruptStateError
        If a file is missing or has other bytes.
    """
    for file in manifest.files:
        try:
            found = (directory / file.path).sha256()
        except FileNotFoundError:
            found = "no file"
        if found != file.sha256:
            raise CorruptStateError(
                f"{directory.uri}/{file.path} must have sha256 {file.sha256}, got {found}: the version was damaged or "
                "changed; restore the file or prune the version"
            )


def _write(
    name: str,
    version: int,
    directory: Location,
    contract: Contract,
    rule: SplitRule,
    rows: Rows,
    recipe: dict[str, Any],
) -> Manifest:
    assignment = rule.assign(
        timestamps=rows.timestamps,
        row_id=rows.row_id,
        label=rows.label,
        values=rows.table[rule.column] if rule.column else None,
        seed=recipe["seed"],
    )
    train = assignment == TRAIN
    made = augment(rows, train, contract, ratio=recipe["ratio"], k_neighbors=recipe["k_neighbors"], seed=recipe["seed"])
    label_type = pa.string() if rows.classes.classes else pa.int64()
    schema = contract.arrow_schema(label_type)
    synthetic = publishable(rows, made, contract, schema)

    used = [split for code, split in enumerate(SPLITS) if (assignment == code).any()]
    with contextlib.ExitStack() as stack:
        files = {
            split: stack.enter_context(ParquetFile(directory, f"{split}/part-00000.parquet", schema)) for split in used
        }
        parents = stack.enter_context(ParquetFile(directory, lineage.FILE, lineage.SCHEMA))
        for start in tqdm(range(0, len(assignment), BATCH_ROWS), desc="writing", unit="batch", disable=None):
            batch = _real(rows.table.slice(start, BATCH_ROWS), contract, schema)
            for split, file in files.items():
                chosen = assignment[start : start + BATCH_ROWS] == SPLITS.index(split)
                file.write(batch.filter(pa.array(chosen)))
        files[SPLITS[TRAIN]].write(synthetic)
        parents.write(lineage.lineage_table(made.parents, train, rows.row_id))
    return Manifest(
        name=name,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe,
        details={
            "contract": made.schema.to_dict(),
            "join_keys": list(contract.join_keys),
            "label_column": contract.published_label,
            "synthetic_column": contract.published_synthetic,
            "references": contract.references,
            "incomplete_minority_rows": made.incomplete,
            "libraries": {p: importlib.metadata.version(p) for p in ("feast", "numba", "numpy", "pyarrow")},
        },
        splits={
            split: _entry(
                f"{name}_{version_name(version)}_{split}",
                files[split].stored,
                files[split].content.hexdigest(),
                rows,
                assignment == SPLITS.index(split),
                made.parents.label if split == SPLITS[TRAIN] else made.parents.label[:0],
            )
            for split in used
        },
        lineage=parents.stored,
    )


def _real(table: pa.Table, contract: Contract, schema: pa.Schema) -> pa.Table:
    columns = {name: table[name] for name in (*contract.join_keys, *(c.name for c in contract.columns))}
    columns |= {name: table[name] for name in contract.keys}
    columns[contract.published_label] = table[contract.label]
    columns[contract.published_synthetic] = pa.array(np.zeros(table.num_rows, dtype=np.bool_))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _entry(
    dataset: str,
    file: StoredFile,
    content: str,
    rows: Rows,
    members: NDArray[np.bool_],
    synthetic: NDArray[np.int64],
) -> SplitEntry:
    classes: dict[str, dict[str, int]] = {}
    for kind, codes in (("real", rows.label[members]), ("synthetic", synthetic)):
        for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
            label = str(rows.classes.classes[code] if rows.classes.classes else code)
            classes.setdefault(label, {"real": 0, "synthetic": 0})[kind] = int(count)
    times = rows.timestamps[members]
    return SplitEntry(
        dataset=dataset,
        file=file,
        real=int(np.count_nonzero(members)),
        synthetic=len(synthetic),
        classes=classes,
        min_event_timestamp=int(times.min()),
        max_event_timestamp=int(times.max()),
        sha256=content,
    )

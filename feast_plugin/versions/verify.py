"""Check a version against its manifest, the registry and the promise that only training rows were augmented."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.versions.files.aliases import names_of, read_aliases
from feast_plugin.versions.files.digests import content_of
from feast_plugin.versions.files.reading import batches_of, read_files, schema_of
from feast_plugin.versions.files.stored import stored_keys, stored_rows
from feast_plugin.versions.inputs.contract import Contract
from feast_plugin.versions.inputs.split import SPLITS, TRAIN
from feast_plugin.versions.inputs.tombstones import Tombstones
from feast_plugin.versions.making.grids import count_off_grid
from feast_plugin.versions.making.relations import count_broken
from feast_plugin.versions.making.units import spread
from feast_plugin.versions.pointing import datasets_aliased
from feast_plugin.versions.registry import datasets_of
from resampler.errors import CorruptStateError
from resampler.identity import ContentDigest, hash_keys
from resampler.methods.catalog import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.entries import SplitEntry, StoredFile
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.registry import Registry
    from resampler.storage import Location


@dataclass(frozen=True, slots=True)
class Verification:
    """What checking a version found.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    checks : int
        Statements that were checked.
    problems : tuple of str
        One line for each that does not hold.
    """

    name: str
    version: int
    checks: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether every statement holds."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            The fields and `ok`.
        """
        return asdict(self) | {"problems": list(self.problems), "ok": self.ok}


def verify(registry: Registry, catalog: Catalog, version: int | None = None) -> Verification:
    """Check a version.

    Parameters
    ----------
    registry : Registry
        Should know it.
    catalog : Catalog
        The snapshot's versions.
    version : int, optional
        By default the newest.

    Returns
    -------
    Verification
        Never raises over what it finds.

    Raises
    ------
    InvalidInputError
        If the version is of another kind of registry.
    DataError
        If there is no such version.
    CorruptStateError
        If its manifest itself was changed.
    """
    manifest = catalog.load(version)
    registry.check_own(manifest)
    outcomes = list(_outcomes(registry, manifest, catalog))
    problems = tuple(problem for problem in outcomes if problem is not None)
    return Verification(manifest.name, manifest.version, len(outcomes), problems)


def _outcomes(registry: Registry, manifest: Manifest, catalog: Catalog) -> Iterator[str | None]:
    """Yield None for a statement that holds, else what is wrong."""
    directory = catalog.directory(manifest.version)
    intact = True
    present = [file for file in manifest.rebuildable if (directory / file.path).exists()]
    for file in [*manifest.checked, *present]:
        problem = _file_problem(file.path, file.sha256, directory)
        intact &= problem is None
        yield problem
    for dataset in datasets_of(manifest, directory):
        found = registry.differences(dataset)
        yield "; ".join(found) if found else None
    yield from _alias_problems(registry, manifest, catalog)
    if not intact:  # what other bytes say is no news
        return
    yield _forgotten_problem(manifest, catalog)
    if manifest.checksum is None:
        yield scale_problem(manifest, directory)
    whole = len(present) == len(manifest.rebuildable)
    contents = {}
    contract = Contract.from_dict(manifest.columns)
    for split, entry in manifest.splits.items():
        files = entry.files if whole else manifest.stored_as(split)
        contents[split] = _Content(manifest, files, directory)
        if files == entry.files:
            yield from contents[split].outcomes(split, entry, contract)
    seen = np.concatenate([content.keys for content in contents.values()])
    repeated = len(seen) - len(np.unique(seen))
    yield f"{repeated} real rows stand in two splits, or twice in one" if repeated else None
    if whole:
        if manifest.grids:
            yield from _kept_problems(manifest, directory, contract)
        yield from _lineage_outcomes(manifest, directory, contents[SPLITS[TRAIN]])


def _kept_problems(manifest: Manifest, directory: Location, contract: Contract) -> Iterator[str | None]:
    """Look for synthetic rows that are off the grids, or break the relations, that the manifest names."""
    related = manifest.notes.get("relations", [])
    off: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for batch in batches_of(directory, manifest.splits[SPLITS[TRAIN]].files):
        synthetic = batch.filter(batch.column(contract.published_synthetic))
        if synthetic.num_rows:
            off += count_off_grid(pa.table(synthetic), manifest.grids, contract)
            broken += Counter(count_broken(pa.table(synthetic), related, contract))
    yield f"values of synthetic rows are off the grids of their features: {dict(off)}" if off else None
    yield f"synthetic rows break what features are to each other: {dict(broken)}" if broken else None


def _alias_problems(registry: Registry, manifest: Manifest, catalog: Catalog) -> Iterator[str | None]:
    """Check that what follows the version by another name finds it."""
    try:
        aliases = read_aliases(catalog.home)
    except CorruptStateError as error:
        yield str(error)
        return
    for name in names_of(aliases, manifest.version):
        for dataset in datasets_aliased(catalog, aliases[name]):
            found = registry.differences(dataset)
            yield f"alias {name!r}: {'; '.join(found)}: set it again" if found else None


def _forgotten_problem(manifest: Manifest, catalog: Catalog) -> str | None:
    try:
        forgotten = Tombstones.read(catalog.home)
    except CorruptStateError as error:
        return str(error)
    rows = 0
    for keys in stored_keys(manifest, catalog.directory(manifest.version)):
        stays = forgotten.stays(keys)
        rows += 0 if stays is None else pc.sum(pc.invert(stays)).as_py()
    if not rows:
        return None
    return f"{rows} rows are of an entity that was forgotten, by a run that was cut short: forget that entity again"


def scale_problem(manifest: Manifest, directory: Location) -> str | None:
    """Compare the units of distance that a manifest gives with those that its training rows give.

    Parameters
    ----------
    manifest : Manifest
        Of the version; the files that it stores are intact.
    directory : Location
        Of its files.

    Returns
    -------
    str or None
        What differs, if something does.
    """
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        contract, rows, assignment = stored_rows(manifest, directory, Path(spool))
        fitted = spread(rows, assignment == TRAIN, contract.measured(rows.table))
    for feature, scale in zip(manifest.schema.features, fitted, strict=True):
        if feature.scale != scale:
            said = f"scale of feature {feature.name!r} is {feature.scale}, its training rows give {scale}"
            return f"the manifest was changed: {said}"
    return None


def _told(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)


def _file_problem(path: str, sha256: str, directory: Location) -> str | None:
    try:
        found = (directory / path).sha256()
    except FileNotFoundError:
        return f"{path} is missing"
    return None if found == sha256 else f"{path} has sha256 {found}, the manifest says {sha256}"


class _Content:
    """What one pass over a split's files gives."""

    def __init__(self, manifest: Manifest, files: Sequence[StoredFile], directory: Location) -> None:
        columns = manifest.columns
        label, mark = columns["label"], columns["synthetic"]
        identity = Contract.from_dict(columns).keys
        keys: list[NDArray[np.uint64]] = []
        marks: list[NDArray[np.bool_]] = []
        labels: list[Any] = []
        digests = []
        for one in files:
            self.schema = schema_of(directory, one)
            digest = ContentDigest(self.schema)
            for batch in batches_of(directory, [one]):
                digest.update(batch)
                is_synthetic = batch.column(mark)
                marks.append(is_synthetic.to_numpy(zero_copy_only=False))
                values = batch.column(label)
                labels.append(values.cast(pa.int64()) if pa.types.is_boolean(values.type) else values)
                real = batch.filter(pc.invert(is_synthetic))
                keys.append(hash_keys([real.column(name) for name in identity]))
            digests.append(digest.hexdigest())
        self.sha256 = content_of(digests)
        self.keys = np.concatenate(keys)
        self.synthetic = np.concatenate(marks)
        self.labels = np.concatenate([np.asarray(part.to_numpy(zero_copy_only=False)) for part in labels])

    def outcomes(self, split: str, entry: SplitEntry, contract: Contract) -> Iterator[str | None]:
        expected = contract.arrow_schema(self.schema.field(contract.published_label).type)
        fits = expected.equals(self.schema)
        yield None if fits else f"{split} has columns {_told(self.schema)}, the manifest says {_told(expected)}"
        yield (
            None
            if self.sha256 == entry.sha256
            else (f"{split} has content {self.sha256}, the manifest says {entry.sha256}")
        )
        n = int(np.count_nonzero(self.synthetic))
        allowed = entry.synthetic if split == SPLITS[TRAIN] else 0
        yield None if n == allowed else f"{split} has {n} synthetic rows, {allowed} are allowed"
        counts: dict[str, dict[str, int]] = {}
        for kind, rows in (("real", ~self.synthetic), ("synthetic", self.synthetic)):
            for value, count in zip(*np.unique(self.labels[rows], return_counts=True), strict=True):
                counts.setdefault(str(value), {"real": 0, "synthetic": 0})[kind] = int(count)
        yield None if counts == entry.classes else f"{split} has {counts}, the manifest says {entry.classes}"


def _lineage_outcomes(manifest: Manifest, directory: Location, train: _Content) -> Iterator[str | None]:
    parents = read_files(directory, [manifest.lineage], None)
    described = np.array_equal(parents["row"].to_numpy(), np.flatnonzero(train.synthetic))
    yield None if described else "the lineage does not describe the synthetic rows of train one by one"
    method = METHODS[manifest.parameters["sampler"]]
    if method.hardens:
        says_no_more = parents.column_names == ["row"] or not len(parents)  # of no rows it has the columns of others
        yield None if says_no_more else "the lineage of hardened rows says more than which they are"
        return
    row, base, neighbor = (parents[name].to_numpy() for name in ("row", "base_row", "neighbor_row"))
    n_real = manifest.splits[SPLITS[TRAIN]].real
    outside = int(np.count_nonzero((base < 0) | (base >= n_real) | (neighbor < 0) | (neighbor >= n_real)))
    yield f"{outside} synthetic rows have a parent outside the training split" if outside else None
    if outside or not described:
        return
    self_made = int(np.count_nonzero(base == neighbor)) if method.joins else 0
    yield f"{self_made} synthetic rows have one row for both parents" if self_made else None
    foreign = train.labels[row] != train.labels[base]
    if method.own_class:
        foreign |= train.labels[row] != train.labels[neighbor]
    strangers = int(np.count_nonzero(foreign))
    yield f"{strangers} synthetic rows have parents of another class" if strangers else None

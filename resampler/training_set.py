"""`TrainingSet`: a published version as measures read it, opened by whoever keeps versions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from resampler.errors import CorruptStateError, DataError, InvalidInputError, MissingExtraError
from resampler.quality.prior.counts import ClassCounts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resampler.schema import FeatureSchema
    from resampler.storage import Location

GROUP = "resampler.versions"  # entry points: functions of a reference and a place that return a TrainingSet
HOMES = "resampler.snapshots"  # entry points: functions of a place that return the `Home` of each snapshot there
TRAIN, VALIDATION, TEST = "train", "validation", "test"


class Home(NamedTuple):
    """Where a snapshot is kept.

    Parameters
    ----------
    name : str
        Of the snapshot.
    directory : Location
        Of its versions, its aliases and its ledger.
    newest : int or None
        Number of the newest version; None where there is none yet.
    """

    name: str
    directory: Location
    newest: int | None


class Sample(NamedTuple):
    """Synthetic rows of a version beside their parents, as they were kept for auditors.

    Parameters
    ----------
    file : Location
        JSON lines, which may be out of reach for whoever reads the version.
    sha256 : str
        Of its bytes.
    redacted : tuple of str
        Columns that were left out.
    """

    file: Location
    sha256: str
    redacted: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Read it.

        Returns
        -------
        list of dict
            A row each, in the order of the training file.

        Raises
        ------
        CorruptStateError
            If it cannot be read, or was changed.
        """
        try:
            data = self.file.read()
        except OSError as error:
            raise CorruptStateError(
                f"the audit sample {self.file.uri} cannot be read ({type(error).__name__}): run this with access to "
                "it; if it is lost, create the version under another name"
            ) from error
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise CorruptStateError(
                f"the audit sample {self.file.uri} has other bytes than were written: restore it from a copy"
            )
        return [json.loads(line) for line in data.splitlines()]


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """What a version's files say of its rows.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    digest : str
        The sha256 of its rows and of what they were made by.
    home : Location
        Directory of the snapshot, beside whose versions ledgers and aliases stand.
    directory : Location
        Of the version.
    schema : FeatureSchema
        Its contract.
    features : tuple of str
        Columns that a model reads; an array feature is one column.
    label, synthetic : str
        Columns that say class and kind.
    keys : tuple of str
        Join keys of the entity.
    timestamp : str or None
        Column of the event time; None where rows have none.
    files : mapping of str to tuple of str
        By split, the paths of its rows within `directory`, in their order; a split that is made again on demand is
        missing.
    classes : mapping of str to mapping of str to mapping of str to int
        By split, then class as `str` names it: how many rows are ``real`` and how many ``synthetic``.
    parameters : mapping of str to object
        Seed, ratio and all else that decides what is in the rows.
    profile : bytes or None
        Content of ``profile.json``; None where the release that made the version had none.
    aliases : tuple of str
        That point to it now.
    left_out : str or None
        Path of the real training rows that cleaning removed; None where there are none.
    training_rows : mapping of str to int, or None
        By class, real rows of the training split before any was left out or cleaned away: their real shares. None
        where the release that made the version did not count them.
    sample : Sample or None
        The audit sample that the manifest names.
    lineage : str or None
        Path of the parents of its synthetic rows; None where it keeps none.
    created : str
        When it was made: ISO 8601, UTC.
    """

    name: str
    version: int
    digest: str
    home: Location
    directory: Location
    schema: FeatureSchema
    features: tuple[str, ...]
    label: str
    synthetic: str
    keys: tuple[str, ...]
    timestamp: str | None
    files: Mapping[str, tuple[str, ...]]
    classes: Mapping[str, Mapping[str, Mapping[str, int]]]
    parameters: Mapping[str, object]
    profile: bytes | None
    aliases: tuple[str, ...]
    left_out: str | None = None
    training_rows: Mapping[str, int] | None = None
    sample: Sample | None = None
    lineage: str | None = None
    created: str = ""

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"

    @property
    def class_counts(self) -> ClassCounts:
        """Training rows by class: the real ones before any was left out, and all that the training split holds."""
        return ClassCounts.of_version(str(self), self.training_rows, self.classes[TRAIN], self.parameters)

    def read(self, split: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the rows of a split, the real ones in canonical order, then the synthetic ones.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            Which.
        columns : sequence of str, optional
            By default all.

        Returns
        -------
        pyarrow.Table
            Its rows.

        Raises
        ------
        DataError
            If the version has no such split, or does not store it.
        """
        if split not in self.files:
            raise DataError(
                f"{self} has no rows of {split} at hand, only of {', '.join(self.files)}: rebuild it, or make one that "
                "has them"
            )
        return pa.concat_tables([self._read(path, columns) for path in self.files[split]])

    def uri_of(self, split: str) -> str:
        """Say where the rows of a split are.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            Which, of `files`.

        Returns
        -------
        str
            Its file, or where it has several their directory.
        """
        paths = self.files[split]
        return f"{self.directory.uri}/{paths[0] if len(paths) == 1 else paths[0].rpartition('/')[0]}"

    def columns(self, split: str) -> list[str]:
        """Name the columns of a split, of which no row is read.

        Parameters
        ----------
        split : {"train", "validation", "test"}
            Which, of `files`.

        Returns
        -------
        list of str
            In their order.
        """
        location = self.directory / self.files[split][0]
        with location.filesystem.open_input_file(location.path) as source:
            names: list[str] = pq.read_schema(source).names
        return names

    def real_training_rows(self) -> pa.Table:
        """Read the real rows of the training split, those that cleaning removed included.

        Returns
        -------
        pyarrow.Table
            The columns of the split but the one that says which rows are synthetic.

        Raises
        ------
        DataError
            If the version does not store its training split.
        """
        table = self.read(TRAIN)
        real = table.filter(pc.invert(table[self.synthetic])).drop_columns([self.synthetic])
        if self.left_out is None:
            return real
        return pa.concat_tables([real, self._read(self.left_out, real.column_names).cast(real.schema)])

    def read_lineage(self) -> pa.Table | None:
        """Read the parents of its synthetic rows.

        Returns
        -------
        pyarrow.Table or None
            A row a synthetic row, in their order; None where the version keeps none.
        """
        return None if self.lineage is None else self._read(self.lineage, None)

    def _read(self, path: str, columns: Sequence[str] | None) -> pa.Table:
        location = self.directory / path
        with location.filesystem.open_input_file(location.path) as source:
            return pq.read_table(source, columns=None if columns is None else list(columns))


def open_version(
    reference: str, *, repo: str | None = None, catalog: str | None = None, root: str | None = None
) -> TrainingSet:
    """Open a published version.

    Parameters
    ----------
    reference : str
        ``NAME`` for the newest version, ``NAME:3`` for that version, ``NAME:prod`` for what an alias points to.
    repo, catalog, root : str, optional
        Where versions are kept, as `resampler snapshot` says it: a Feast repository, a plain catalogue, or the root of
        their files.

    Returns
    -------
    TrainingSet
        As its files are.

    Raises
    ------
    InvalidInputError
        If the reference is none, or no place is given.
    DataError
        If there is no such version.
    MissingExtraError
        If what keeps versions is not installed.
    """
    name, colon, which = reference.partition(":")
    if not name or (colon and not which):
        raise InvalidInputError(f"a version is named NAME, NAME:3 or NAME:prod, got {reference!r}")
    opened: TrainingSet = _ask(GROUP, name, which or None, repo=repo, catalog=catalog, root=root)
    return opened


def homes(*, repo: str | None = None, catalog: str | None = None, root: str | None = None) -> list[Home]:
    """List the snapshots of a place; no version is read.

    Parameters
    ----------
    repo, catalog, root : str, optional
        As in `open_version`.

    Returns
    -------
    list of Home
        By name; those that have neither a version nor a ledger are left out.

    Raises
    ------
    InvalidInputError
        If no place is given.
    MissingExtraError
        If what keeps versions is not installed.
    """
    found: list[Home] = _ask(HOMES, repo=repo, catalog=catalog, root=root)
    return found


def _ask(group: str, *words: str | None, **place: str | None) -> Any:
    for point in entry_points(group=group):
        try:
            return point.load()(*words, **place)
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                f"versions of snapshots need {error.name}: pip install 'feast-resampler[snapshot]'"
            ) from error
    raise MissingExtraError("versions of snapshots need pip install 'feast-resampler[snapshot]'")

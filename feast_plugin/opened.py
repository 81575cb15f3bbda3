"""Versions as the core reads them: what the entry points `resampler.versions` and `resampler.snapshots` name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.command_line import Place
from feast_plugin.versions.files.aliases import known_alias, names_of, read_aliases
from feast_plugin.versions.files.audited import NOTE, sample_of
from feast_plugin.versions.files.catalog import snapshot_names
from feast_plugin.versions.inputs.contract import TIMESTAMP, Contract
from resampler.errors import DataError
from resampler.ledger import FOLDER
from resampler.training_set import Home, Sample, TrainingSet

if TYPE_CHECKING:
    from feast_plugin.versions.files.manifest import Manifest
    from resampler.storage import Location


def open_version(
    name: str, which: str | None, *, repo: str | None, catalog: str | None, root: str | None
) -> TrainingSet:
    """Open a version by its files alone.

    Parameters
    ----------
    name : str
        Of the snapshot.
    which : str or None
        A number, with or without ``v``, or an alias; None: the newest.
    repo, catalog, root : str or None
        Where versions are kept.

    Returns
    -------
    TrainingSet
        Of the version.

    Raises
    ------
    InvalidInputError
        If no place is given, or more than one.
    DataError
        If there is no such version or alias, or the alias points nowhere.
    CorruptStateError
        If the manifest, or the file of aliases, is damaged.
    """
    versions = Place.of(root, repo=repo, catalog=catalog).catalog(name)
    aliases = read_aliases(versions.home)
    number = None
    if which is not None and (which.isdecimal() or (which[:1] == "v" and which[1:].isdecimal())):
        number = int(which.lstrip("v"))
    elif which is not None:
        alias = known_alias(aliases, which, name)
        if alias.version is None:
            raise DataError(f"alias {which!r} of {name!r} points nowhere: set it, or name a version")
        number = alias.version
    manifest = versions.load(number)
    directory = versions.directory(manifest.version)
    contract = Contract.from_dict(manifest.columns)
    return TrainingSet(
        name=manifest.name,
        version=manifest.version,
        digest=manifest.digest,
        home=versions.home,
        directory=directory,
        schema=manifest.schema,
        features=tuple(column.name for column in contract.columns),
        label=contract.published_label,
        synthetic=contract.published_synthetic,
        keys=tuple(contract.join_keys),
        timestamp=TIMESTAMP if contract.timestamped else None,
        files={
            split: tuple(file.path for file in entry.files)
            for split, entry in manifest.splits.items()
            if all(_is_there(directory, file.path) for file in entry.files)
        },
        classes={split: entry.classes for split, entry in manifest.splits.items()},
        parameters=manifest.parameters | {"seed": manifest.seed, "ratio": manifest.ratio},
        profile=_profile(manifest, directory),
        aliases=tuple(names_of(aliases, manifest.version)),
        left_out=manifest.left_out.path if manifest.left_out and _is_there(directory, manifest.left_out.path) else None,
        training_rows=manifest.training_rows,
        sample=_sample(manifest, versions.home),
        lineage=manifest.lineage.path if manifest.lineage and _is_there(directory, manifest.lineage.path) else None,
        created=manifest.created,
    )


def list_homes(*, repo: str | None, catalog: str | None, root: str | None) -> list[Home]:
    """List the snapshots of a place.

    Parameters
    ----------
    repo, catalog, root : str or None
        Where versions are kept.

    Returns
    -------
    list of Home
        By name; those that have neither a version nor a ledger are left out.

    Raises
    ------
    InvalidInputError
        If no place is given, or more than one.
    """
    place = Place.of(root, repo=repo, catalog=catalog)
    found = []
    for name in snapshot_names(place.root):
        versions = place.catalog(name)
        newest = versions.newest()
        if newest is not None or (versions.home / FOLDER).exists():
            found.append(Home(name, versions.home, newest))
    return found


def _is_there(directory: Location, path: str) -> bool:
    return (directory / path).exists()


def _sample(manifest: Manifest, home: Location) -> Sample | None:
    file = sample_of(manifest, home)
    if file is None:
        return None
    note = manifest.notes[NOTE]
    return Sample(file, note["sha256"], tuple(note["redacted"]))


def _profile(manifest: Manifest, directory: Location) -> bytes | None:
    return None if manifest.profile is None else (directory / manifest.profile.path).read()

"""A plain directory as a registry: one JSON file a snapshot lists its datasets. No feature store is needed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from feast_plugin.notices import notice
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.registry import ALIAS, Registry, lost_alias
from resampler.errors import CorruptStateError
from resampler.state import check_format
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from feast_plugin.versions.registry import Dataset

FILE = "datasets.json"
FORMAT = 1
_PLACE = f"{NAMESPACE}.manifest"  # a tag with the manifest's place: a directory may be moved, so it is left out


class DirectoryRegistry(Registry):
    """Versions in a directory, made of tables.

    ``DIR/NAME/datasets.json`` maps the name of each dataset to the path of its Parquet file, which is relative to
    ``DIR/NAME``, its columns, its time span and its tags. Tags that do not begin with ``resampler.`` are the user's: a
    version whose dataset carries one is in use.

    Parameters
    ----------
    path : str or Path
        The directory, or a URI of `pyarrow.fs`; it need not exist yet.

    Raises
    ------
    InvalidInputError
        If it cannot be used.

    Notes
    -----
    The file is replaced in one step; who writes holds the lock of ``DIR/NAME``.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = path
        self._location = Location.parse(path)

    @property
    def root(self) -> str | Path:
        """The directory itself."""
        return self._path

    def register(self, datasets: Sequence[Dataset]) -> None:
        """Write datasets to the snapshot's file.

        Parameters
        ----------
        datasets : sequence of Dataset
            As `feast_plugin.versions.registry.Registry.register` says.

        Raises
        ------
        CorruptStateError
            If a name is taken by another dataset, or the file cannot be read.
        """
        home = _home(datasets[0])
        entries = _read(home)
        for dataset in datasets:
            if dataset.name in entries and (found := _differences(dataset, entries[dataset.name])):
                raise CorruptStateError(
                    f"{home.uri}/{FILE} has another dataset: {found[0]}: delete that entry, or snapshot under another "
                    "name"
                )
        added = {dataset.name: _entry(dataset) for dataset in datasets if dataset.name not in entries}
        if added:
            _write(home, entries | added)

    def unregister(self, datasets: Sequence[Dataset]) -> None:
        """Remove datasets from the snapshot's file.

        Parameters
        ----------
        datasets : sequence of Dataset
            As `feast_plugin.versions.registry.Registry.unregister` says.

        Raises
        ------
        CorruptStateError
            If the file cannot be read.
        """
        home = _home(datasets[0])
        entries = _read(home)
        listed = [dataset for dataset in datasets if dataset.name in entries]
        gone = {dataset.name for dataset in listed if _is_in(dataset, entries[dataset.name])}
        for dataset in listed:
            if dataset.name not in gone:
                path = entries[dataset.name].get("path")
                notice(
                    f"dataset {dataset.name!r} of {home.uri}/{FILE} has path {path!r}, which is not of "
                    f"{dataset.directory.uri}: it stays"
                )
        if gone:
            _write(home, {name: entry for name, entry in entries.items() if name not in gone})

    def point(self, datasets: Sequence[Dataset], names: Sequence[str], home: Location) -> None:
        """Let names of an alias stand for the datasets of a version.

        Parameters
        ----------
        datasets, names, home
            As `feast_plugin.versions.registry.Registry.point` says.

        Raises
        ------
        CorruptStateError
            If the file cannot be read, or a name is taken by a dataset that is no alias.
        """
        entries = _read(home)
        kept = {name: entry for name, entry in entries.items() if name not in names}
        for name in (name for name in names if name in entries):
            if ALIAS not in entries[name].get("tags", {}):
                raise CorruptStateError(
                    f"{home.uri}/{FILE} has another dataset {name!r}, which is no alias: delete that entry, or take "
                    "another name"
                )
        for dataset in datasets:
            entry = _entry(dataset)
            theirs = entries.get(dataset.name, {}).get("tags", {})
            entry["tags"] = _users(theirs) | entry["tags"]
            kept[dataset.name] = entry
        if kept != entries:
            _write(home, kept)

    def differences(self, dataset: Dataset) -> list[str]:
        """Compare a dataset with its entry in the snapshot's file.

        Parameters
        ----------
        dataset : Dataset
            What it should be.

        Returns
        -------
        list of str
            One line a difference; empty if there is none.
        """
        home = _home(dataset)
        try:
            entries = _read(home)
        except CorruptStateError as error:
            return [str(error)]
        if dataset.name not in entries:
            return [f"{dataset.name} is not in {home.uri}/{FILE}"]
        return _differences(dataset, entries[dataset.name])

    def uses(self, datasets: Sequence[Dataset]) -> Iterator[str]:
        """Find tags of the user's own.

        Parameters
        ----------
        datasets : sequence of Dataset
            Of the version.

        Yields
        ------
        str
            A dataset's tag.

        Raises
        ------
        CorruptStateError
            If the file cannot be read.
        """
        entries = _read(_home(datasets[0]))
        for dataset in sorted(datasets, key=lambda one: one.name):
            entry = entries.get(dataset.name)
            if entry is not None and _is_in(dataset, entry):
                for key, value in entry.get("tags", {}).items():
                    if not key.startswith(f"{NAMESPACE}."):
                        yield f"dataset {dataset.name} is tagged {key}={value}"
        for name, entry in entries.items():
            if ALIAS in entry.get("tags", {}) and any(_is_in(dataset, entry) for dataset in datasets):
                yield lost_alias(name, entry["tags"][ALIAS])


def _users(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith(f"{NAMESPACE}.")}


def _home(dataset: Dataset) -> Location:
    """Return the directory of the dataset's snapshot, which is above the version's."""
    place = dataset.directory
    return Location(place.filesystem, _above(place.path), _above(place.uri), place.endpoint)


def _above(path: str) -> str:
    return path.rpartition("/")[0]


def _path(dataset: Dataset) -> str:
    return f"{dataset.directory.path.rpartition('/')[2]}/{dataset.path}"


def _is_in(dataset: Dataset, entry: dict[str, Any]) -> bool:
    return str(entry.get("path")).startswith(f"{_path(dataset).partition('/')[0]}/")


def _entry(dataset: Dataset) -> dict[str, Any]:
    """Return what the file says of a dataset."""
    return {
        "path": _path(dataset),
        "description": dataset.description,
        "features": list(dataset.features),
        "join_keys": list(dataset.join_keys),
        "first_event": _instant(dataset.first),
        "last_event": _instant(dataset.last),
        "tags": {key: value for key, value in dataset.tags.items() if key != _PLACE},
    }


def _instant(microseconds: int | None) -> str | None:
    if microseconds is None:
        return None
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).isoformat()


def _differences(dataset: Dataset, entry: dict[str, Any]) -> list[str]:
    ours = _entry(dataset)
    theirs = entry | {"tags": {k: v for k, v in entry.get("tags", {}).items() if k.startswith(f"{NAMESPACE}.")}}
    return [
        f"{dataset.name}: {what} is {theirs.get(what)!r} in {FILE}, {ours[what]!r} by the manifest"
        for what in ours
        if what != "description" and theirs.get(what) != ours[what]
    ]


def _read(home: Location) -> dict[str, dict[str, Any]]:
    file = home / FILE
    if not file.exists():
        return {}
    try:
        data = json.loads(file.read())
        check_format(file.uri, data["format"], [FORMAT])
        entries = {str(name): dict(entry) for name, entry in data["datasets"].items()}
        if not all(isinstance(entry.get("tags", {}), dict) for entry in entries.values()):
            raise TypeError("tags must be an object")
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise CorruptStateError(
            f"{file.uri} lists no datasets: {type(error).__name__}: {error}: restore it from a copy, or delete it and "
            "create each version again, which writes its entries anew"
        ) from error
    return entries


def _write(home: Location, entries: dict[str, dict[str, Any]]) -> None:
    text = json.dumps({"format": FORMAT, "datasets": entries}, indent=1, sort_keys=True) + "\n"
    (home / FILE).write_at_once(text.encode())

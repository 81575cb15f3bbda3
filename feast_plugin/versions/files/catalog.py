"""The versions of snapshots: which there are, where they lie, what number comes next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from feast_plugin.versions.files.manifest import FILE, Manifest
from feast_plugin.versions.files.names import version_name
from resampler.errors import CorruptStateError, DataError
from resampler.storage import NAME, Location, check_name
from resampler.unfinished import remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Damaged:
    """A version whose manifest cannot be read.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        Of the version.
    problem : str
        What is wrong, and the remedy.
    """

    name: str
    version: int
    problem: str


def list_snapshots(root: str | Path, name: str | None = None) -> list[Manifest]:
    """Read the manifests of all versions under a root.

    Parameters
    ----------
    root : str or Path
        Where snapshots are kept.
    name : str, optional
        Only this snapshot.

    Returns
    -------
    list of Manifest
        By name and version.

    Raises
    ------
    InvalidInputError
        If the root cannot be used, or the name is none.
    DataError
        If the named snapshot has no version.
    CorruptStateError
        If a manifest cannot be read.
    """
    found = []
    for version in survey(root, name):
        if isinstance(version, Damaged):
            raise CorruptStateError(version.problem)
        found.append(version)
    return found


def survey(root: str | Path, name: str | None = None) -> Iterator[Manifest | Damaged]:
    """Read all versions under a root, past those that cannot be read.

    Parameters
    ----------
    root : str or Path
        Where snapshots are kept.
    name : str, optional
        Only this snapshot.

    Yields
    ------
    Manifest or Damaged
        By name and version.

    Raises
    ------
    InvalidInputError
        If the root cannot be used, or the name is none.
    DataError
        If the named snapshot has no version.
    """
    location = Location.parse(root)
    names = [check_name(name)] if name else snapshot_names(root)
    catalogs = [Catalog(location, each) for each in names]
    if name:
        catalogs[0].check_known()
    for catalog in catalogs:
        for number in catalog.numbers():
            try:
                yield catalog.load(number)
            except CorruptStateError as error:
                yield Damaged(catalog.name, number, str(error))


def snapshot_names(root: str | Path) -> list[str]:
    """Name what can be a snapshot under a root.

    Parameters
    ----------
    root : str or Path
        Where snapshots are kept.

    Returns
    -------
    list of str
        Names of directories, sorted; whether there are versions is not looked up.

    Raises
    ------
    InvalidInputError
        If the root cannot be used.
    """
    return [name for name in Location.parse(root).directories() if NAME.fullmatch(name)]


def show_snapshot(name: str, root: str | Path, version: int | None = None) -> Manifest:
    """Read a version's manifest.

    Parameters
    ----------
    name : str
        Of the snapshot.
    root : str or Path
        Where snapshots are kept.
    version : int, optional
        By default the newest.

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    InvalidInputError
        If the root cannot be used, or the name is none.
    DataError
        If there is no such version.
    CorruptStateError
        If its manifest cannot be read.
    """
    return Catalog.open(name, root).load(version)


class Catalog:
    """The versions of one snapshot.

    Parameters
    ----------
    root : Location
        Root of all snapshots.
    name : str
        Of this one, checked.
    """

    def __init__(self, root: Location, name: str) -> None:
        self.name = name
        self.home = root / name

    @classmethod
    def open(cls, name: str, root: str | Path | None, repo: str | Path | None = None) -> Catalog:
        """Find a snapshot's versions; there may be none yet.

        Parameters
        ----------
        name : str
            Of the snapshot.
        root : str or Path, optional
            Where snapshots are kept: a path or a URI. By default the directory ``snapshots`` in `repo`.
        repo : str or Path, optional
            Feast repository.

        Returns
        -------
        Catalog
            Its versions.

        Raises
        ------
        InvalidInputError
            If the root cannot be used, or the name is none.
        """
        return cls(Location.of_root(root, repo), check_name(name))

    def numbers(self) -> list[int]:
        """List the published versions: those with a manifest.

        Returns
        -------
        list of int
            Ascending.
        """
        return [n for n in self._directories() if (self.directory(n) / FILE).exists()]

    def newest(self) -> int | None:
        """Find the newest published version; earlier ones are not looked at.

        Returns
        -------
        int or None
            None where there is none.
        """
        return next((n for n in reversed(self._directories()) if (self.directory(n) / FILE).exists()), None)

    def directory(self, version: int) -> Location:
        """Return where a version's files are.

        Parameters
        ----------
        version : int
            From 1.

        Returns
        -------
        Location
            Its directory.
        """
        return self.home / version_name(version)

    def load(self, version: int | None = None) -> Manifest:
        """Read a version's manifest.

        Parameters
        ----------
        version : int, optional
            By default the newest.

        Returns
        -------
        Manifest
            As written.

        Raises
        ------
        DataError
            If there is no such version.
        CorruptStateError
            If its manifest cannot be read.
        """
        numbers = self.check_known(version)
        number = numbers[-1] if version is None else version
        file = self.directory(number) / FILE
        try:
            return Manifest.from_json(file.read(), file.uri)
        except CorruptStateError as error:
            remedy = f"resampler snapshot prune --name {self.name} --version {number}"
            raise CorruptStateError(f"{error}, or remove the version: {remedy}") from error

    def check_known(self, version: int | None = None) -> list[int]:
        """Check that there is a version.

        Parameters
        ----------
        version : int, optional
            Its number; by default any will do.

        Returns
        -------
        list of int
            As `numbers`.

        Raises
        ------
        DataError
            If there is none.
        """
        numbers = self.numbers()
        if not numbers:
            raise DataError(
                f"snapshot {self.name!r} has no version under {self.home.uri}: create one, or say with --root where it "
                "is kept"
            )
        if version is not None and version not in numbers:
            raise DataError(
                f"snapshot {self.name!r} has no version {version} under {self.home.uri}, it has "
                f"{', '.join(map(str, numbers))}: name one of these"
            )
        return numbers

    def next_number(self) -> int:
        """Return the number that the next version gets; none is ever given twice.

        Returns
        -------
        int
            One above every number given so far.
        """
        high_water = self.home / ".last"
        last = int(high_water.read()) if high_water.exists() else 0
        return max([last, *self._directories()], default=0) + 1

    def retire(self, version: int) -> None:
        """Remove a version's files and remember that its number was used.

        Parameters
        ----------
        version : int
            A published version.
        """
        (self.home / ".last").write_at_once(str(self.next_number() - 1).encode())
        # The manifest goes first: without it the rest is debris, which `tidy` removes if this is cut short.
        (self.directory(version) / FILE).remove()
        self.directory(version).remove()

    def tidy(self) -> None:
        """Remove what a killed writer left, and unfinished runs that are old; call it with the lock held."""
        for number in self._directories():
            if not (self.directory(number) / FILE).exists():
                self.directory(number).remove()
        remove_unfinished(self.home, old=True)

    def _directories(self) -> list[int]:
        names = self.home.directories()
        return sorted(int(n[1:]) for n in names if n[:1] == "v" and n[1:].isdigit())

"""What is said of a version, and what moves aliases to it: `resampler.publications` and `resampler.aliases`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from feast_plugin.command_line import Place
from feast_plugin.versions import pointing
from feast_plugin.versions.files.aliases import Alias, check_version, known_alias, names_of, read_aliases
from feast_plugin.versions.pointing import replacements
from feast_plugin.versions.publication import publication_of
from feast_plugin.versions.registry import datasets_of, lost_alias
from resampler.errors import CorruptStateError, DataError
from resampler.lineage.publication import Publication, Published

if TYPE_CHECKING:
    from collections.abc import Iterator

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.registry import Registry
    from resampler.storage import Location


def open_publication(
    name: str,
    which: str | None,
    digest: str | None,
    *,
    uses: bool,
    repo: str | None = None,
    catalog: str | None = None,
    root: str | None = None,
) -> Published:
    """Say what a version is, by its files.

    Parameters
    ----------
    name : str
        Of the snapshot.
    which : str or None
        A number, with or without ``v``, or an alias; None: the newest.
    digest : str or None
        In place of `which`, how the digest of the version begins.
    uses : bool
        Whether to open a feature store to see what else uses it.
    repo, catalog, root : str or None
        Where versions are kept.

    Returns
    -------
    Published
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
    place = Place.of(root, repo=repo, catalog=catalog)
    versions = place.catalog(name)
    aliases = read_aliases(versions.home)
    manifest = _of_digest(versions, digest) if digest else versions.load(_number(aliases, which, name))
    directory = versions.directory(manifest.version)
    pointing_to = tuple(names_of(aliases, manifest.version))
    # A registry does not know which aliases the file has, and so speaks of all as if they were lost.
    known = {lost_alias(f"{name}_{alias}_{split}", alias) for alias in pointing_to for split in manifest.splits}
    said: tuple[str, ...] | None = None
    if place.kind is not None and (uses or repo is None):
        with place.opened() as registry:
            said = tuple(one for one in registry.uses(datasets_of(manifest, directory)) if one not in known)
    return Published(publication_of(manifest, directory), versions.home, pointing_to, said)


class Aliases:
    """What moves the aliases of a snapshot.

    Parameters
    ----------
    registry : Registry
        Follows.
    catalog : Catalog
        The snapshot's versions.
    """

    def __init__(self, registry: Registry, catalog: Catalog) -> None:
        self._registry, self._catalog = registry, catalog

    @property
    def home(self) -> Location:
        """Directory of the snapshot."""
        return self._catalog.home

    def target(self, alias: str, to: int | None) -> tuple[int | None, Publication]:
        """Find where an alias points, and where it would.

        Parameters
        ----------
        alias : str
            Its name.
        to : int or None
            A version; None: where the alias pointed before.

        Returns
        -------
        before : int or None
            Where it points.
        target : Publication
            The version that it would point to.

        Raises
        ------
        DataError
            If there is no such alias or version.
        """
        found = known_alias(read_aliases(self.home), alias, self._catalog.name)
        self._catalog.check_known(to)
        version = to or check_version(found, self._catalog.numbers(), self._catalog.name, replacements(self._catalog))
        manifest = self._catalog.load(version)
        return found.version, publication_of(manifest, self._catalog.directory(version))

    def pointed(self, alias: str) -> int | None:
        """Say where an alias points.

        Parameters
        ----------
        alias : str
            Its name.

        Returns
        -------
        int or None
            A version; None: nowhere.
        """
        found = read_aliases(self.home).get(alias)
        return None if found is None else found.version

    def problems(self, version: int) -> tuple[str, ...]:
        """Check a version.

        Parameters
        ----------
        version : int
            Its number.

        Returns
        -------
        tuple of str
            One line for each thing that does not hold.
        """
        from feast_plugin.versions.verify import verify

        return verify(self._registry, self._catalog, version).problems

    def move(self, alias: str, to: int | None) -> None:
        """Move an alias.

        Parameters
        ----------
        alias : str
            Its name.
        to : int or None
            A version; None: where the alias pointed before, and so for the version that it pointed to before.

        Raises
        ------
        ResamplerError
            As `feast_plugin.versions.pointing.point`.
        """
        known = read_aliases(self.home).get(alias, Alias(alias, ()))
        if to is None or to == known.earlier:
            pointing.roll_back(self._registry, self._catalog, alias)
        else:
            pointing.point(self._registry, self._catalog, alias, to)


@contextlib.contextmanager
def aliases(
    name: str, *, repo: str | None = None, catalog: str | None = None, root: str | None = None
) -> Iterator[Aliases]:
    """Open what moves the aliases of a snapshot.

    Parameters
    ----------
    name : str
        Of the snapshot.
    repo, catalog, root : str or None
        Where versions are kept, and what registers them.

    Yields
    ------
    Aliases
        Of that snapshot.

    Raises
    ------
    InvalidInputError
        If no registry is named.
    DataError
        If there is no such snapshot.
    """
    place = Place.of(root, repo=repo, catalog=catalog)
    versions = place.catalog(name)
    versions.check_known()
    with place.opened() as registry:
        yield Aliases(registry, versions)


def _number(aliases: dict[str, Alias], which: str | None, name: str) -> int | None:
    if which is None:
        return None
    if which.isdecimal() or (which[:1] == "v" and which[1:].isdecimal()):
        return int(which.lstrip("v"))
    alias = known_alias(aliases, which, name)
    if alias.version is None:
        raise DataError(f"alias {which!r} of {name!r} points nowhere: set it, or name a version")
    return alias.version


def _of_digest(catalog: Catalog, digest: str) -> Manifest:
    catalog.check_known()
    for number in reversed(catalog.numbers()):
        with contextlib.suppress(CorruptStateError):  # one that is damaged is none to be found
            manifest = catalog.load(number)
            if manifest.digest.startswith(digest):
                return manifest
    raise DataError(
        f"no version of {catalog.name} in {catalog.home.uri} has a digest that begins with {digest[:12]}: it was "
        "pruned, replaced when an entity was forgotten, or is kept elsewhere (--repo, --catalog, --root)"
    )

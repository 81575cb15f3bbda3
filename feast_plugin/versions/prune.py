"""Remove versions, files and registry entries alike, but never one that something refers to."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from feast_plugin.notices import notice
from feast_plugin.versions.announced import announcer, removed
from feast_plugin.versions.files.aliases import names_of, read_aliases
from feast_plugin.versions.files.audited import remove_sample
from feast_plugin.versions.pointing import follow
from feast_plugin.versions.registry import datasets_named, datasets_of
from resampler.errors import CorruptStateError, GateError, InvalidInputError
from resampler.unfinished import remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.registry import Dataset, Registry


def prune(registry: Registry, catalog: Catalog, *, version: int | None = None, keep: int | None = None) -> list[int]:
    """Remove one version, or all but the newest.

    Parameters
    ----------
    registry : Registry
        Is cleared of them.
    catalog : Catalog
        The snapshot's versions.
    version, keep : int, optional
        As in `feast_plugin.prune_snapshot`.

    Returns
    -------
    list of int
        The versions that are gone. Their numbers are not given again.

    Raises
    ------
    InvalidInputError
        Unless exactly one of `version` and `keep` is given, `keep` 1 or more; or if a version is of another kind of
        registry.
    DataError
        If there is no such version.
    GateError
        If `version` is in use: an alias points to it, or as `Registry.uses` says.
    CorruptStateError
        If `keep` is given, and a manifest cannot be read.
    """
    if (version is None) == (keep is None):
        raise InvalidInputError("prune needs either a version or how many of the newest to keep")
    if keep is not None and keep < 1:
        raise InvalidInputError(f"keep must be 1 or more, got {keep}")
    catalog.check_known(version)
    with catalog.home.locked():
        follow(registry, catalog)
        aliases = read_aliases(catalog.home)
        numbers = [version] if version is not None else catalog.numbers()[: -int(keep or 1)]
        gone = []
        for number in numbers:
            datasets = _datasets(registry, catalog, number, named=version is not None)
            pointing = names_of(aliases, number)
            if pointing and version is not None:
                raise GateError(
                    f"{catalog.name} version {number} is in use: alias {pointing[0]!r} points to it; point it to "
                    "another version first, or remove it"
                )
            used_by = f"alias {pointing[0]!r} points to it" if pointing else next(iter(registry.uses(datasets)), None)
            if used_by is None:
                remove_version(registry, catalog, number, datasets, "prune")
                gone.append(number)
            elif version is not None:
                raise GateError(f"{catalog.name} version {number} is in use: {used_by}; remove that tag first")
            else:
                notice(f"{catalog.name} version {number} is kept beside the newest, for it is in use: {used_by}")
    announcer(registry, catalog).send()
    return gone


def prune_unfinished(catalog: Catalog) -> list[str]:
    """Remove unfinished runs, whose rows lie beside the versions; one that is at work ends when it notices.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions; there may be none.

    Returns
    -------
    list of str
        What `--resume` would have taken.
    """
    if not catalog.home.exists():
        return []
    with catalog.home.locked():
        return remove_unfinished(catalog.home)


def remove_version(registry: Registry, catalog: Catalog, version: int, datasets: Sequence[Dataset], why: str) -> None:
    """Remove a version from the registry, then its files; call it with the catalog locked.

    Parameters
    ----------
    registry : Registry
        Is cleared of it.
    catalog : Catalog
        The snapshot's versions.
    version : int
        Its number.
    datasets : sequence of Dataset
        Its splits.
    why : {"prune", "forget"}
        The command.

    Raises
    ------
    ResamplerError
        If its audit sample cannot be removed; the version is still there.
    """
    try:
        manifest = catalog.load(version)
    except CorruptStateError:
        manifest = None
    remove_sample(catalog.home, version, manifest)  # while there is a manifest to say where it is
    # Readers first lose sight of it: a kill in between leaves files without an entry, never the reverse.
    with contextlib.nullcontext() if manifest is None else removed(registry, catalog, manifest, why):
        registry.unregister(datasets)
        catalog.retire(version)


def _datasets(registry: Registry, catalog: Catalog, version: int, *, named: bool) -> list[Dataset]:
    """Return what belongs to a version: by its manifest or, if it was named and that cannot be read, by its number."""
    try:
        manifest = catalog.load(version)
    except CorruptStateError:
        if not named:
            raise
        return datasets_named(catalog.name, version, catalog.directory(version))
    registry.check_own(manifest)
    return datasets_of(manifest, catalog.directory(version))

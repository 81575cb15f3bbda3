"""Move aliases: the file beside the versions says where they point, then the registry follows."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING

from feast_plugin.notices import notice
from feast_plugin.versions.announced import announcer, pointed
from feast_plugin.versions.files.aliases import (
    BACK,
    FORGOT,
    MOVED,
    REMOVED,
    Alias,
    check_version,
    known_alias,
    names_of,
    read_aliases,
    write_aliases,
)
from feast_plugin.versions.inputs.contract import NAMESPACE
from feast_plugin.versions.inputs.split import SPLITS
from feast_plugin.versions.making.recipe import FORGOT as RECIPE_FORGOT
from feast_plugin.versions.registry import ALIAS, Dataset, datasets_of
from resampler.errors import CorruptStateError
from resampler.storage import check_alias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.registry import Registry


def point(registry: Registry, catalog: Catalog, alias: str, version: int | None = None) -> Alias:
    """Let an alias point to a version.

    Parameters
    ----------
    registry : Registry
        Gets a dataset a split, under the alias's name.
    catalog : Catalog
        The snapshot's versions.
    alias : str
        Its name.
    version : int, optional
        By default the newest.

    Returns
    -------
    Alias
        Where it points now.

    Raises
    ------
    InvalidInputError
        If the name is none, or the version is of another kind of registry.
    DataError
        If there is no such version.
    CorruptStateError
        If a manifest, the file of aliases or the registry is damaged, or a dataset of that name is another's.
    """
    check_alias(alias)
    catalog.check_known(version)
    with catalog.home.locked():
        numbers = catalog.check_known(version)
        known = read_aliases(catalog.home)
        moved = _move(registry, catalog, known.get(alias, Alias(alias, ())), version or numbers[-1], MOVED)
    announcer(registry, catalog).send()
    return moved


def roll_back(registry: Registry, catalog: Catalog, alias: str) -> Alias:
    """Let an alias point to where it did before; once more goes further back.

    Parameters
    ----------
    registry : Registry
        Follows.
    catalog : Catalog
        The snapshot's versions.
    alias : str
        Its name.

    Returns
    -------
    Alias
        Where it points now.

    Raises
    ------
    DataError
        If there is no such alias, it pointed nowhere before, or that version is gone.
    InvalidInputError, CorruptStateError
        As `point`.
    """
    catalog.check_known()
    with catalog.home.locked():
        found = known_alias(read_aliases(catalog.home), alias, catalog.name)
        version = check_version(found, catalog.numbers(), catalog.name, replacements(catalog))
        if version != found.earlier:
            notice(
                f"alias {alias!r} of {catalog.name} pointed to version {found.earlier} before, and now points to "
                f"{version}, which replaces it"
            )
        moved = _move(registry, catalog, found, version, BACK)
    announcer(registry, catalog).send()
    return moved


def withdraw(registry: Registry, catalog: Catalog, alias: str) -> Alias:
    """Let an alias point nowhere: its datasets leave the registry, its history stays.

    Parameters
    ----------
    registry : Registry
        Loses them.
    catalog : Catalog
        The snapshot's versions.
    alias : str
        Its name.

    Returns
    -------
    Alias
        With that step in its history.

    Raises
    ------
    DataError
        If there is no such alias.
    CorruptStateError
        As `point`.
    """
    catalog.check_known()
    with catalog.home.locked():
        return _move(registry, catalog, known_alias(read_aliases(catalog.home), alias, catalog.name), None, REMOVED)


def follow(registry: Registry, catalog: Catalog) -> None:
    """Let the registry follow every alias, which a run that was killed may have left behind; call it locked.

    Parameters
    ----------
    registry : Registry
        Is written only where it says something else.
    catalog : Catalog
        The snapshot's versions.

    Raises
    ------
    CorruptStateError
        If the file of aliases or the registry is damaged, or a dataset of an alias's name is another's.
    """
    for alias in read_aliases(catalog.home).values():
        try:
            datasets = datasets_aliased(catalog, alias)
        except CorruptStateError as error:  # stops nobody who removes that version, or makes another
            notice(f"alias {alias.name!r} of {catalog.name} cannot be followed: {error}")
            continue
        if alias.version is not None and not datasets:
            notice(f"{_gone(catalog, alias)}: point it to another version, or remove it")
            continue
        _follow(registry, catalog, alias, datasets)


def replace(registry: Registry, catalog: Catalog, version: int, replacement: int | None) -> None:
    """Let every alias of a version that is to go point to the one that replaces it; call it locked.

    Parameters
    ----------
    registry : Registry
        Follows.
    catalog : Catalog
        The snapshot's versions.
    version : int
        The version that goes.
    replacement : int, optional
        The version that comes; without one they point nowhere.

    Raises
    ------
    CorruptStateError
        As `point`.
    """
    aliases = read_aliases(catalog.home)
    for name in names_of(aliases, version):
        _move(registry, catalog, aliases[name], replacement, FORGOT)
        where = "nowhere, for nothing replaces that" if replacement is None else f"to {replacement}, which replaces it"
        notice(f"alias {name!r} of {catalog.name} pointed to version {version}, and now points {where}")


def datasets_aliased(catalog: Catalog, alias: Alias) -> list[Dataset]:
    """Describe what a registry should list for an alias.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions.
    alias : Alias
        The alias.

    Returns
    -------
    list of Dataset
        The version's, under the alias's name; none where it points nowhere, or its version is gone.

    Raises
    ------
    CorruptStateError
        If the version's manifest cannot be read.
    """
    if alias.version is None or alias.version not in catalog.numbers():
        return []
    manifest = catalog.load(alias.version)
    return [
        dataclasses.replace(
            one,
            name=_dataset_name(catalog, alias, one.tags[f"{NAMESPACE}.split"]),
            description=f"{one.description}, which {alias.name} points to",
            tags={**one.tags, ALIAS: alias.name},
            alias=alias.name,
        )
        for one in datasets_of(manifest, catalog.directory(manifest.version))
    ]


def replacements(catalog: Catalog) -> dict[int, int]:
    """Map versions that held an entity which was forgotten to those that are there instead.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions.

    Returns
    -------
    dict of int to int
        By version that is gone.
    """
    found = {}
    for number in catalog.numbers():
        with contextlib.suppress(CorruptStateError):  # one that is damaged is none to go back to
            replaced = catalog.load(number).parameters.get(RECIPE_FORGOT)
            if replaced is not None:
                found[int(replaced)] = number
    return found


def _dataset_name(catalog: Catalog, alias: Alias, split: str) -> str:
    return f"{catalog.name}_{alias.name}_{split}"


def _move(registry: Registry, catalog: Catalog, alias: Alias, version: int | None, why: str) -> Alias:
    manifest = None if version is None else catalog.load(version)
    if manifest is not None:
        registry.check_own(manifest)
    moved = alias if alias.version == version else alias.moved(version, why)
    told: AbstractContextManager[None] = contextlib.nullcontext()
    if manifest is not None and moved is not alias:
        told = pointed(registry, catalog, manifest, alias.name, moved.history[-1])
    with told:
        # What is written first is what the registry is brought to, by this run or, if it is killed, by the next one.
        if moved is not alias:
            write_aliases(catalog.home, read_aliases(catalog.home) | {alias.name: moved})
        _follow(registry, catalog, moved, datasets_aliased(catalog, moved))
    return moved


def _gone(catalog: Catalog, alias: Alias) -> str:
    return f"alias {alias.name!r} of {catalog.name} points to version {alias.version}, which is gone"


def _follow(registry: Registry, catalog: Catalog, alias: Alias, datasets: Sequence[Dataset]) -> None:
    names = [_dataset_name(catalog, alias, split) for split in SPLITS]
    registry.point(datasets, names, catalog.home)

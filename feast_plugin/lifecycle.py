"""What can happen to a version later, as functions: verify, rebuild, alias, roll back, prune, forget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from feast_plugin.registries import registry_of
from feast_plugin.versions.forget import Forgotten, forget
from feast_plugin.versions.pointing import point, roll_back, withdraw
from feast_plugin.versions.prune import prune
from feast_plugin.versions.rebuild import Rebuilt, rebuild
from feast_plugin.versions.verify import Verification, verify
from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    from feast import FeatureStore

    from feast_plugin.versions.files.aliases import Alias
    from feast_plugin.versions.registry import Registry
    from resampler.secret import SecretKey


def verify_snapshot(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    version: int | None = None,
) -> Verification:
    """Check a version.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Whose registry should know it; or the directory of a plain catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
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
    registry = registry_of(store)
    return verify(registry, registry.catalog(name, root), version)


def rebuild_snapshot(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    version: int | None = None,
    entity_df: str | Path | pd.DataFrame | pa.Table | None = None,
    secret_key: SecretKey | str | None = None,
) -> Rebuilt:
    """Make a version's files again and put back those that are not as they were written.

    The real rows are read from the version's own files; where those are damaged they are retrieved again.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        For another retrieval; or the directory of a plain catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
    version : int, optional
        By default the newest.
    entity_df : str, Path, pandas.DataFrame or pyarrow.Table, optional
        Entity frame for another retrieval; by default the file that the manifest remembers.
    secret_key : SecretKey or str, optional
        The key that the version was made with, or where it is read from: ``env:NAME`` or ``file:PATH``.

    Returns
    -------
    Rebuilt
        Every file of the version is there, bytes equal to the manifest.

    Raises
    ------
    InvalidInputError
        If the version is of another kind of registry, or was made with a secret key and it is not the one given.
    DataError
        If there is no such version, or another retrieval needs an entity frame and none is known.
    CorruptStateError
        If the features have changed since, or the same rows give other bytes under these library versions.
    """
    registry = registry_of(store)
    return rebuild(registry, registry.catalog(name, root), version, entity_df, secret_key)


def alias_snapshot(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    alias: str,
    version: int | None = None,
    remove: bool = False,
) -> Alias:
    """Let an alias point to a version: its datasets are then those of the alias, for every reader.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Whose registry gets a dataset ``NAME_ALIAS_train``, and one for each other split; or the directory of a plain
        catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
    alias : str
        Its name: a letter, then up to 62 letters, digits or ``-``; not a version, like ``v3``.
    version : int, optional
        By default the newest.
    remove : bool
        Let it point nowhere instead. Its history stays.

    Returns
    -------
    Alias
        Its `version` and its `history`: who moved it, when, from where and to where.

    Raises
    ------
    InvalidInputError
        If the name is none, both a version and `remove` are given, or the version is of another kind of registry.
    DataError
        If there is no such version, or no such alias to remove.
    CorruptStateError
        If a manifest, ``aliases.json`` or the registry is damaged, or a dataset of that name is another's.
    """
    registry = registry_of(store)
    catalog = registry.catalog(name, root)
    if not remove:
        return point(registry, catalog, alias, version)
    if version is not None:
        raise InvalidInputError(f"give a version or remove, not both: got version {version}")
    return withdraw(registry, catalog, alias)


def rollback_snapshot(
    store: FeatureStore | Registry | str | Path, *, name: str, root: str | Path | None = None, alias: str
) -> Alias:
    """Let an alias point to where it did before; once more goes further back.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Whose registry follows; or the directory of a plain catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
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
        As `alias_snapshot`.
    """
    registry = registry_of(store)
    return roll_back(registry, registry.catalog(name, root), alias)


def prune_snapshot(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    version: int | None = None,
    keep: int | None = None,
) -> list[int]:
    """Remove one version, or all but the newest.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Whose registry is cleared; or the directory of a plain catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
    version : int, optional
        The one to remove, even if its manifest cannot be read; this or `keep`.
    keep : int, optional
        How many of the newest to keep, 1 or more. Versions in use are kept beside them.

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
        If `version` is in use: an alias points to it, one of its datasets carries a tag that is not ours or, in Feast,
        a feature service or view has a tag whose value is a dataset's name.
    CorruptStateError
        If `keep` is given, and a manifest cannot be read.
    """
    registry = registry_of(store)
    return prune(registry, registry.catalog(name, root), version=version, keep=keep)


def forget_entity(
    store: FeatureStore | Registry | str | Path,
    *,
    name: str,
    root: str | Path | None = None,
    entity: str | int,
    secret_key: SecretKey | str | Sequence[SecretKey | str] | None = None,
) -> list[Forgotten]:
    """Replace every version that holds an entity by one without it.

    Rows keep their splits; the training split is augmented anew, so no synthetic row descends from the entity. The
    old version is removed even where no new one can be made, and even if it is in use; an alias that points to it
    moves to the new one. A tombstone (`feast_plugin.versions.inputs.tombstones`) makes every later `create` of this
    name leave the entity out.

    Parameters
    ----------
    store : feast.FeatureStore, str or Path
        Whose registry is written; or the directory of a plain catalogue.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository, or the catalogue itself.
    entity : str or int
        Value of a join key, or ``key=value`` where several join keys have the value; read as an integer where the key
        is one: a sign or none, and digits.
    secret_key : SecretKey, str or sequence of these, optional
        The keys that the versions were made with, or where they are read from.

    Returns
    -------
    list of Forgotten
        One for each version that held the entity; none if it was forgotten before.

    Raises
    ------
    InvalidInputError
        If a version is of another kind of registry, or one that holds the entity was made with a secret key that is not
        given; nothing was changed then.
    DataError
        If there is no version, or none holds the entity and it was not forgotten before, or it cannot be a value of
        any join key, or it is one in each of several.
    CorruptStateError
        If a version's files or the tombstones are damaged.
    """
    registry = registry_of(store)
    return forget(registry, registry.catalog(name, root), entity, secret_key)

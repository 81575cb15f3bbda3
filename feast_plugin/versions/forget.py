"""The right to be forgotten: no version holds an entity's rows, or rows that descend from them."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from feast_plugin.notices import notice
from feast_plugin.versions.announced import announcer
from feast_plugin.versions.draft import Draft
from feast_plugin.versions.files.manifest import TRAINING_ROWS
from feast_plugin.versions.files.own import own_values, training_rows_gone
from feast_plugin.versions.files.reading import check_files
from feast_plugin.versions.files.stored import stored_keys, stored_rows
from feast_plugin.versions.files.withheld import is_release, withheld_keys
from feast_plugin.versions.inputs.tombstones import ForgottenMeanwhileError, Tombstones, integer_of, keys_asked
from feast_plugin.versions.making.audited import AuditSample
from feast_plugin.versions.making.recipe import Recipe, key_of, keys_given
from feast_plugin.versions.pointing import follow, replace
from feast_plugin.versions.prune import remove_version
from feast_plugin.versions.publish import publish_version
from feast_plugin.versions.registry import datasets_of
from resampler.dtypes import DTYPES, TEXT
from resampler.errors import DataError, GateError, InvalidInputError
from resampler.runs.forgetting import forget_figures
from resampler.unfinished import remove_unfinished

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.files.manifest import Manifest
    from feast_plugin.versions.registry import Registry
    from resampler.secret import SecretKey
    from resampler.storage import Location


_RELEASED = "a release does not store the real rows that it was made from: create it again, from its source"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting an entity did to one version.

    Parameters
    ----------
    version : int
        The version that is gone.
    rows : int
        Real rows of the entity in it, and of entities that were forgotten before it and were still there.
    replaced_by : int or None
        The version without them; None where too little was left to make one.
    reason : str or None
        Why there is none.
    """

    version: int
    rows: int
    replaced_by: int | None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what the command line prints.

        Returns
        -------
        dict
            The fields.
        """
        return asdict(self)


def forget(
    registry: Registry,
    catalog: Catalog,
    entity: str | int,
    secret_key: SecretKey | str | Sequence[SecretKey | str] | None = None,
) -> list[Forgotten]:
    """Replace every version that holds an entity by one without it.

    Rows keep their splits; the training split is augmented anew, so no synthetic row descends from the entity. The old
    version is removed even where no new one can be made, and even if it is in use. An alias that points to it moves to
    the new one. A tombstone (`feast_plugin.versions.inputs.tombstones`) makes every later `create` of this name leave
    the entity out.

    Parameters
    ----------
    registry : Registry
        Loses the entries of what goes, and gets those of what comes.
    catalog : Catalog
        The snapshot's versions.
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
    keys = keys_given(secret_key)
    if not Tombstones.read(catalog.home).hashes:
        catalog.check_known()  # before the lock, which would make a directory of that name
    # One writer at a time, from the list of versions to the last that is replaced: no version comes or goes between.
    with catalog.home.locked():
        catalog.tidy()  # what a killed run left may hold the entity, and is in no version
        follow(registry, catalog)
        tombstones = Tombstones.read(catalog.home)
        before = tombstones.keys_of(str(entity))
        if not before:
            catalog.check_known()
        for number in catalog.numbers():
            registry.check_own(catalog.load(number))
        holders = _holders(catalog, str(entity), keys)
        meant = before.union(*holders.values())
        if len(meant) > 1:
            choice = " or ".join(f"{key}={entity}" for key in sorted(meant))
            raise DataError(
                f"entity {str(entity)!r} is one in each of several join keys: give {choice}; nothing was changed"
            )
        if not holders:
            if before:
                return []
            _check_possible(catalog, str(entity))
            raise DataError(
                f"entity {str(entity)!r} is unknown: no version of {catalog.name} "
                f"({', '.join(map(str, catalog.numbers()))}) holds it in a join key; nothing was changed"
            )
        done = []
        _check_keys(catalog, holders, keys)
        while holders:  # again: where the lock does not reach, a version may have come meanwhile
            tombstones.add(holders.values())  # first of all: whoever publishes from now on leaves the entity out
            if dropped := remove_unfinished(catalog.home):  # behind it: who keeps a part from now on finds it there
                notice(f"unfinished runs {', '.join(dropped)} are removed, for they may hold rows of {entity}")
            # Before the versions go, from which alone it can be seen which values nobody else has.
            gone = {number: catalog.load(number) for number in holders}
            values = own_values([(one, catalog.directory(number)) for number, one in gone.items()], tombstones)
            forget_figures(catalog.home, [one.digest for one in gone.values()], values)
            for version in holders:
                manifest = catalog.load(version)
                done.append(_forget_in(registry, catalog, manifest, keys))
                replace(registry, catalog, version, done[-1].replaced_by)
                announcer(registry, catalog).forget(version)
                remove_version(registry, catalog, version, datasets_of(manifest, catalog.directory(version)), "forget")
            holders = _holders(catalog, str(entity), keys, meant)
    announcer(registry, catalog).send()
    return done


def _check_keys(catalog: Catalog, versions: Iterable[int], keys: list[SecretKey]) -> None:
    """Check that versions can be made anew, before any is touched."""
    for version in versions:
        _check_key(catalog.load(version), keys)


def _check_key(manifest: Manifest, keys: list[SecretKey]) -> None:
    try:
        key_of(manifest, keys)
    except InvalidInputError as error:
        raise InvalidInputError(f"{error}; if it is lost, prune the version; nothing was changed") from None


def _check_possible(catalog: Catalog, entity: str) -> None:
    manifests = [catalog.load(number) for number in catalog.numbers()]
    if not any(_key_values(manifest, entity) for manifest in manifests):
        keys = manifests[-1].columns["join_keys"]
        known = ", ".join(f"{key['name']} ({key['dtype']})" for key in keys)
        raise DataError(f"entity {entity!r} cannot be a join key of {catalog.name}: {known}")


def _holders(
    catalog: Catalog, entity: str, secrets: list[SecretKey], meant: set[str] | None = None
) -> dict[int, dict[str, pa.Scalar]]:
    """Return the versions that hold an entity, and for each of them what it is in those join keys that have it."""
    found = {}
    for number in catalog.numbers():
        held = _held(catalog.load(number), catalog.directory(number), entity, secrets)
        if values := {key: value for key, value in held.items() if meant is None or key in meant}:
            found[number] = values
    return found


def _held(manifest: Manifest, directory: Location, entity: str, secrets: list[SecretKey]) -> dict[str, pa.Scalar]:
    check_files(manifest, directory)
    values = _key_values(manifest, entity)
    found = set()
    for keys in stored_keys(manifest, directory):
        found |= {name for name, value in values.items() if pc.any(pc.equal(keys[name], value)).as_py()}
    if is_release(manifest):  # whose rows its groups were, only the key can say
        _check_key(manifest, secrets)
        secret = key_of(manifest, secrets)
        assert secret is not None  # noqa: S101 - as every hardened version's
        found |= withheld_keys(manifest, directory, secret, values)
    return {name: value for name, value in values.items() if name in found}


def _forget_in(registry: Registry, catalog: Catalog, manifest: Manifest, keys: list[SecretKey]) -> Forgotten:
    recipe = Recipe.of(manifest, keys)
    directory = catalog.directory(manifest.version)
    if is_release(manifest):
        stored = training_rows_gone(manifest, directory, Tombstones.read(catalog.home))
        return Forgotten(manifest.version, sum(stored.values()), None, _RELEASED)
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        total = sum(entry.real for entry in manifest.splits.values())
        total += manifest.left_out.rows if manifest.left_out else 0
        try:
            forgotten = Tombstones.read(catalog.home)
            contract, rows, assignment = stored_rows(manifest, directory, Path(spool), forgotten=forgotten)
        except InvalidInputError as error:  # what is left has one class, or no row
            return Forgotten(manifest.version, total, None, str(error))
        removed = total - rows.table.num_rows
        before, gone = manifest.training_rows, training_rows_gone(manifest, directory, forgotten)
        draft = Draft(
            contract=contract,
            rows=rows,
            assignment=assignment,
            recipe=recipe,
            replaces=manifest.version,
            audited=AuditSample.of(manifest),
            allowed=tuple(one["name"] for one in manifest.findings if one["allowed"]),
            inputs=manifest.inputs | {"rows": rows.table.num_rows, "sha256": rows.sha256()},
            notes={"entity_frame": {}}  # the frame may still name the entity
            | {name: manifest.notes[name] for name in ("namespace",) if name in manifest.notes}
            | ({} if before is None else {TRAINING_ROWS: {name: n - gone.get(name, 0) for name, n in before.items()}}),
        )
        try:
            if recipe.computes:
                draft = draft._replace(compute=registry.transformation(contract))
            replacement = publish_version(registry, catalog, draft)
        except ForgottenMeanwhileError:  # says nothing of what is left: another forget is at work
            raise
        except (InvalidInputError, GateError) as error:
            return Forgotten(manifest.version, removed, None, str(error))
    return Forgotten(manifest.version, removed, replacement.version)


def _key_values(manifest: Manifest, entity: str) -> dict[str, pa.Scalar]:
    """Read the entity as a value of each join key that it can be one of; there may be none."""
    types = {key["name"]: key["dtype"] for key in manifest.columns["join_keys"]}
    values = {}
    for key, text in keys_asked(entity, types).items():
        dtype = DTYPES[types[key]]
        value = text if dtype.family == TEXT else integer_of(text)
        if value is not None:
            with contextlib.suppress(pa.ArrowInvalid, OverflowError):  # an integer that the key cannot be
                values[key] = pa.scalar(value, dtype.arrow_type)
    return values

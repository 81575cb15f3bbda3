"""The right to be forgotten: no version holds an entity's rows, or rows that descend from them."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feast_plugin.catalog import Catalog
from feast_plugin.prune import remove_version
from feast_plugin.snapshot import publish
from feast_plugin.stored import stored_rows
from feast_plugin.write import Draft, check_files
from resampler.errors import GateError, InvalidInputError

if TYPE_CHECKING:
    from feast import FeatureStore

    from feast_plugin.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting an entity did to one version.

    Parameters
    ----------
    version : int
        The version that is gone.
    rows : int
        Real rows of the entity in it.
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


def forget_entity(
    store: FeatureStore, *, name: str, root: str | Path | None = None, entity: str | int
) -> list[Forgotten]:
    """Replace every version that holds an entity by one without it.

    Rows keep their splits; the training split is augmented anew, so no synthetic row descends from the entity. The
    old version is removed even where no new one can be made, and even if it is in use. Remove the entity from the
    feature views first: another `create` would bring it back.

    Parameters
    ----------
    store : feast.FeatureStore
        Whose registry is written.
    name : str
        Of the snapshot.
    root : str or Path, optional
        Where snapshots are kept, by default ``snapshots`` in the store's repository.
    entity : str or int
        Value of a join key, or ``key=value`` where there are several and only one of them is meant; read as an
        integer where the key is one.

    Returns
    -------
    list of Forgotten
        One for each version that held the entity.

    Raises
    ------
    CorruptStateError
        If a version's files are damaged.
    """
    catalog = Catalog.open(name, root, store.repo_path)
    done = []
    for number in catalog.numbers():
        manifest = catalog.load(number)
        outcome = _forget_in(store, catalog, manifest, str(entity))
        if outcome is not None:
            done.append(outcome)
            with catalog.home.locked():
                remove_version(store, catalog, manifest)
    return done


def _forget_in(store: FeatureStore, catalog: Catalog, manifest: Manifest, entity: str) -> Forgotten | None:
    directory = catalog.directory(manifest.version)
    check_files(manifest, directory)
    with tempfile.TemporaryDirectory(prefix="resampler-") as spool:
        values = _key_values(manifest, entity)
        total = sum(entry.real for entry in manifest.splits.values())
        total += manifest.left_out.rows if manifest.left_out else 0
        try:
            contract, rows, assignment = stored_rows(manifest, directory, Path(spool), without=values)
        except InvalidInputError as error:  # what is left has one class, or no row
            return Forgotten(manifest.version, total, None, str(error))
        removed = total - rows.table.num_rows
        if removed == 0:
            return None
        draft = Draft(
            contract=contract,
            rows=rows,
            assignment=assignment,
            seed=manifest.seed,
            ratio=manifest.ratio,
            parameters=manifest.parameters | {"forgot_in_version": manifest.version},
            inputs=manifest.inputs | {"rows": rows.table.num_rows, "sha256": rows.sha256()},
            retain=manifest.retain,
            notes={"entity_frame": {}},  # the frame may still name the entity
        )
        try:
            replacement = publish(store, catalog, draft)
        except (InvalidInputError, GateError) as error:
            return Forgotten(manifest.version, removed, None, str(error))
    return Forgotten(manifest.version, removed, replacement.version)


def _key_values(manifest: Manifest, entity: str) -> dict[str, pa.Scalar]:
    """Read the entity as a value of each join key that it can be one of."""
    keys = {key["name"]: key["dtype"] for key in manifest.columns["join_keys"]}
    name, equals, value = entity.partition("=")
    if equals and name in keys:
        asked, text = {name: keys[name]}, value
    else:
        asked, text = keys, entity
    values = {}
    for key, key_type in asked.items():
        if key_type == "string":
            values[key] = pa.scalar(text, pa.string())
            continue
        with contextlib.suppress(ValueError, pa.ArrowInvalid, OverflowError):
            values[key] = pa.scalar(int(text), pa.int32() if key_type == "int32" else pa.int64())
    if not values:
        raise InvalidInputError(f"entity {entity!r} cannot be a join key of {manifest.name}: {keys}")
    return values

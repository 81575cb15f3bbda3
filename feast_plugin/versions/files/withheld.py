"""Whose training rows a release leaves out: keyed hashes, by which `forget` finds an entity behind its groups."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc

from resampler.errors import CorruptStateError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from feast_plugin.versions.files.manifest import Manifest
    from resampler.secret import SecretKey
    from resampler.storage import Location

FILE = "withheld.json"
NOTE = "withheld"  # in the manifest's notes: the sha256 of the file
_USE = "withheld entity"
_DIGITS = 32


def is_release(manifest: Manifest) -> bool:
    """Say whether a version leaves real rows out that its synthetic ones were made from.

    Parameters
    ----------
    manifest : Manifest
        Of the version.

    Returns
    -------
    bool
        Such a version cannot be made again from its own files.
    """
    return bool(manifest.parameters.get("release", False))


def write_withheld(keys: pa.Table, secret: SecretKey, directory: Location) -> dict[str, Any]:
    """Write the file.

    Parameters
    ----------
    keys : pyarrow.Table
        Join keys of the rows that are left out.
    secret : SecretKey
        Without it nobody can test a guess.
    directory : Location
        Of the version.

    Returns
    -------
    dict
        The manifest's note.
    """
    hashes = {
        name: sorted(_hash(secret, name, value) for value in pc.unique(keys[name]).to_pylist())
        for name in keys.column_names
    }
    data = json.dumps(hashes, sort_keys=True).encode() + b"\n"
    (directory / FILE).write_at_once(data)
    return {NOTE: hashlib.sha256(data).hexdigest()}


def withheld_keys(
    manifest: Manifest, directory: Location, secret: SecretKey, values: Mapping[str, pa.Scalar]
) -> set[str]:
    """Find an entity among those whose rows were left out.

    Parameters
    ----------
    manifest : Manifest
        Of a release.
    directory : Location
        Of its files.
    secret : SecretKey
        That it was made with.
    values : mapping of str to pyarrow.Scalar
        What the entity is in each join key that it may be a value of.

    Returns
    -------
    set of str
        Those join keys in which rows of it were left out.

    Raises
    ------
    CorruptStateError
        If the file is missing or was changed.
    """
    file = directory / FILE
    try:
        data = file.read()
    except OSError:
        data = b""
    if hashlib.sha256(data).hexdigest() != manifest.notes.get(NOTE):
        raise CorruptStateError(
            f"{file.uri} is missing or was changed, so nobody can say whose rows {manifest.name} version "
            f"{manifest.version} was made from: restore it from a copy, or prune the version"
        )
    hashes = json.loads(data)
    return {name for name, value in values.items() if _hash(secret, name, value.as_py()) in hashes.get(name, ())}


def _hash(secret: SecretKey, name: str, value: object) -> str:
    return secret.digest(_USE, f"{name}\0{value}".encode()).hex()[:_DIGITS]

"""The audit sample of a version: synthetic rows beside their parents, under access of their own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feast_plugin.versions.files.names import version_name
from resampler.address import without_secrets
from resampler.errors import InvalidInputError, ResamplerError
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from feast_plugin.versions.files.manifest import Manifest

FOLDER = "audit"  # in the directory of a snapshot, if nobody says where
NOTE = "audit_sample"  # in the manifest's notes, which are part of no digest


def sample_file(home: Location, version: int, root: str | Path | None) -> Location:
    """Return where a version's sample is.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    version : int
        Its number.
    root : str, Path or None
        Where samples are kept, a path or a URI; None: in the directory `FOLDER` of the snapshot.

    Returns
    -------
    Location
        A file, which need not be there.
    """
    place = home / FOLDER if root is None else Location.parse(root) / home.path.rpartition("/")[2]
    return place / f"{version_name(version)}.jsonl"


def encoded(rows: Iterable[dict[str, Any]]) -> bytes:
    """Write rows as JSON lines.

    Parameters
    ----------
    rows : iterable of dict
        Plain data.

    Returns
    -------
    bytes
        A line a row; equal rows give equal bytes.
    """
    return b"".join(json.dumps(row, allow_nan=False, ensure_ascii=False).encode() + b"\n" for row in rows)


def described(data: bytes, rows: int, root: str | Path | None, redacted: Sequence[str]) -> dict[str, Any]:
    """Say in a manifest's notes what a sample is.

    Parameters
    ----------
    data : bytes
        From `encoded`.
    rows : int
        How many.
    root : str, Path or None
        As in `sample_file`.
    redacted : sequence of str
        Columns that are left out.

    Returns
    -------
    dict
        Its note; ``root`` is None where the sample is in the snapshot's own directory.
    """
    where = None if root is None else without_secrets(str(root) if "://" in str(root) else Location.parse(root).uri)
    return {"rows": rows, "root": where, "redacted": [*redacted], "sha256": hashlib.sha256(data).hexdigest()}


def prepare(file: Location) -> None:
    """Make the directory of a sample, on this machine for its owner alone.

    Parameters
    ----------
    file : Location
        From `sample_file`.

    Raises
    ------
    InvalidInputError
        If it cannot be made.
    """
    try:
        directory = Path(file.path).parent
        if file.is_local and not directory.exists():
            directory.mkdir(parents=True, mode=0o700)
        elif not file.is_local:
            file.create_parent()
    except OSError as error:
        raise InvalidInputError(
            f"audit_root: {file.uri} cannot be written ({error}): give another place for audit samples"
        ) from error


def write_sample(file: Location, data: bytes) -> None:
    """Write a sample, on this machine for its owner alone.

    Parameters
    ----------
    file : Location
        From `sample_file`.
    data : bytes
        From `encoded`.

    Raises
    ------
    ResamplerError
        If it cannot be written.
    """
    try:
        if file.is_local:  # before there is a byte in it
            Path(f"{file.path}.part").touch(mode=0o600)
        file.write_at_once(data)
    except OSError as error:
        raise ResamplerError(f"the audit sample {file.uri} cannot be written: {error}: make room there") from error


def sample_of(manifest: Manifest, home: Location) -> Location | None:
    """Return the sample that a manifest names.

    Parameters
    ----------
    manifest : Manifest
        Of the version.
    home : Location
        Directory of the snapshot.

    Returns
    -------
    Location or None
        None where it names none.
    """
    note = manifest.notes.get(NOTE)
    return None if note is None else sample_file(home, manifest.version, note["root"])


def remove_sample(home: Location, version: int, manifest: Manifest | None) -> None:
    """Remove a version's samples: the one that its manifest names, and one in the snapshot's own directory.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    version : int
        Its number.
    manifest : Manifest or None
        None where it cannot be read.

    Raises
    ------
    ResamplerError
        If the one that the manifest names cannot be removed.
    """
    named = None if manifest is None else sample_of(manifest, home)
    for file in (sample_file(home, version, None), named):
        if file is None:
            continue
        try:
            file.remove()
            Location(file.filesystem, f"{file.path}.part", file.uri).remove()
        except OSError as error:
            raise ResamplerError(
                f"the audit sample {file.uri} of version {version} cannot be removed ({error}): run this with access "
                "to it, for it holds rows of the version; nothing else of the version was removed"
            ) from error

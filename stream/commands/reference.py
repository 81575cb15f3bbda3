"""The version that a stream's input is counted against: read from its files, or by whoever keeps versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from resampler.errors import DataError, InvalidInputError
from resampler.profile.profile import Profile
from resampler.storage import Location
from resampler.training_set import open_version
from stream.commands.apart import call_apart
from stream.drift.reference import Reference

if TYPE_CHECKING:
    from resampler.schema import FeatureSchema

FILE = "profile.json"


def read_reference(
    reference: str,
    schema: FeatureSchema,
    *,
    repo: str | None = None,
    catalog: str | None = None,
    root: str | None = None,
) -> Reference:
    """Read a reference, and match it with a stream's contract.

    Parameters
    ----------
    reference : str
        A path or a URI of a version's directory or of its ``profile.json``; or ``NAME``, ``NAME:3``, ``NAME:prod``,
        where a place is given.
    schema : FeatureSchema
        The contract.
    repo, catalog, root : str, optional
        Where versions are kept.

    Returns
    -------
    Reference
        Of the version that the name stands for now: an alias that moves later is followed at the next start.

    Raises
    ------
    InvalidInputError
        If it is neither.
    DataError
        If there is no such version, it has no counts, or no column is in both.
    CorruptStateError
        If the counts are damaged.
    MissingExtraError
        If what keeps versions is not installed.
    """
    is_path = "/" in reference or reference.endswith(".json")
    if not is_path and (repo or catalog or root):
        name, data = call_apart(_read_version, reference, repo, catalog, root)
    else:
        name, data = _read_file(reference, is_path=is_path)
    return Reference.matched(name, Profile.from_json(data, name), schema)


def _read_version(reference: str, repo: str | None, catalog: str | None, root: str | None) -> tuple[str, bytes]:
    version = open_version(reference, repo=repo, catalog=catalog, root=root)
    if version.profile is None:
        raise DataError(
            f"{version} was made by a release that kept no counts of its features: make a new version, and name that"
        )
    return str(version), version.profile


def _read_file(reference: str, *, is_path: bool) -> tuple[str, bytes]:
    location = Location.parse(reference)
    try:
        if reference.endswith(".json"):
            return reference, location.read()
        return reference.rstrip("/"), (location / FILE).read()
    except (OSError, pa.ArrowException) as error:
        if is_path:
            raise DataError(
                f"--reference {reference!r}: no {FILE} can be read there ({error}): name the directory of a version "
                "that has one, or NAME:ALIAS with --catalog, --root or --repo"
            ) from error
        raise InvalidInputError(
            f"--reference {reference!r} is no directory of a version, and as a name of one it needs a place: add "
            "--catalog, --root or --repo"
        ) from error

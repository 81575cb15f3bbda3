"""`profile.json`: counts of the values of every feature, which later versions and streams are compared with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from feast_plugin.versions.files.entries import StoredFile

if TYPE_CHECKING:
    from resampler.profile.profile import Profile
    from resampler.storage import Location

FILE = "profile.json"
NOTE = "profile_format"  # in the manifest's notes; versions without it have format 1


def write_profile(profile: Profile, directory: Location) -> StoredFile:
    """Write the file.

    Parameters
    ----------
    profile : Profile
        Its content.
    directory : Location
        Of the version.

    Returns
    -------
    StoredFile
        What the manifest says of it; its `rows` say nothing.
    """
    data = profile.to_json().encode()
    (directory / FILE).write_at_once(data)
    return StoredFile(FILE, 0, len(data), hashlib.sha256(data).hexdigest())

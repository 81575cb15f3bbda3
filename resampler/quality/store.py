"""What was measured, kept as it is measured, so that a run that was cut goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from resampler.storage import Location

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1  # of a cell, and of how it is measured: another one has another key
_LIBRARIES = ("feast-resampler", "imbalanced-learn", "numpy", "scikit-learn", "scipy")


class Store:
    """Measured cells, a small file each, under a key of all that decides what is in it.

    Parameters
    ----------
    directory : Location, str, Path or None
        Where they are kept, a path or a URI; None: nowhere.
    """

    def __init__(self, directory: Location | str | Path | None) -> None:
        self.directory = (
            directory if directory is None or isinstance(directory, Location) else Location.parse(directory)
        )

    def get(self, key: str) -> dict[str, Any] | None:
        """Read a cell.

        Parameters
        ----------
        key : str
            Of its inputs.

        Returns
        -------
        dict or None
            What was put there; None where nothing is, or what is there cannot be read.
        """
        if self.directory is None:
            return None
        try:
            found = json.loads((self.directory / f"{key}.json").read())
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def put(self, key: str, cell: dict[str, Any]) -> None:
        """Keep a cell; it is there whole or not at all.

        Parameters
        ----------
        key : str
            Of its inputs.
        cell : dict
            As JSON holds it; NaN is kept.
        """
        if self.directory is not None:
            (self.directory / f"{key}.json").write_at_once(json.dumps(cell, sort_keys=True).encode())


def key_of_cell(**inputs: Any) -> str:
    """Make the key of a cell, or of a whole comparison.

    Parameters
    ----------
    **inputs : object
        All that decides what comes of it, as JSON holds it. Versions of the libraries are added.

    Returns
    -------
    str
        A sha256.
    """
    everything = {"format": FORMAT, "inputs": inputs, "libraries": {name: version(name) for name in _LIBRARIES}}
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()

"""`Parts`: what making a version consists of, each part made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.budget import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from feast_plugin.versions.files.entries import StoredFile
    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows
    from resampler.storage import Location


class Filed(NamedTuple):
    """One file of a version that is written.

    Parameters
    ----------
    stored : StoredFile
        As the manifest says of it.
    content : str
        Digest of its rows (`resampler.identity.ContentDigest`).
    """

    stored: StoredFile
    content: str


class Parts:
    """Parts that are made and not kept.

    Parameters
    ----------
    meter : Meter, optional
        What the run has spent; by default without a limit.
    """

    stage: Location | None = None  # where files of the version wait until all are there; None: in its own directory
    keeps = False
    resumed = False  # whether an earlier run has finished parts

    def __init__(self, meter: Meter | None = None) -> None:
        self.meter = meter or Meter()

    def rows(self, make: Callable[[], CanonicalRows], contract: Contract, spool: Path) -> CanonicalRows:
        """Read the rows, or take those that were read.

        Parameters
        ----------
        make : callable
            Reads them.
        contract : Contract
            Of the rows.
        spool : Path
            A local directory with room for them.

        Returns
        -------
        CanonicalRows
            In canonical form on disk.
        """
        del contract, spool
        return make()

    def arrays(self, name: str, make: Callable[[], dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        """Make arrays, or take those that were made.

        Parameters
        ----------
        name : str
            Of the part, as a message says what comes next.
        make : callable
            Makes them.

        Returns
        -------
        dict of str to ndarray
            What `make` gives, then as now.
        """
        del name
        return make()

    def data(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Make plain data, or take what was made.

        Parameters
        ----------
        name : str
            As in `arrays`.
        make : callable
            Makes them, as JSON holds them.

        Returns
        -------
        dict
            What `make` gives.
        """
        del name
        return make()

    def filed(self, paths: Sequence[str]) -> list[Filed] | None:
        """Say whether files of the version are finished.

        Parameters
        ----------
        paths : sequence of str
            Relative to the version's directory.

        Returns
        -------
        list of Filed, or None
            None where one is still to be written.
        """
        del paths
        return None

    def file(self, paths: Sequence[str], write: Callable[[], dict[str, Filed]]) -> list[Filed]:
        """Write files of the version, in `stage`.

        Parameters
        ----------
        paths : sequence of str
            Relative to the version's directory.
        write : callable
            Writes them, and says so by path.

        Returns
        -------
        list of Filed
            What was written.
        """
        made = write()
        return [made[path] for path in paths]

    def cost(self) -> dict[str, Any]:
        """Say what the version has cost so far.

        Returns
        -------
        dict
            As `resampler.budget.Cost`.
        """
        return self.meter.cost().to_dict()

    def close(self) -> None:
        """Give back what was kept: the version is there, or none will be."""

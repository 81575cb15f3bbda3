"""What a manifest says of one file, and of one split of rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One immutable file of a version.

    Parameters
    ----------
    path : str
        Relative to the version's directory.
    rows, bytes : int
        Its size.
    sha256 : str
        Of its bytes.
    """

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SplitEntry:
    """One split of a version.

    Parameters
    ----------
    dataset : str
        Name of its `SavedDataset`.
    files : tuple of StoredFile
        Where its rows are: the real ones in canonical order, then the synthetic ones, through the files in their order.
    real, synthetic : int
        Rows of each kind.
    classes : dict of str to dict
        For each class, ``{"real": rows, "synthetic": rows}``.
    min_event_timestamp, max_event_timestamp : int or None
        Microseconds since 1970, UTC; None where rows have none.
    sha256 : str
        Of the logical content: that of its file (`resampler.identity.ContentDigest`), or of several
        files what `content_of` makes of theirs.
    """

    dataset: str
    files: tuple[StoredFile, ...]
    real: int
    synthetic: int
    classes: dict[str, dict[str, int]]
    min_event_timestamp: int | None
    max_event_timestamp: int | None
    sha256: str

    @property
    def file(self) -> StoredFile:
        """The first file; the only one where the split was not cut."""
        return self.files[0]

    @property
    def path(self) -> str:
        """What a reader of the whole split names, relative to the version's directory: its file, or their directory."""
        path = self.file.path
        return path if len(self.files) == 1 else path.rpartition("/")[0]

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    @classmethod
    def of(cls, data: dict[str, Any]) -> SplitEntry:
        """Read what a manifest says of a split.

        Parameters
        ----------
        data : dict
            From `plain`.

        Returns
        -------
        SplitEntry
            The same.
        """
        files = data["files"] if "files" in data else [data["file"]]
        own = {name: value for name, value in data.items() if name not in ("file", "files")}
        return cls(**own, files=tuple(StoredFile(**file) for file in files))

    @property
    def plain(self) -> dict[str, Any]:
        """What a manifest says of it: of one file as it did before there could be several."""
        found = asdict(self)
        files = found.pop("files")
        return found | ({"file": files[0]} if len(files) == 1 else {"files": list(files)})

"""Where snapshots live: any `pyarrow.fs` location, addressed absolutely, one writer a name at a time."""

from __future__ import annotations

import contextlib
import hashlib
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
from pyarrow import fs

from resampler.address import without_secrets
from resampler.errors import InvalidInputError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where only one writer may be started
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
# No underscore, which stands between the parts of a dataset's name, and nothing that a version could be called.
_ALIAS = re.compile(r"(?!v\d+$)[A-Za-z][A-Za-z0-9-]{0,62}")
LOOK_S = 0.1  # between looks at a lock that another holds


def check_name(name: str) -> str:
    """Check the name of a snapshot, which becomes a directory and part of a dataset's name.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The same.

    Raises
    ------
    InvalidInputError
        Unless it is a letter and up to 62 letters, digits, ``_`` or ``-``.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInputError(
            f"snapshot name must be a letter and then up to 62 letters, digits, '_' or '-', got {name!r}"
        )
    return name


def check_alias(name: str) -> str:
    """Check the name of an alias.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The same.

    Raises
    ------
    InvalidInputError
        Unless it is a letter and up to 62 letters, digits or ``-``, and no version.
    """
    if not isinstance(name, str) or not _ALIAS.fullmatch(name):
        raise InvalidInputError(
            f"alias must be a letter and then up to 62 letters, digits or '-', and not a version like v3, got {name!r}"
        )
    return name


@dataclass(frozen=True)
class Location:
    """A directory in some file system.

    Parameters
    ----------
    filesystem : pyarrow.fs.FileSystem
        Where.
    path : str
        Absolute within the file system.
    uri : str
        What a registry lists: an absolute local path, or a URI without its query.
    endpoint : str, optional
        S3 endpoint, for a server that is not Amazon's.
    """

    filesystem: fs.FileSystem
    path: str
    uri: str
    endpoint: str | None = None

    @classmethod
    def parse(cls, root: str | Path) -> Location:
        """Find the location that a path or URI means.

        Parameters
        ----------
        root : str or Path
            A local path, made absolute here, or a URI such as ``s3://bucket/path?endpoint_override=host:port``.

        Returns
        -------
        Location
            Of the root of snapshots.

        Raises
        ------
        InvalidInputError
            If the URI's scheme or query is unknown.
        """
        text = str(root)
        if "://" not in text:
            path = str(Path(text).expanduser().resolve())
            return cls(fs.LocalFileSystem(), path, path)
        try:
            filesystem, path = fs.FileSystem.from_uri(text)
        except (pa.ArrowInvalid, OSError, NotImplementedError) as error:
            shown, why = without_secrets(text), str(error).replace(text, without_secrets(text))
            raise InvalidInputError(f"root {shown!r} cannot be used: {why}") from error
        parts = urlsplit(text)
        if not path.strip("/"):
            raise InvalidInputError(f"root {without_secrets(text)!r} cannot be used: it names no bucket or directory")
        if isinstance(filesystem, fs.LocalFileSystem):
            return cls(filesystem, path, path)
        query = parse_qs(parts.query)
        endpoint = query.get("endpoint_override", [None])[0] if parts.scheme == "s3" else None
        if endpoint and "://" not in endpoint:
            endpoint = f"{query.get('scheme', ['https'])[0]}://{endpoint}"
        return cls(filesystem, path.rstrip("/"), f"{parts.scheme}://{path.rstrip('/')}", endpoint)

    @classmethod
    def of_root(cls, root: str | Path | None, repo: str | Path | None) -> Location:
        """Find the root of snapshots.

        Parameters
        ----------
        root : str or Path, optional
            As in `parse`.
        repo : str or Path, optional
            Feast repository, whose directory ``snapshots`` is meant where there is no `root`.

        Returns
        -------
        Location
            Of the root.

        Raises
        ------
        InvalidInputError
            If neither is given, or the root cannot be used.
        """
        if root is None and repo is None:
            raise InvalidInputError("root says where snapshots are kept, a path or a URI, and was not given")
        return cls.parse(root if root is not None else Path(str(repo)) / "snapshots")

    def __truediv__(self, name: str) -> Location:
        return Location(self.filesystem, f"{self.path}/{name}", f"{self.uri}/{name}", self.endpoint)

    @property
    def is_local(self) -> bool:
        """Whether this machine's own disk."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def exists(self) -> bool:
        """Say whether something is there.

        Returns
        -------
        bool
            True for a file or a directory.
        """
        return bool(self.filesystem.get_file_info(self.path).type != fs.FileType.NotFound)

    def directories(self) -> list[str]:
        """Name the directories below.

        Returns
        -------
        list of str
            Their last parts, sorted; empty if there is nothing here.
        """
        selector = fs.FileSelector(self.path, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(info.base_name for info in found if info.type == fs.FileType.Directory)

    def files(self) -> list[str]:
        """Name all files below, however deep.

        Returns
        -------
        list of str
            Paths relative to this one, sorted.
        """
        selector = fs.FileSelector(self.path, recursive=True, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(info.path[len(self.path) + 1 :] for info in found if info.type == fs.FileType.File)

    def create_parent(self) -> None:
        """Make the directory that this file is to stand in."""
        self.filesystem.create_dir(self.path.rpartition("/")[0], recursive=True)

    def read(self, most: int | None = None) -> bytes:
        """Read the whole file.

        Parameters
        ----------
        most : int, optional
            Bytes after which reading stops.

        Returns
        -------
        bytes
            Its content.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        """
        with self.filesystem.open_input_stream(self.path) as stream:
            return bytes(stream.read(most))

    def write_at_once(self, data: bytes) -> None:
        """Write the file so that a reader sees all of it or none.

        Parameters
        ----------
        data : bytes
            Its content.
        """
        self.create_parent()
        target = self.path
        if self.is_local:  # an object store shows an object when its upload is complete, a disk at once
            target = f"{self.path}.part"
        try:
            with self.filesystem.open_output_stream(target) as stream:
                stream.write(data)
            if target != self.path:
                self.filesystem.move(target, self.path)
        except OSError:
            if target != self.path:  # of a full disk nothing is left
                with contextlib.suppress(OSError):
                    self.filesystem.delete_file(target)
            raise

    def move_to(self, target: Location) -> None:
        """Move the file within its file system, over one that is there.

        Parameters
        ----------
        target : Location
            Where to.
        """
        target.create_parent()
        self.filesystem.move(self.path, target.path)

    def move_all_to(self, target: Location) -> None:
        """Move the directory within its file system, to where none is.

        Parameters
        ----------
        target : Location
            Where to: on a disk it is there at once, in an object store file by file.
        """
        if self.is_local:
            self.move_to(target)
            return
        for name in self.files():
            (self / name).move_to(target / name)
        self.remove()

    def remove(self) -> None:
        """Remove the file or directory, with all that is in it."""
        kind = self.filesystem.get_file_info(self.path).type
        if kind == fs.FileType.Directory:
            self.filesystem.delete_dir(self.path)
        elif kind == fs.FileType.File:
            self.filesystem.delete_file(self.path)

    def sha256(self) -> str:
        """Hash the file.

        Returns
        -------
        str
            64 hexadecimal digits.

        Raises
        ------
        FileNotFoundError
            If it is not there.
        """
        with self.filesystem.open_input_stream(self.path) as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    @contextlib.contextmanager
    def locked(self, wait_s: float | None = None) -> Iterator[IO[str]]:
        """Hold the one lock that writers of this directory share.

        A killed process lets go of it. On a local disk it is a file in the directory and holds between all
        processes that share the disk; for an object store it holds between the processes of one machine.

        Parameters
        ----------
        wait_s : float, optional
            Seconds to wait for another who holds it; by default as long as that takes.

        Yields
        ------
        file
            That is locked, while the lock is held: a child that inherits it holds the lock too.

        Raises
        ------
        TimeoutError
            If another held it all the time.
        """
        if self.is_local:
            self.filesystem.create_dir(self.path, recursive=True)
            path = Path(self.path) / ".lock"
        else:
            key = hashlib.sha256(self.uri.encode()).hexdigest()[:16]
            path = Path(tempfile.gettempdir()) / f"resampler-{key}.lock"
        with file_lock(path, wait_s) as handle:
            yield handle


@contextlib.contextmanager
def file_lock(path: Path, wait_s: float | None = None) -> Iterator[IO[str]]:
    """Hold an advisory lock on a file, which is created and never removed.

    Parameters
    ----------
    path : Path
        The lock file.
    wait_s : float, optional
        Seconds to wait for another who holds it; by default as long as that takes.

    Yields
    ------
    file
        That is locked, while the lock is held.

    Raises
    ------
    TimeoutError
        If another held it all the time.
    """
    with path.open("a") as handle:
        if fcntl is not None and wait_s is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        elif fcntl is not None and wait_s is not None:
            until = time.monotonic() + wait_s
            while not _locked_now(handle):
                if time.monotonic() >= until:
                    raise TimeoutError(f"{path} is locked by another process, and was for {wait_s:g} s")
                time.sleep(LOOK_S)
        yield handle


def _locked_now(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

"""`collect`: what all collectors find, cleaned of secrets, in one archive."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import traceback
import zipfile
from contextlib import suppress
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, NamedTuple

from resampler.errors import InvalidInputError, ResamplerError
from resampler.incident.collector import GROUP, Asked, Collector
from resampler.incident.own import OWN, read_config
from resampler.incident.secrets import Secrets
from resampler.ledger import now
from resampler.policy import read_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MODE = 0o600
_EPOCH = (1980, 1, 1, 0, 0, 0)  # of every member: when it was collected stands in the manifest


class Collected(NamedTuple):
    """What came of it.

    Parameters
    ----------
    files : dict of str to str
        Sha256 by file.
    errors : dict of str to str
        What went wrong, by collector.
    """

    files: dict[str, str]
    errors: dict[str, str]


class _Part(threading.Thread):
    """A collector at work; one that hangs ends with the process."""

    def __init__(self, collector: Collector, asked: Asked) -> None:
        super().__init__(name=f"collector {collector.name}", daemon=True)
        self.collector, self._asked = collector, asked
        self.found: Mapping[str, Any] = {}
        self.error = ""
        self.seconds = 0.0
        self.start()

    def run(self) -> None:
        began = time.monotonic()
        try:
            self.found = self.collector.collect(self._asked)
        except Exception as error:
            self.error = _in_words(error)
        self.seconds = time.monotonic() - began

    def wait(self, began: float) -> None:
        """Wait until it ends, or its time is over."""
        self.join(max(0.0, began + self.collector.timeout_s - time.monotonic()))
        if self.is_alive():
            self.error = f"not finished within {self.collector.timeout_s:g} s: left out"
            self.found = {}


def _in_words(error: Exception) -> str:
    """Say what went wrong; what an error says that is not ours may hold anything, a row too."""
    if isinstance(error, ResamplerError):
        return str(error)
    if isinstance(error, OSError):
        return f"{type(error).__name__}: {error}"
    at = [f"{one.filename.rpartition('/')[2]}, line {one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
    return " in ".join([type(error).__name__, *at[-1:]])


def collectors() -> list[Collector]:
    """List what is collected: by the core, then by each wing that is installed.

    Returns
    -------
    list of Collector
        In order.
    """
    found = list(OWN)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            found += point.load()
        except ModuleNotFoundError as error:
            found.append(_missing(point.name, str(error.name)))
    return found


def _missing(wing: str, module: str) -> Collector:
    def collect(_asked: Asked) -> Mapping[str, Any]:
        raise ResamplerError(f"not looked at: {module} is not installed (pip install 'feast-resampler[{wing}]')")

    return Collector(wing, None, collect)


def collect(asked: Asked, out: Path, table: Sequence[Collector] | None = None) -> Collected:
    """Collect what is known into one archive, which only its owner may read.

    Parameters
    ----------
    asked : Asked
        What the incident is about.
    out : Path
        The archive; replaced in one step when all is written.
    table : sequence of Collector, optional
        By default all.

    Returns
    -------
    Collected
        What is in it, and what is not.

    Raises
    ------
    InvalidInputError
        If the archive cannot be written there.
    """
    if not out.absolute().parent.is_dir():
        raise InvalidInputError(f"--out {str(out)!r}: the directory does not exist, make it first")
    began = time.monotonic()
    chosen = [one for one in table or collectors() if one.needs is None or getattr(asked, one.needs)]
    parts = [_Part(one, asked) for one in chosen]
    for part in parts:
        part.wait(began)
    secrets = _secrets(asked)
    files: dict[str, bytes] = {}
    errors = {part.collector.name: secrets.clean(part.error) for part in parts if part.error}
    for part in parts:
        for name, content in part.found.items():
            if isinstance(content, Exception):
                errors[f"{part.collector.name}, {name}"] = secrets.clean(_in_words(content))
            else:
                files[name] = _as_bytes(content, secrets)
    if errors:
        files["errors.txt"] = "".join(f"{name}: {words}\n" for name, words in sorted(errors.items())).encode()
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    seconds = {part.collector.name: round(part.seconds, 3) for part in parts}
    about = {"stream": asked.stream, "snapshot": asked.snapshot}
    manifest = {"format": 1, "at": now(), "about": about, "seconds": seconds, "files": hashes, "errors": errors}
    files = {"manifest.json": _as_bytes(manifest, secrets)} | dict(sorted(files.items()))
    try:
        _write(files, out)
    except OSError as error:
        raise InvalidInputError(f"--out {str(out)!r} cannot be written: {error.strerror}") from error
    return Collected(hashes, errors)


def _secrets(asked: Asked) -> Secrets:
    given = [asked.url, *asked.metrics, asked.prometheus, asked.ledger, *asked.place.values()]
    secrets = Secrets(word for word in given if word)
    with suppress(OSError, ValueError):  # whose own collector says so
        secrets.add_named(read_config(asked.config))
    with suppress(OSError, ResamplerError):
        secrets.add_named(dict(read_policy(asked.policy).tables) if asked.policy else {})
    return secrets


def _as_bytes(content: object, secrets: Secrets) -> bytes:
    if isinstance(content, str):
        return secrets.clean(content).encode()
    return json.dumps(secrets.clean_tree(content), indent=1, sort_keys=True).encode() + b"\n"


def _write(files: Mapping[str, bytes], out: Path) -> None:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    partial.unlink(missing_ok=True)
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                member = zipfile.ZipInfo(name, _EPOCH)
                member.external_attr = MODE << 16
                archive.writestr(member, data, zipfile.ZIP_DEFLATED)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)

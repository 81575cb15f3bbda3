"""`KeptParts`: parts that are kept as they are finished, for a run that goes on with them.

Everything but the rows that were read follows from what is kept before it, so a part that is missing or damaged is
made again, and the version comes out the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feast_plugin.notices import notice
from feast_plugin.versions.files.entries import StoredFile
from feast_plugin.versions.files.parts import Filed, Parts
from feast_plugin.versions.inputs.rows import mapped_rows
from feast_plugin.versions.inputs.tombstones import ForgottenMeanwhileError, Tombstones
from resampler.budget import Cost, Meter, StoppedError
from resampler.errors import CorruptStateError, InvalidInputError, ResamplerError
from resampler.state import dump_state, load_state
from resampler.storage import Location
from resampler.unfinished import FILE, FOLDER, Unfinished, remove_run, remove_unfinished, unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from feast_plugin.versions.inputs.contract import Contract
    from feast_plugin.versions.inputs.rows import CanonicalRows

TOKEN_DIGITS = 12
ROWS = "reading rows"
TASKS = "tasks"  # of an engine, in the folder of the run
FILES = "files"  # of the version, in the folder of the run
_STATE = "part"


class KeptParts(Parts):
    """Parts that are kept as they are finished; make it by `opened`.

    Parameters
    ----------
    meter : Meter
        What this run has spent.
    home : Location
        Directory of the snapshot.
    run : Unfinished
        What is known of the run.
    """

    keeps = True

    def __init__(self, meter: Meter, home: Location, run: Unfinished) -> None:
        super().__init__(meter)
        self.home, self.run = home, run
        self.folder = home / FOLDER / run.token
        self.stage = self.folder / FILES
        self.resumed = bool(run.parts)
        self._forgotten = Tombstones.read(home)
        self._before = list(run.spent)
        self._finished = 0  # by this run: one at least, so that runs of any budget come to an end

    def rows(self, make: Callable[[], CanonicalRows], contract: Contract, spool: Path) -> CanonicalRows:
        """Read the rows and keep them, or map those that were kept.

        Parameters
        ----------
        make : callable
            Reads them.
        contract : Contract
            Of the rows.
        spool : Path
            A local directory with room for them, where the folder of the run is none.

        Returns
        -------
        CanonicalRows
            The same rows, whatever the source has now.
        """
        kept = self.run.parts.get(ROWS)
        if kept is not None and "files" in kept:
            for file in kept["files"]:
                self._is_whole(ROWS, file)
            return self._going_on(mapped_rows([Path(one["file"]) for one in kept["files"]], contract, stay=True), kept)
        if kept is not None and self._is_whole(ROWS, kept):
            file = self.folder / kept["file"]
            path = Path(file.path)
            if not file.is_local:
                path = spool / "rows.arrow"
                with file.filesystem.open_input_stream(file.path) as source, path.open("wb") as copy:
                    shutil.copyfileobj(source, copy)
            return self._going_on(mapped_rows([path], contract), kept)
        self._begin(ROWS)
        rows = make()
        if rows.paths:  # of tasks, which keep them
            files = [{"file": path, "sha256": Location.parse(path).sha256()} for path in rows.paths]
            self._finish(ROWS, {"files": files, "at": datetime.now(UTC).isoformat()})
            return rows
        file = self.folder / "rows.arrow"
        self.check_there()
        with file.filesystem.open_output_stream(file.path) as sink, pa.ipc.new_file(sink, rows.table.schema) as writer:
            for _, batch in rows.batches():
                writer.write_table(batch)
        self._finish(ROWS, {"file": "rows.arrow", "sha256": file.sha256(), "at": datetime.now(UTC).isoformat()})
        return rows

    def tasks_folder(self, spool: Path, workplace: str | None) -> Path:
        """Say where tasks of an engine leave what the next run goes on with.

        Parameters
        ----------
        spool : Path
            Where the folder of the run is on no file system of this machine, and no workplace is given.
        workplace : str or None
            A directory that all workers see; by default the folder of the run.

        Returns
        -------
        Path
            The one that an earlier run used, if one did.
        """
        if self.run.workplace is not None:
            folder = Path(self.run.workplace)
        elif workplace is not None:
            folder = Path(workplace).expanduser().resolve() / self.run.token
            self.run.workplace = str(folder)  # removed with the run
            self.run.write(self.folder)
        else:
            folder = Path(self.folder.path) / TASKS if self.folder.is_local else spool / TASKS
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # rows of the source are in it
        return folder

    def arrays(self, name: str, make: Callable[[], dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
        """Make arrays and keep them, or read those that were kept.

        Parameters
        ----------
        name : str
            Of the part.
        make : callable
            Makes it.

        Returns
        -------
        dict of str to ndarray
            What `make` gives.
        """
        kept = self.run.parts.get(name)
        if kept is not None and self._is_whole(name, kept):
            with contextlib.suppress(CorruptStateError):  # of another release: made again
                return load_state(_STATE, (self.folder / kept["file"]).read())[1]
        self._begin(name)
        made = make()
        data = dump_state(_STATE, {}, made)
        file = f"{hashlib.sha256(name.encode()).hexdigest()[:TOKEN_DIGITS]}.state"
        self.check_there()
        (self.folder / file).write_at_once(data)
        self._finish(name, {"file": file, "sha256": hashlib.sha256(data).hexdigest()})
        return made

    def data(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Make plain data and keep them, or read what was kept.

        Parameters
        ----------
        name : str
            Of the part.
        make : callable
            Makes it.

        Returns
        -------
        dict
            What `make` gives, as JSON holds it.
        """
        kept = self.run.parts.get(name, {})
        text = kept.get("data")
        if isinstance(text, str) and _sha256(text) == kept.get("sha256"):
            return dict(json.loads(text))
        self._begin(name)
        made = make()
        text = json.dumps(made)
        self._finish(name, {"data": text, "sha256": _sha256(text)})
        return dict(json.loads(text))

    def filed(self, paths: Sequence[str]) -> list[Filed] | None:
        """Say whether files are finished, and as they were written.

        Parameters
        ----------
        paths : sequence of str
            Relative to the version's directory.

        Returns
        -------
        list of Filed, or None
            None where one is still to be written.
        """
        found = []
        for path in paths:
            kept = self.run.parts.get(_writing(path))
            if kept is None or not self._is_whole(_writing(path), kept):
                return None
            found.append(Filed(StoredFile(path, kept["rows"], kept["bytes"], kept["sha256"]), kept["content"]))
        return found

    def file(self, paths: Sequence[str], write: Callable[[], dict[str, Filed]]) -> list[Filed]:
        """Write files, and note that they are finished.

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
        self._begin(_writing(paths[0]))
        self.check_there()
        written = write()
        made = [written[path] for path in paths]
        for path, one in zip(paths, made, strict=True):
            stored = one.stored
            said = {"rows": stored.rows, "bytes": stored.bytes, "sha256": stored.sha256, "content": one.content}
            self._finish(_writing(path), {"file": f"{FILES}/{path}"} | said)
        return made

    def cost(self) -> dict[str, Any]:
        """Say what the version has cost so far, in all runs that worked on it.

        Returns
        -------
        dict
            As `resampler.budget.Cost`, and how many ``runs``.
        """
        return Cost.total([*self._before, self.meter.cost().to_dict()]) | {"runs": len(self._before) + 1}

    def close(self) -> None:
        """Remove what was kept: the version is there, or none will be."""
        remove_run(self.folder)

    def _going_on(self, rows: CanonicalRows, kept: dict[str, Any]) -> CanonicalRows:
        notice(
            f"going on with the {rows.table.num_rows:,} rows that were read at {kept['at'][:16]}Z: what came to "
            "the source since is in the next version"
        )
        return rows

    def finished_task(self, left: str | None) -> None:
        """Count a task of an engine as finished, and stop where time is up.

        Parameters
        ----------
        left : str or None
            What its like do that are not finished; None if all are.

        Raises
        ------
        StoppedError
            If there is no time for them.
        """
        self._finished += 1
        if left is not None:
            self._begin(left)

    def _begin(self, name: str) -> None:
        """Stop before a part, where time is up and this run has finished one."""
        if self._finished and self.meter.left_s == 0:
            done, cost = len(self.run.parts), self.meter.cost().to_dict()
            self.check_there()
            self.run.spent = [*self._before, cost]  # tasks of an engine, and what came behind the last part, cost too
            self.run.write(self.folder)
            raise StoppedError(
                f"stopped before {name}: {self.meter.seconds:.0f} s are spent, of max_seconds="
                f"{self.meter.budget.max_seconds:g}, and {done} parts are finished; nothing is published: run it again "
                f"with --resume {self.run.token} (or --resume latest)",
                "max_seconds",
                self.run.token,
                cost,
            )

    def _finish(self, name: str, said: dict[str, Any]) -> None:
        self.check_there()
        self._finished += 1
        self.run.parts[name] = said
        self.run.spent = [*self._before, self.meter.cost().to_dict()]
        self.run.write(self.folder)

    @property
    def has_tasks(self) -> bool:
        """Whether tasks of an engine have finished anything."""
        place = self.run.workplace or (f"{self.folder.path}/{TASKS}" if self.folder.is_local else None)
        return place is not None and Path(place).is_dir() and any(Path(place).iterdir())

    def check_there(self) -> None:
        """Check that no entity was forgotten since: its rows may be among those that were read.

        Raises
        ------
        ForgottenMeanwhileError
            If one was, or the folder of the run is gone; what is kept is removed then.
        """
        gone = not (self.folder / FILE).exists()
        if gone or Tombstones.read(self.home).hashes != self._forgotten.hashes:
            self.close()
            raise ForgottenMeanwhileError(
                "an entity was forgotten, or unfinished runs were removed, while this one was at work, and what it "
                "had finished is gone: run it again"
            )

    def _is_whole(self, name: str, kept: dict[str, Any]) -> bool:
        """Say whether what is kept of a part is as it was written."""
        file = str(kept.get("file"))
        try:
            found = (Location.parse(file) if Path(file).is_absolute() else self.folder / file).sha256()
        except FileNotFoundError:
            found = "no file"
        if found == kept.get("sha256"):
            return True
        if name == ROWS:
            self.close()
            raise CorruptStateError(
                f"{self.folder.uri}/{file} must have sha256 {kept.get('sha256')}, got {found}: the rows of the "
                "unfinished run are damaged, and it was removed: run it again, which reads them anew"
            )
        return False


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _writing(path: str) -> str:
    return f"writing {path}"


@contextlib.contextmanager
def opened(home: Location, key: str, given: dict[str, Any], meter: Meter, resume: str | None) -> Iterator[KeptParts]:
    """Begin a run whose parts are kept, or go on with an unfinished one.

    Parameters
    ----------
    home : Location
        Directory of the snapshot.
    key : str
        The sha256 of all that decides what comes of it, but for the rows of its source.
    given : dict
        What that is, for people.
    meter : Meter
        What this run has spent.
    resume : str or None
        As in `feast_plugin.versions.inputs.budget.SnapshotBudget`.

    Yields
    ------
    KeptParts
        Nobody else is at work in its folder.

    Raises
    ------
    InvalidInputError
        If there is an unfinished run of the same inputs, and nothing was said of it; or `resume` names a run that is
        not there, or of other inputs.
    ResamplerError
        If another process is at work on it.
    """
    token = key[:TOKEN_DIGITS]
    if not home.exists():
        home.filesystem.create_dir(home.path, recursive=True)
    remove_unfinished(home, old=True)
    runs = {run.token: run for run in unfinished(home)}
    run = runs.get(token)
    if resume is None and run is not None:
        raise InvalidInputError(
            f"an unfinished run of the same inputs, begun at {run.begun[:16]}Z, has finished {len(run.parts)} parts: "
            f"go on with --resume {token} (or --resume latest), or remove it: resampler snapshot prune --unfinished"
        )
    if resume not in (None, "latest") and run is None:
        raise InvalidInputError(_other(str(resume), token, runs, given))
    if resume not in (None, "latest") and not token.startswith(str(resume)):
        raise InvalidInputError(_other(str(resume), token, runs, given))
    folder = home / FOLDER / token
    try:
        with folder.locked(wait_s=0):
            if folder.is_local:
                Path(folder.path).chmod(0o700)  # rows of the source are in it
            run = Unfinished.read(folder)
            if run is None:  # nothing, or what a run left that was killed before it said so
                folder_files = folder / FILES
                folder_files.remove()
                run = Unfinished(token, key, datetime.now(UTC).isoformat(), given=given)
            if run.key != key:
                raise InvalidInputError(_other(token, token, runs, given))
            run.write(folder)
            kept = KeptParts(meter, home, run)
            try:
                yield kept
            except Exception as error:
                if isinstance(error, OSError):  # perhaps for it was removed while this run was at work
                    kept.check_there()
                if not run.parts and not kept.has_tasks:  # nothing to go on with
                    kept.close()
                raise
    except TimeoutError as error:
        raise ResamplerError(f"another process is at work on unfinished run {token}: wait for it, or end it") from error


def _other(resume: str, token: str, runs: dict[str, Unfinished], given: dict[str, Any]) -> str:
    """Say why a run cannot be gone on with, and which there are."""
    asked = next((run for found, run in runs.items() if found.startswith(resume)), None)
    if asked is None:
        known = ", ".join(runs) or "none"
        return f"resume {resume!r} names no unfinished run of this snapshot, which has {known}: use --resume latest"
    different = sorted(name for name in {*given, *asked.given} if given.get(name) != asked.given.get(name))
    said = "; ".join(f"{name} {asked.given.get(name)!r} then, {given.get(name)!r} now" for name in different[:3])
    return (
        f"resume {resume!r} is of other inputs than this command's, which would be {token}: {said}: give it what it "
        "was given, or use --resume latest"
    )

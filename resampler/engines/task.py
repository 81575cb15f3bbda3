"""`Task`: a part of the work, with outputs under a name of its own, so that doing it twice is doing it once."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from resampler.errors import CorruptStateError, ResamplerError

try:
    import resource
except ImportError:  # pragma: no cover - Windows, where the peak of memory is not known
    resource = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RESULT = "result.json"  # the last file of a finished task's folder
_CUT_OFF = re.compile(r"\d+ requested and \d+ written")  # what NumPy says of a full disk, without a number of the error
UNFINISHED = ".unfinished"  # how the name of an attempt's folder ends


class TaskError(ResamplerError):
    """Raise when tasks cannot be done: their workers die, cannot begin them, or do not see the workplace."""


@dataclass(frozen=True)
class Task:
    """A part of the work.

    Parameters
    ----------
    name : str
        Folder of its outputs in the workplace: ``stage/00012``.
    fn : callable
        ``fn(output, **args)`` of a module, so that workers find it by its name; it returns plain data as JSON holds
        them, or None. What it does must follow from `args`, and from files that other tasks left, alone.
    args : dict
        Small, and picklable: paths and bounds, no rows.
    memory : int
        Bytes that it takes, about, beside what its process holds anyway; pages that it maps are not counted, for the
        system takes those back. By default it is not said, and nothing is refused for it.
    """

    name: str
    fn: Callable[..., dict[str, Any] | None]
    args: dict[str, Any] = field(default_factory=dict)
    memory: int = 0


class Output:
    """Where a task leaves its files until it is finished.

    Parameters
    ----------
    folder : Path
        Of this attempt.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Return where to write a file.

        Parameters
        ----------
        name : str
            Of the file.

        Returns
        -------
        Path
            In the folder of this attempt.
        """
        return self.folder / name

    def array(self, name: str, values: NDArray[Any]) -> None:
        """Write an array that others map.

        Parameters
        ----------
        name : str
            Of the array.
        values : ndarray
            No object dtype.
        """
        np.save(self.folder / f"{name}.npy", values, allow_pickle=False)

    def begun(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """Begin an array that is filled range by range, so that it is never in memory as a whole.

        Parameters
        ----------
        name : str
            Of the array.
        dtype : dtype
            No object dtype.
        shape : tuple of int
            Of the whole.

        Returns
        -------
        ndarray
            The file, mapped; zeros.
        """
        found: NDArray[Any] = np.lib.format.open_memmap(
            self.folder / f"{name}.npy", mode="w+", dtype=dtype, shape=shape
        )
        return found


@dataclass(frozen=True)
class Result:
    """What a finished task left.

    Parameters
    ----------
    folder : Path
        With its files.
    data : dict
        What it returned.
    cpu_seconds : float
        Processor time that it took.
    peak_memory_bytes : int or None
        The most that its process has held since it was started; None where the system does not say.
    """

    folder: Path
    data: dict[str, Any]
    cpu_seconds: float = 0.0
    peak_memory_bytes: int | None = None

    @classmethod
    def read(cls, folder: Path) -> Result | None:
        """Read what a task left.

        Parameters
        ----------
        folder : Path
            Of the task.

        Returns
        -------
        Result or None
            None where it is not finished, or a file is not there as it was left: cut off by a machine that lost
            power, or a disk that was full. It is done again then.

        Raises
        ------
        CorruptStateError
            If it cannot be read.
        """
        try:
            said = json.loads((folder / RESULT).read_text())
            if any((folder / name).stat().st_size != size for name, size in said["files"].items()):
                return None
            return cls(folder, said["data"], said["cpu_seconds"], said["peak_memory_bytes"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptStateError(
                f"{folder / RESULT} cannot be read: {error}: remove {folder}, and the task is done again"
            ) from error

    def array(self, name: str) -> NDArray[Any]:
        """Map an array that the task left.

        Parameters
        ----------
        name : str
            Of the array.

        Returns
        -------
        ndarray
            Read-only; its pages come from the file as they are touched.
        """
        found: NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return found


def run_task(workplace: str, task: Task) -> None:
    """Do a task, unless it is done; call it in a worker.

    Parameters
    ----------
    workplace : str
        Directory of all outputs.
    task : Task
        What is to be done. Its outputs are there at once and whole, or not at all.

    Raises
    ------
    TaskError
        If the workplace is not there, or has no room.
    """
    if not Path(workplace).is_dir():  # which `Workplace` has made, where it is
        raise TaskError(
            f"the workplace {workplace} is not there on {platform.node()}, whose worker was given task {task.name}: "
            "give a directory on a mount that all workers share, under one name (--workplace)"
        )
    folder = Path(workplace) / task.name
    if Result.read(folder) is not None:
        return
    if not Path(workplace).is_dir():  # else what was removed would come back by a worker that heard too late
        raise FileNotFoundError(f"{workplace} is not there: is it on a disk that all workers see?")
    attempt = folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}{UNFINISHED}")
    attempt.mkdir(parents=True)
    try:
        began = time.process_time()
        data = task.fn(Output(attempt), **task.args) or {}
        said = {
            "data": data,
            "cpu_seconds": round(time.process_time() - began, 4),
            "peak_memory_bytes": _peak(),
            "files": {
                one.relative_to(attempt).as_posix(): one.stat().st_size for one in attempt.rglob("*") if one.is_file()
            },
        }
        (attempt / RESULT).write_text(json.dumps(said))
        try:
            os.rename(attempt, folder)  # noqa: PTH104 - Path.rename is the same
        except OSError:
            if Result.read(folder) is None:  # else another attempt was faster
                shutil.rmtree(folder)  # what is damaged
                os.rename(attempt, folder)  # noqa: PTH104
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) and not _CUT_OFF.fullmatch(str(error)):
            raise
        raise TaskError(
            f"the workplace {workplace} has no room for what task {task.name} leaves: make room there, or begin anew "
            "in another one (--workplace); what is finished is kept"
        ) from error
    finally:
        shutil.rmtree(attempt, ignore_errors=True)


def _peak() -> int | None:
    return None if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

"""From the outputs of tasks to a directory that is there whole, or not at all."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError, ResamplerError
from resampler.partitioned.resampled import FILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from resampler.engines.task import Result


def check_out(out: Path) -> None:
    """Refuse a directory that holds something else.

    Parameters
    ----------
    out : Path
        Where the rows are to be.

    Raises
    ------
    InvalidInputError
        If it is no directory, or not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InvalidInputError(f"out {str(out)!r} holds something else: give a directory that is empty or not there")


def publish(
    folder: Path, out: Path, real: Sequence[Result], synthetic: Sequence[Result], said: dict[str, Any]
) -> dict[str, Any]:
    """Make the directory.

    Parameters
    ----------
    folder : Path
        Where it is put together: of the workplace.
    out : Path
        Where it is to be.
    real, synthetic : sequence of Result
        With the parts of either.
    said : dict
        What its file says, but for the names of the parts.

    Returns
    -------
    dict
        All that its file says.
    """
    whole = folder / "published"
    shutil.rmtree(whole, ignore_errors=True)
    names = []
    for kind, results, file in (
        ("real", real, "part.parquet"),
        ("synthetic", synthetic, "part.parquet"),
        ("provenance", synthetic, "provenance.parquet"),
    ):
        (whole / kind).mkdir(parents=True)
        for at, one in enumerate(one for one in results if one.data["rows"]):
            name = f"{kind}/part-{at:05}.parquet"
            _put(one.folder / file, whole / name)
            names.append(name)
    said |= {"files": [name for name in names if not name.startswith("provenance")]}
    (whole / FILE).write_text(json.dumps(said, indent=1))
    _move(whole, out)
    return said


def _put(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where that cannot be had: a run that is killed still has the first."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _move(whole: Path, out: Path) -> None:
    """Put a directory in place, at once."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists():
        out.rmdir()  # it is empty
    try:
        os.rename(whole, out)  # noqa: PTH104 - Path.rename is the same
    except OSError:  # on another disk
        near = out.with_name(f".{out.name}.unfinished")
        shutil.rmtree(near, ignore_errors=True)
        try:
            shutil.copytree(whole, near)
        except OSError as error:
            shutil.rmtree(near, ignore_errors=True)
            raise ResamplerError(
                f"out {str(out)!r} cannot be written: {_reason(error)}: make room there, or give another out with the "
                "workplace on its disk; all tasks are finished, and the same call goes on behind them"
            ) from error
        os.rename(near, out)  # noqa: PTH104


def _reason(error: OSError) -> str:
    """Return what stopped a copy of a directory; of many files the first says it."""
    first = error.args[0][0] if isinstance(error, shutil.Error) and error.args[0] else error
    return str(first[-1] if isinstance(first, tuple) else first)

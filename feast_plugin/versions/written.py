"""Files of a version that tasks write, with the bytes that one process gives them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feast_plugin.versions.files.entries import StoredFile
from feast_plugin.versions.files.parquet import ParquetFile
from feast_plugin.versions.files.parts import Filed
from feast_plugin.versions.inputs.rows import BATCH_ROWS
from feast_plugin.versions.making.estimate import task_bytes
from feast_plugin.versions.making.mapped import Mapped
from feast_plugin.versions.outputs import published_rows
from resampler.engines.arrays import mapped
from resampler.engines.task import Task
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from feast_plugin.versions.inputs.rows import CanonicalRows
    from feast_plugin.versions.making.augmentation import Augmentation
    from feast_plugin.versions.making.publishable import Publishable
    from feast_plugin.versions.outputs import Output
    from resampler.engines.task import Output as Left
    from resampler.engines.task import Result
    from resampler.engines.workplace import Workplace

PART = "part.parquet"


def written_by_tasks(
    place: Workplace,
    outputs: Sequence[Output],
    rows: CanonicalRows,
    made: Augmentation,
    columns: Publishable,
) -> dict[str, Result]:
    """Have tasks write files.

    Parameters
    ----------
    place : Workplace
        Whose engine does it.
    outputs : sequence of Output
        The files; what is only in this process has to be written by it.
    rows : CanonicalRows
        Real rows.
    made : Augmentation
        Synthetic ones, that tasks made.
    columns : Publishable
        What gives these the columns of a split.

    Returns
    -------
    dict of str to Result
        By path of the file, which is not there yet (`put`).
    """
    beside = {"label": made.parents.label} | ({} if made.times is None else {"times": made.times})
    kept = place.save("write/synthetic", beside)
    tasks, paths = [], []
    for one in outputs:
        stage = f"write/{one.paths[0].partition('.')[0].replace('/', '-')}"
        members = np.flatnonzero(one.of == one.code)
        shared = {
            "schema": one.schema,
            "columns": columns,
            "real": Mapped.canonical(rows, members, place, stage),
            "published": one.published,
            "made": made.lying,
            "beside": str(kept.folder),
            "timed": made.times is not None,
        }
        total = len(members) + one.synthetic
        for at, path in enumerate(one.paths):
            first = at * one.rows
            tasks.append(
                Task(
                    f"{stage}/{at:05}",
                    write_some,
                    shared | {"first": first, "last": min(first + one.rows, total)},
                    task_bytes(one.schema, min(BATCH_ROWS, total)),
                )
            )
            paths.append(path)
    return dict(zip(paths, place.run(tasks, "writing"), strict=True))


def write_some(
    output: Left,
    schema: pa.Schema,
    columns: Publishable,
    real: Mapped,
    published: bool,
    made: Mapped,
    beside: str,
    timed: bool,
    first: int,
    last: int,
) -> dict[str, Any]:
    """Write a file; a task.

    Parameters
    ----------
    output : resampler.engines.task.Output
        Gets it.
    schema : pyarrow.Schema
        Of the file.
    columns : Publishable
        What gives synthetic rows the columns of a split.
    real, made : Mapped
        Rows of both kinds.
    published : bool
        Whether the columns of real rows are those of a split, or as they were read.
    beside : str
        Folder with the classes and times of synthetic rows.
    timed : bool
        Whether they have times.
    first, last : int
        Of the rows, the real ones first.

    Returns
    -------
    dict
        What a manifest says of the file, and content, the digest of its rows.
    """
    with ParquetFile(Location.parse(output.folder), PART, schema) as file:
        for at in range(first, min(last, real.n_rows), BATCH_ROWS):
            end = min(at + BATCH_ROWS, last, real.n_rows)
            if published:
                names = [*columns.contract.join_keys, *columns.contract.keys, columns.contract.label]
                names += [c.name for c in columns.contract.columns]
                table = real.slice(at, end, list(dict.fromkeys(names)))
                file.write(published_rows(table, columns.contract, schema))
            else:
                file.write(real.slice(at, end, schema.names))
        low, high = max(first - real.n_rows, 0), max(last - real.n_rows, 0)
        label = mapped(beside, "label")
        times = mapped(beside, "times") if timed else None
        for at in range(low, high, BATCH_ROWS):
            end = min(at + BATCH_ROWS, high)
            features = made.slice(at, end, made.names)
            file.write(columns.table(features, label[at:end], None if times is None else times[at:end], at))
    stored = file.stored
    return {
        "rows": stored.rows,
        "bytes": stored.bytes,
        "sha256": stored.sha256,
        "content": file.content.hexdigest(),
    }


def put(left: Result, path: str, directory: Location) -> Filed:
    """Put a file that a task wrote where the version has it.

    Parameters
    ----------
    left : Result
        Of the task; it keeps its own, so that whoever goes on finds it.
    path : str
        Relative to the version's directory.
    directory : Location
        Of the version.

    Returns
    -------
    Filed
        What is there.
    """
    source, target = left.folder / PART, directory / path
    target.create_parent()
    if target.is_local:
        _link(source, Path(target.path))
    else:
        with source.open("rb") as file, target.filesystem.open_output_stream(target.path) as stream:
            shutil.copyfileobj(file, stream, 1 << 20)
    said = left.data
    return Filed(StoredFile(path, said["rows"], said["bytes"], said["sha256"]), said["content"])


def _link(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # of another file system
        shutil.copyfile(source, target)

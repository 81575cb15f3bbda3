"""Frames of Ray Data, Dask and Spark: written to Parquet by their own workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {"ray": "ray", "dask": "dask", "dask_expr": "dask", "pyspark": "spark"}  # by the package of a frame's type


def kind_of(dataset: Any) -> str | None:
    """Say whose frame something is.

    Parameters
    ----------
    dataset : object
        What a user gave.

    Returns
    -------
    {"ray", "dask", "spark"} or None
        None where it is none of theirs.
    """
    return KINDS.get(type(dataset).__module__.partition(".")[0])


def write_frame(dataset: Any, kind: str, folder: Path) -> str:
    """Write a frame to Parquet.

    Parameters
    ----------
    dataset : object
        The frame.
    kind : {"ray", "dask", "spark"}
        Whose it is.
    folder : Path
        A directory that all its workers see.

    Returns
    -------
    str
        Where the files are.
    """
    path = str(folder)
    if kind == "ray":
        folder.mkdir(parents=True, exist_ok=True)
        dataset.write_parquet(path)
    elif kind == "dask":
        dataset.to_parquet(path, write_index=False, write_metadata_file=False)
    else:
        dataset.write.mode("overwrite").parquet(folder.absolute().as_uri())
    return path

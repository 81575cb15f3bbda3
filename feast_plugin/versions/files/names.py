"""What the directory of a version, its splits in Feast and its files are called."""

from __future__ import annotations


def version_name(version: int) -> str:
    """Return the directory of a version.

    Parameters
    ----------
    version : int
        From 1.

    Returns
    -------
    str
        ``v0001`` for 1.
    """
    return f"v{version:04d}"


def dataset_name(name: str, version: int, split: str) -> str:
    """Return what Feast calls a split of a version.

    Parameters
    ----------
    name : str
        Of the snapshot.
    version : int
        From 1.
    split : str
        Of the splits.

    Returns
    -------
    str
        ``NAME_v0001_train`` for the training split of 1.
    """
    return f"{name}_{version_name(version)}_{split}"


def part_name(split: str, at: int = 0) -> str:
    """Return a file of a split.

    Parameters
    ----------
    split : str
        Of the splits.
    at : int
        Which, from 0.

    Returns
    -------
    str
        Relative to the version's directory: ``train/part-00000.parquet``.
    """
    return f"{split}/part-{at:05}.parquet"

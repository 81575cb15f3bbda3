"""`Resampled`: what a table was resampled to, and how to read it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resampler.errors import CorruptStateError, MissingExtraError

FILE = "resampled.json"
FORMAT = 1


@dataclass(frozen=True)
class Resampled:
    """A table that was resampled.

    Parameters
    ----------
    path : Path
        Its directory: ``real/`` and ``synthetic/`` hold the rows, ``provenance/`` what each synthetic one was made of.
    said : dict
        What `FILE` says.
    kind : str, optional
        What was given: ``ray``, ``dask`` or ``spark``, and else files.
    was_there : bool
        Whether an earlier call had made it.
    """

    path: Path
    said: dict[str, Any]
    kind: str | None = field(default=None, compare=False)
    was_there: bool = field(default=False, compare=False)

    @property
    def digest(self) -> dict[str, str]:
        """Sum of the hashes of all rows, real and synthetic apart: the same in whatever order or files they stand."""
        return dict(self.said["digest"])

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """For each class, as text, the rows that were there, that were made and that cleaning removed."""
        return dict(self.said["classes"])

    @property
    def recall(self) -> dict[str, float]:
        """For each class, as text, the share of true neighbours that a sample of its rows found."""
        return dict(self.said["recall"])

    @classmethod
    def read(cls, path: str | Path) -> Resampled | None:
        """Read what a directory holds.

        Parameters
        ----------
        path : str or Path
            The directory.

        Returns
        -------
        Resampled or None
            None where there is none.

        Raises
        ------
        CorruptStateError
            If it cannot be read.
        """
        file = Path(path) / FILE
        try:
            said = json.loads(file.read_text())
            if said["format"] != FORMAT:
                raise ValueError(f"its format is {said['format']}")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptStateError(f"{file} cannot be read: {error}: resample again, to another directory") from error
        return cls(Path(path), said)

    @property
    def files(self) -> list[str]:
        """Paths of the parts, real rows first."""
        return [str(self.path / name) for name in self.said["files"]]

    def dataset(self) -> Any:
        """Open the rows.

        Returns
        -------
        pyarrow.dataset.Dataset
            Real rows, then synthetic ones.
        """
        from pyarrow import dataset

        return dataset.dataset(self.files, format="parquet")

    def frame(self) -> Any:
        """Return the rows as what was given: a frame of Ray Data, Dask or Spark, else a `pyarrow.dataset.Dataset`.

        Returns
        -------
        object
            Nothing was read yet.
        """
        return {"ray": self.to_ray, "dask": self.to_dask, "spark": self.to_spark}.get(self.kind or "", self.dataset)()

    def to_ray(self) -> Any:
        """Return the rows as a dataset of Ray Data.

        Returns
        -------
        ray.data.Dataset
            Nothing was read yet.

        Raises
        ------
        MissingExtraError
            If Ray is not installed.
        """
        try:
            import ray.data
        except ModuleNotFoundError as error:
            raise _missing("ray", error) from error
        return ray.data.read_parquet(self.files)

    def to_dask(self) -> Any:
        """Return the rows as a frame of Dask.

        Returns
        -------
        dask.dataframe.DataFrame
            Nothing was read yet.

        Raises
        ------
        MissingExtraError
            If Dask is not installed.
        """
        try:
            import dask.dataframe
        except ModuleNotFoundError as error:
            raise _missing("dask", error) from error
        return dask.dataframe.read_parquet(self.files)

    def to_spark(self, session: Any = None) -> Any:
        """Return the rows as a frame of Spark.

        Parameters
        ----------
        session : pyspark.sql.SparkSession, optional
            By default the one that is active, or a new one.

        Returns
        -------
        pyspark.sql.DataFrame
            Nothing was read yet.

        Raises
        ------
        MissingExtraError
            If Spark is not installed.
        """
        try:
            from pyspark.sql import SparkSession
        except ModuleNotFoundError as error:
            raise _missing("spark", error) from error
        session = session or SparkSession.builder.getOrCreate()
        return session.read.parquet(*(Path(name).as_uri() for name in self.files))


def _missing(extra: str, error: ModuleNotFoundError) -> MissingExtraError:
    return MissingExtraError(f"this needs {error.name}: pip install 'feast-resampler[{extra}]'")

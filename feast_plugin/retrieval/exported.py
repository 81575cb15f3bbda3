"""What a store retrieved, as files that tasks read: by the store's own workers where it has some."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from feast.infra.offline_stores.offline_store import RetrievalJob

from feast_plugin.versions.inputs.ordered import READING
from feast_plugin.versions.inputs.pieces import Piece, of_parquet
from feast_plugin.versions.inputs.typed import in_storage
from resampler.engines.task import Result, Task, run_task
from resampler.storage import Location

if TYPE_CHECKING:
    from collections.abc import Callable

    from resampler.engines.task import Output
    from resampler.engines.workplace import Workplace

_FOLDER = "rows"


class Exported:
    """Parquet files that a store's workers wrote.

    Parameters
    ----------
    paths : list of str
        Paths or URIs.
    ours : bool
        Whether they lie in the workplace; else `remove` removes them.
    """

    def __init__(self, paths: list[str], *, ours: bool) -> None:
        self._ours = ours
        self._paths = paths
        self.pieces: list[Piece] = []
        schemas: list[pa.Schema] = []
        for path in paths:
            file = Location.parse(path)
            with file.filesystem.open_input_file(file.path) as source:
                metadata = pq.ParquetFile(source).metadata
            if metadata.num_rows or not schemas:
                schemas.append(in_storage(metadata.schema.to_arrow_schema().empty_table()).schema)
            self.pieces += of_parquet(path, metadata)
        self.schema = pa.unify_schemas(schemas, promote_options="permissive").remove_metadata()

    def remove(self) -> None:
        """Remove files that lie where the store keeps what it exports: nobody else knows of them."""
        for path in [] if self._ours else self._paths:
            Location.parse(path).remove()


def exported(place: Workplace, make_job: Callable[[], RetrievalJob]) -> Exported | None:
    """Have a store's workers write what they retrieve.

    Parameters
    ----------
    place : Workplace
        Where to; if it has them already, these are taken.
    make_job : callable
        Begins the retrieval.

    Returns
    -------
    Exported or None
        None where the store has no workers of its own, or Feast computes on-demand features on one machine.
    """
    name = f"{READING}/retrieved"
    run_task(str(place.folder), Task(name, _export, {"make_job": make_job}))
    found = Result.read(place.folder / name)
    assert found is not None, "it was just written"  # noqa: S101
    paths = found.data["paths"]
    if paths is None:
        return None
    ours = found.data["ours"]
    return Exported([str(found.folder / path) for path in paths] if ours else paths, ours=ours)


def _export(output: Output, make_job: Callable[[], RetrievalJob]) -> dict[str, Any]:
    """Write what a job retrieves; in the driver, for a job is known to no other process."""
    job = make_job()
    if job.on_demand_feature_views:
        return {"paths": None, "ours": True}
    if _supports_export(job):
        return {"paths": _parquet_of(job.to_remote_storage()), "ours": False}
    folder = output.path(_FOLDER)
    if type(job).to_ray_dataset is not RetrievalJob.to_ray_dataset:  # the job's own, which fetches nothing
        job.to_ray_dataset().write_parquet(str(folder))
    elif hasattr(job, "spark_session"):
        job.to_spark_df().write.parquet(folder.as_uri())
    else:
        return {"paths": None, "ours": True}
    found = sorted(path.relative_to(output.folder) for path in folder.rglob("*.parquet"))
    return {"paths": [str(path) for path in found if not path.name.startswith(("_", "."))], "ours": True}


def _supports_export(job: RetrievalJob) -> bool:
    try:
        return bool(job.supports_remote_storage_export())
    except NotImplementedError:
        return False


def _parquet_of(paths: list[str]) -> list[str]:
    """Leave out what stands beside the rows: marks of success, and checksums."""
    return [path for path in paths if path.endswith(".parquet") and not Path(path).name.startswith(("_", "."))]

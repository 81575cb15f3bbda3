"""What the ledger of a snapshot keeps of making a version, and what an unfinished run is known by."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from feast_plugin.versions.files.parquet import HashingSink
from feast_plugin.versions.inputs.frame import open_table
from feast_plugin.versions.inputs.request import frame_file, is_select
from resampler.errors import ResamplerError
from resampler.ledger import FOLDER, STOPPED, Ledger, Run, key_of, now
from resampler.notices import warn
from resampler.options import options_of

if TYPE_CHECKING:
    from feast_plugin.versions.files.catalog import Catalog
    from feast_plugin.versions.inputs.request import Request
    from feast_plugin.versions.inputs.source import Source
    from feast_plugin.versions.making.recipe import Recipe
    from feast_plugin.versions.publish import Snapshot
    from resampler.budget import Meter, StoppedError

STEP = "snapshot"
_LIBRARIES = ("feast-resampler", "feast", "numba", "numpy", "pyarrow")  # parts of other releases are not mixed


def given_to(source: Source, request: Request, recipe: Recipe) -> dict[str, Any]:
    """Say what decides a version, but for the rows of its source: runs that are given the same go on with each other.

    Parameters
    ----------
    source : Source
        Where rows come from.
    request : Request
        Which.
    recipe : Recipe
        What is made of them, with nothing left open.

    Returns
    -------
    dict
        As JSON holds it.
    """
    asked = {one.name: _plain(getattr(request, one.name)) for one in options_of(type(request))}
    return {
        "request": {name: value for name, value in asked.items() if value not in (None, False, [])},
        "recipe": recipe.parameters | {"seed": str(recipe.seed), "ratio": recipe.ratio, "retain": recipe.retain},
        "columns": source.contract.to_dict(),
        "source": source.origin | source.contract.definitions,
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def _plain(value: Any) -> Any:
    """Write an option of a request: of a table, its digest."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | Path):
        text = str(value)
        return _where(text) if text.endswith((".parquet", ".csv", ".sql")) or Path(text).is_dir() else text
    if isinstance(value, tuple | list):
        return [_where(str(one)) if str(one).endswith(".parquet") else one for one in value]
    if hasattr(value, "isoformat") or not hasattr(value, "columns"):
        return str(getattr(value, "name", value))
    table, sink = open_table(value).data, HashingSink()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.sha256.hexdigest()


def _where(text: str) -> str:
    return text if is_select(text) else frame_file(text).uri


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def keep_made(catalog: Catalog, made: Snapshot) -> None:
    """Keep that a version was made, or found again.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions.
    made : Snapshot
        The version, with what it took.
    """
    key = key_of(step=STEP, digest=made.digest)
    _keep(catalog, "pass", key, f"{made.name} version {made.version}", made.to_dict())


def keep_stopped(catalog: Catalog, error: StoppedError) -> None:
    """Keep that a run was stopped.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions.
    error : StoppedError
        Which limit, how to go on, and what was spent.
    """
    _keep(catalog, STOPPED, key_of(step=STEP, resume=error.resume), catalog.name, error.to_dict())


def keep_refused(catalog: Catalog, meter: Meter) -> None:
    """Keep that a gate said no; why may name what is in rows, and is not for the ledger.

    Parameters
    ----------
    catalog : Catalog
        The snapshot's versions.
    meter : Meter
        What it took.
    """
    _keep(catalog, "no", key_of(step=STEP, refused=catalog.name), catalog.name, {"cost": meter.cost().to_dict()})


def _keep(catalog: Catalog, outcome: str, key: str, subject: str, details: dict[str, Any]) -> None:
    run = Run(STEP, outcome, key, subject, now(), details["cost"]["wall_seconds"], details)
    try:
        Ledger(catalog.home / FOLDER).append(run)
    except ResamplerError as error:  # the version is there, whatever became of the note
        warn(str(error), UserWarning)

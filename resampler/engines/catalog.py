"""`ENGINES`: one entry an engine, and which one is used where none is named."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import TYPE_CHECKING

from resampler.engines.answering import check_answers, silent
from resampler.engines.settings import EngineSettings
from resampler.errors import MissingExtraError

if TYPE_CHECKING:
    from resampler.engines.engine import Engine

ENGINES = {
    "inline": "resampler.engines.inline:Inline",
    "processes": "resampler.engines.processes:Processes",
    "ray": "resampler.engines.ray:Ray",
    "spark": "resampler.engines.spark:Spark",
    "dask": "resampler.engines.dask:Dask",
}
LARGE_ROWS = 1_000_000  # from here on starting workers, seconds each, is little beside the work


def open_engine(settings: EngineSettings | None = None, n_rows: int | None = None) -> Engine:
    """Make an engine ready.

    Parameters
    ----------
    settings : EngineSettings, optional
        By default nothing is said.
    n_rows : int, optional
        Of the work, where it is known: what an engine is chosen by where none is named.

    Returns
    -------
    Engine
        A context manager.

    Raises
    ------
    MissingExtraError
        If the engine is not installed.
    TaskError
        If its cluster does not answer.
    """
    settings = settings or EngineSettings()
    name = settings.engine or usual(n_rows)
    if settings.engine_address is not None:
        check_answers(settings.engine_address, name)
    module, _, kind = ENGINES[name].partition(":")
    try:
        found: Engine = getattr(importlib.import_module(module), kind)(settings)
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"engine {name!r} needs {error.name}: pip install 'feast-resampler[{name}]'") from error
    except OSError as error:  # of which those are that libraries raise for clusters that do not answer
        if settings.engine_address is None:
            raise
        raise silent(settings.engine_address, name, type(error).__name__) from error
    return found


def usual(n_rows: int | None) -> str:
    """Choose an engine where none is named.

    Parameters
    ----------
    n_rows : int or None
        Of the work.

    Returns
    -------
    str
        ``inline`` for what is small or of a size that is not known; else ``ray`` where it is installed, else
        ``processes``.
    """
    if n_rows is None or n_rows < LARGE_ROWS:
        return "inline"
    return "ray" if find_spec("ray") is not None else "processes"

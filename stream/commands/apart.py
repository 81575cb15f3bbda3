"""What another wing reads for a worker, in a process that ends."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


def call_apart(function: Callable[_Given, _Found], *args: _Given.args, **kwargs: _Given.kwargs) -> _Found:
    """Call a function in a process of its own, and end that.

    Parameters
    ----------
    function : callable
        Of a module, so that the process can find it.
    *args, **kwargs : object
        What it takes.

    Returns
    -------
    object
        What it returns; what it raises is raised here.

    Notes
    -----
    Feast takes seconds and 200 MB to import, and sets up Prometheus for the process: a worker that runs for months
    does without.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()

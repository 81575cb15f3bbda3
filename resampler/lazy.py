"""Public names that are imported when they are first asked for: Feast takes seconds, scikit-learn half of one."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from resampler.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def attach(
    package: str, home: Mapping[str, str], extra: str | Mapping[str, str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's `__getattr__` and `__dir__`.

    Parameters
    ----------
    package : str
        Its import name.
    home : mapping of str to str
        The module of the package that each public name lives in.
    extra : str or mapping of str to str, optional
        The extra that brings what these modules import, or that of each module; without one, a missing module is none
        of the user's doing.

    Returns
    -------
    tuple of callable
        The two functions. The first raises `MissingExtraError`, with the command that installs the extra, where a
        module is missing that is not the package's own.

    References
    ----------
    PEP 562, module __getattr__ and __dir__.
    """

    def _get(name: str) -> Any:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        try:
            module = importlib.import_module(f"{package}.{home[name]}")
        except ModuleNotFoundError as error:
            if extra is None or (error.name or "").split(".")[0] == package:
                raise
            brings = extra if isinstance(extra, str) else extra[home[name]]
            raise MissingExtraError(
                f"{package}.{name} needs {error.name}: pip install 'feast-resampler[{brings}]'"
            ) from error
        value = getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    def _dir() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home})

    return _get, _dir

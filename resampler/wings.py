"""What a wing brings to the core by entry point, if the wing is installed."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

from resampler.errors import MissingExtraError


def from_wing(group: str, extra: str, need: str) -> Any:
    """Load what a wing brings to the core.

    Parameters
    ----------
    group : str
        Of entry points; the one of the extra's name is taken.
    extra : str
        That brings it: ``stream``, ``feast``.
    need : str
        What the message says of who needs it: ``--emit needs``.

    Returns
    -------
    object
        What the entry point names.

    Raises
    ------
    MissingExtraError
        If it, or what it imports, is not installed.
    """
    remedy = f"pip install 'feast-resampler[{extra}]'"
    for point in entry_points(group=group, name=extra):
        try:
            return point.load()
        except ModuleNotFoundError as error:
            raise MissingExtraError(f"{need} {error.name}: {remedy}") from error
    raise MissingExtraError(f"{need} {remedy}")

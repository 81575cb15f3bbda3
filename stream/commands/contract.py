"""A contract that another wing reads: found by entry point, read in a process of its own."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from resampler.errors import MissingExtraError
from stream.commands.apart import call_apart

if TYPE_CHECKING:
    from resampler.schema import FeatureSchema

GROUP = "resampler.contracts"


def read_contract(reader: str, *arguments: str) -> FeatureSchema:
    """Read a contract.

    Parameters
    ----------
    reader : str
        Name of the entry point, such as ``feast``.
    *arguments : str
        What it takes.

    Returns
    -------
    FeatureSchema
        What it returns.

    Raises
    ------
    MissingExtraError
        If it, or what it needs, is not installed.
    """
    return call_apart(_read, reader, arguments)


def _read(reader: str, arguments: tuple[str, ...]) -> FeatureSchema:
    try:
        (point,) = entry_points(group=GROUP, name=reader)
        read = point.load()
    except (ValueError, ModuleNotFoundError) as error:
        raise MissingExtraError(f"the {reader} contract needs pip install 'feast-resampler[{reader}]'") from error
    schema: FeatureSchema = read(*arguments)
    return schema

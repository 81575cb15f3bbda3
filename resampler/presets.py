"""Presets: parameters of a stream by what its output is for, all in one record.

What they were chosen on: ``docs/design/imbalanced-streams.md``. A preset is a shorter way to write its parameters: a
stream stores and hashes these, never the name, so that a preset can change and streams begun with it go on.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from resampler.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # A learner that learns row by row: balanced classes, made from rows that are recent enough to follow drift, and
        # partly when a row comes, so that a burst is heard while it lasts; nothing is made of one that stays away.
        "online-learning": MappingProxyType(
            {
                "ratio": 1.0,
                "window": 3_000,
                "capacity": 200,
                "burst": 32,
                "emit": "both",
                "advance": 0.5,
                "growth": 300.0,
            }
        ),
        # Rows that are kept and trained on later: few synthetic ones, made from many real ones.
        "collecting": MappingProxyType(
            {"ratio": 0.2, "window": 10_000, "capacity": 10_000, "burst": 16, "emit": "owed"}
        ),
    }
)


def preset(use: str, **given: Any) -> dict[str, Any]:
    """Return the parameters that serve a use.

    Parameters
    ----------
    use : {"online-learning", "collecting"}
        What the stream's output is for: a learner that learns row by row, or rows that are kept and trained on later.
    **given
        Parameters that go before the preset's. Under another `emit` than both the preset's `advance` is left out.

    Returns
    -------
    dict
        Keyword arguments of `resampler.OnlineResampler`, and of `stream.Settings`.

    Raises
    ------
    InvalidInputError
        If there is no such use.

    Examples
    --------
    >>> preset("collecting", ratio=0.5)
    {'ratio': 0.5, 'window': 10000, 'capacity': 10000, 'burst': 16, 'emit': 'owed'}
    """
    if use not in PRESETS:
        raise InvalidInputError(f"use must be one of {tuple(PRESETS)}, got {use!r}")
    said = dict(PRESETS[use])
    if given.get("emit", said["emit"]) != "both":
        said.pop("advance", None)
    return said | given


def describe(parameters: Mapping[str, Any]) -> str:
    """Write parameters as options of the command line.

    Parameters
    ----------
    parameters : mapping
        By name, such as a preset.

    Returns
    -------
    str
        Of those that have a value.

    Examples
    --------
    >>> describe({"ratio": 1.0, "k_neighbors": 5, "undersample": None})
    '--ratio 1 --k-neighbors 5'
    """
    return " ".join(
        f"--{name.replace('_', '-')} {value:g}" if isinstance(value, float) else f"--{name.replace('_', '-')} {value}"
        for name, value in parameters.items()
        if value is not None
    )

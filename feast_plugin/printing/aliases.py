"""`alias` without a name: where each alias points, and how it came there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resampler.printing import aligned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from feast_plugin.versions.files.aliases import Alias

MOVES = ("alias", "when", "by", "command", "from", "to", "now")


def moves(aliases: Iterable[Alias]) -> list[str]:
    """Print the history of aliases, a line a step.

    Parameters
    ----------
    aliases : iterable of Alias
        Of one snapshot.

    Returns
    -------
    list of str
        Aligned lines, of each alias the latest step first; that one says where the alias points now.
    """
    rows = [
        (
            one.name if at == 0 else "",
            move.at,
            move.by,
            move.why,
            _version(move.before),
            _version(move.after),
            f"points to {_version(one.version)}" if at == 0 else "",
        )
        for one in aliases
        for at, move in enumerate(reversed(one.history))
    ]
    return aligned(rows, MOVES)


def _version(number: int | None) -> str:
    return "nowhere" if number is None else f"version {number}"
